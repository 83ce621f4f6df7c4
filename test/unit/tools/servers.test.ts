/** The tests' own servers: addresses given by the environment, groups of test files, locks, installs and processes. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, matchesGlob } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { givenAddress } from "../../../tools/servers/catalogue.ts";
import { installOnce } from "../../../tools/servers/install.ts";
import { withLock } from "../../../tools/servers/lock.ts";
import { choosePort } from "../../../tools/servers/ports.ts";
import { isAlive, isGroupAlive, kill, launch, markOf, terminate } from "../../../tools/servers/processes.ts";
import { INTEROP_GROUPS, SERVER_GROUPS, SHORT, serverOf } from "../../../tools/test-groups.ts";
import { temporaryFolder } from "../../support/temporary.ts";

describe("an address given by the environment", () => {
  test.each([
    ["milvus", {}, null],
    ["milvus", { NEARSIGHT_TEST_MILVUS_URI: "" }, null],
    ["milvus", { NEARSIGHT_TEST_MILVUS_URI: "http://m:1" }, { uri: "http://m:1" }],
    ["milvus-lite", { NEARSIGHT_TEST_MILVUS_URI: "http://m:1" }, null],
    [
      "milvus-lite",
      { NEARSIGHT_TEST_MILVUS_LITE_URI: "http://m:1", NEARSIGHT_TEST_MILVUS_LITE_USER: "u" },
      { uri: "http://m:1", user: "u" },
    ],
    [
      "elasticsearch",
      {
        NEARSIGHT_TEST_ELASTICSEARCH_HOSTS: "http://a:1, http://b:2",
        NEARSIGHT_TEST_ELASTICSEARCH_USER: "u",
        NEARSIGHT_TEST_ELASTICSEARCH_PASSWORD: "0123",
      },
      { hosts: ["http://a:1", "http://b:2"], username: "u", password: "0123" },
    ],
    ["elasticsearch-8", { NEARSIGHT_TEST_ELASTICSEARCH_8_HOSTS: "http://a:1" }, { hosts: ["http://a:1"] }],
    ["postgres", { NEARSIGHT_TEST_POSTGRES: "postgres://u@a/d" }, { url: "postgres://u@a/d" }],
  ] as const)("of %s from %j", (name, environment, address) => {
    expect(givenAddress(name, environment)).toEqual(address);
  });
});

describe("groups of test files", () => {
  test.each([
    ["test/backends/milvus.test.ts", "milvus"],
    ["test/backends/milvus-walkthrough.test.ts", "milvus"],
    ["test/backends/milvus-lite.test.ts", "milvus-lite"],
    ["test/backends/milvus-lite-limits.test.ts", "milvus-lite"],
    ["test/backends/elasticsearch-faults.test.ts", "elasticsearch"],
    ["test/backends/elasticsearch-8.test.ts", "elasticsearch-8"],
    ["test/backends/local.test.ts", "short"],
    ["test/store/postgres-faults.test.ts", "postgres"],
    ["test/unit/tools/servers.test.ts", "short"],
    ["test/long/parity.test.ts", undefined],
    ["test/interop/formats.test.ts", "interop"],
    ["test/interop/milvus.test.ts", "interop-milvus"],
    ["test/interop/elasticsearch.test.ts", "interop-elasticsearch"],
  ])("%s is in %s alone", (file, group) => {
    const groups = [...SERVER_GROUPS, ...INTEROP_GROUPS, ["short", SHORT] as const];
    const found = groups.filter(([, { include, exclude }]) => {
      const isIn = (globs: readonly string[]) => globs.some((glob) => matchesGlob(file, glob));
      return isIn(include) && !isIn(exclude);
    });
    expect(found.map(([name]) => name)).toEqual(group === undefined ? [] : [group]);
  });

  test("of the store are in short, on SQLite, and in postgres", () => {
    const file = "test/store/samples.test.ts";
    const isIn = (globs: readonly string[]) => globs.some((glob) => matchesGlob(file, glob));
    const { include = [] } = SERVER_GROUPS.get("postgres") ?? {};
    expect([isIn(SHORT.include) && !isIn(SHORT.exclude), isIn(include)]).toEqual([true, true]);
  });
});

test.each([
  ["milvus-lite", "milvus-lite"],
  ["interop-milvus", "milvus"],
  ["interop-elasticsearch", "elasticsearch"],
  ["postgres", "postgres"],
  ["interop", null],
  ["short", null],
])("group %s runs on %s", (group, server) => {
  expect(serverOf(group)).toBe(server);
});

describe("installing once", () => {
  test("makes it once for callers at the same time", async () => {
    const base = temporaryFolder();
    let made = 0;
    const make = async (staging: string) => {
      made++;
      writeFileSync(join(staging, "file"), "whole");
    };
    const places = await Promise.all([installOnce("thing", make, base), installOnce("thing", make, base)]);
    expect(made).toBe(1);
    expect(places[0]).toBe(places[1]);
    expect(readFileSync(join(places[0], "file"), "utf8")).toBe("whole");
  });

  test("leaves nothing in place where it fails, and removes what an interrupted one left", async () => {
    const base = temporaryFolder();
    mkdirSync(join(base, "installed/thing.part-abc"), { recursive: true });
    const fails = async (staging: string) => {
      writeFileSync(join(staging, "file"), "half");
      throw new Error("no network");
    };
    await expect(installOnce("thing", fails, base)).rejects.toThrow("no network");
    expect(readdirSync(join(base, "installed"))).toEqual([]);
    const place = await installOnce("thing", async () => {}, base);
    expect(existsSync(place)).toBe(true);
  });
});

test("a lock lets one in at a time", async () => {
  const path = join(temporaryFolder(), "lock");
  let inside = 0;
  let most = 0;
  const visit = () =>
    withLock(path, async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    });
  await Promise.all([visit(), visit(), visit()]);
  expect(most).toBe(1);
});

test("another port is chosen where the usual one or a companion is taken", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  expect(await choosePort(port, [])).not.toBe(port);
  expect(await choosePort(port - 1, [1])).not.toBe(port - 1);
  server.close();
  await once(server, "close");
  expect(await choosePort(port, [])).toBe(port);
});

describe("processes", () => {
  const startIn = (folder: string, script: string) =>
    launch({
      command: "sh",
      args: ["-c", script],
      folder,
      environment: { PATH: process.env["PATH"] },
      log: join(folder, "log"),
    });
  const start = (script: string) => startIn(temporaryFolder(), script);

  /** Starts a script and waits for the process id that it prints. */
  async function startAndRead(script: string) {
    const folder = temporaryFolder();
    const mark = startIn(folder, script);
    const printed = () => readFileSync(join(folder, "log"), "utf8");
    await vi.waitFor(() => expect(printed()).toMatch(/^\d+\n$/));
    return { mark, pid: Number(printed()) };
  }

  test("another moment of start is another process", () => {
    const mark = markOf(process.pid);
    if (mark === null) throw new Error("Expected this process to run");
    expect(isAlive(mark)).toBe(true);
    expect(isAlive({ ...mark, startedAt: "1" })).toBe(false);
  });

  test("one that ended is none", async () => {
    const child = spawn("true");
    const { pid } = child;
    await once(child, "exit");
    expect(markOf(pid ?? 0)).toBe(null);
  });

  test("ends one that listens", async () => {
    const mark = start("exec sleep 600");
    await terminate(mark);
    expect(isGroupAlive(mark)).toBe(false);
  });

  test("kills all that it started", async () => {
    const { mark, pid } = await startAndRead("trap '' TERM; sleep 600 & echo $!; wait");
    await kill(mark);
    expect([isGroupAlive(mark), markOf(pid)]).toEqual([false, null]);
  });

  test("a group lives on without its first process", async () => {
    const { mark } = await startAndRead("sleep 600 & echo $!; wait");
    process.kill(mark.pid, "SIGKILL");
    await vi.waitFor(() => expect(isAlive(mark)).toBe(false));
    expect(isGroupAlive(mark)).toBe(true);
    await terminate(mark);
    expect(isGroupAlive(mark)).toBe(false);
  });

  test("one that ended and that nobody waited for is none", async () => {
    const { mark, pid } = await startAndRead("setsid true & echo $!; exec sleep 600");
    await vi.waitFor(() => expect(markOf(pid)).toBe(null));
    expect(process.kill(-pid, 0)).toBe(true);
    expect(isGroupAlive({ pid, startedAt: "1" })).toBe(false);
    await kill(mark);
  });

  test("leaves another process of the same id alone", async () => {
    const mark = start("exec sleep 600");
    await kill({ ...mark, startedAt: "1" });
    expect(isAlive(mark)).toBe(true);
    await kill(mark);
  });

  test("says which command cannot be run", () => {
    const folder = temporaryFolder();
    const plan = { command: "no-such-command", args: [], folder, environment: {}, log: join(folder, "log") };
    expect(() => launch(plan)).toThrow("no-such-command");
  });
});

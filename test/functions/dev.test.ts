/** The development server as a process: it tells its key, listens on this machine alone, and ends when asked to. */

import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiKey } from "../../functions/auth/api-keys.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SCRIPT = resolve(import.meta.dirname, "../../functions/dev.ts");
const SECRET = "canary-secret-of-the-service-00000000000";

const own = createApiKey("app", "read");
let server: ChildProcess;
let ended: Promise<number | null>;
let url: string;
let key: string;
const printed: string[] = [];

beforeAll(async () => {
  const home = temporaryFolder();
  const settings = {
    ...{ PORT: "0", NEARSIGHT_HOME: home, NEARSIGHT_CACHE: join(home, "cache") },
    ...{ NEARSIGHT_API_KEYS: JSON.stringify([own.record]), NEARSIGHT_API_SECRET: SECRET },
  };
  server = spawn(process.execPath, [SCRIPT], {
    env: { ...process.env, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  ended = new Promise((end) => server.once("exit", end));
  server.stderr?.on("data", (data) => printed.push(String(data)));
  const ready = Promise.withResolvers<void>();
  createInterface(server.stdout ?? process.stdin).on("line", (line) => {
    printed.push(line);
    url = / at (http:\S+)$/.exec(line)?.[1] ?? url;
    key = /^API key of this run: (\S+)$/.exec(line)?.[1] ?? key;
    if (url !== undefined && key !== undefined) ready.resolve();
  });
  await Promise.race([ready.promise, ended]);
});
afterAll(() => {
  server.kill("SIGKILL");
});

const status = async (text: string, path = "/datasets", method = "GET") =>
  (await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${text}` } })).status;

test("its key may do everything, a key of the settings what its record says, and others nothing", async () => {
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await status(key)).toBe(200);
  expect(await status(key, "/datasets/none", "DELETE")).toBe(404);
  expect(await status(own.key)).toBe(200);
  expect(await status(own.key, "/datasets/none", "DELETE")).toBe(403);
  expect(await status("ns_other")).toBe(401);
});

test("no other machine can reach it", async () => {
  const others = Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined && !one.internal && one.family === "IPv4");
  for (const other of others) {
    const socket = connect(Number(new URL(url).port), other?.address);
    const outcome = await new Promise((found) =>
      socket.once("connect", () => found("connected")).once("error", found),
    );
    socket.destroy();
    expect(outcome).toMatchObject({ code: "ECONNREFUSED" });
  }
});

test("it prints the key of this run and no other secret, and ends when it is asked to", async () => {
  server.kill("SIGTERM");
  expect(await ended).toBe(0);
  const text = printed.join("\n");
  expect(text.split(key).length - 1).toBe(2);
  for (const canary of [own.key, own.record.sha256, SECRET]) expect(text).not.toContain(canary);
});

/** Disks that are full or read-only, other users, long locks and threads that die: clear errors, nothing half-written. */

import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { drawPictures, expectInStep, expectSoundFiles, letLeasesEnd } from "../support/crash-checks.ts";
import { copyHome, countWrites, runProgram, runTask } from "../support/crash-run.ts";
import { openHome, REQUEST } from "../support/crash-tasks.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { randomVectors } from "../support/vectors.ts";

vi.setConfig({ testTimeout: 300_000 });

const PICTURES = 20;
/** Mounts of the child alone, which end with it; as root in the own, else in a user namespace. */
const UNSHARE = ["unshare", "--mount", ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"])];
const FULL = { code: "STORE_UNUSABLE", hint: expect.stringMatching(/disk is (not )?full/) };

const BUSY = { code: "STORE_BUSY", retryable: true, hint: expect.stringContaining("try again") };

/** Runs `script` of the shell, then the program named after it. */
function shell(script: string): string[] {
  return ["bash", "-c", `${script} && exec "$@"`, "bash"];
}

let home: string;

beforeAll(async () => {
  home = temporaryFolder();
  const ns = await openHome(home);
  const dataset = await ns.createDataset("crash");
  await dataset.addSamples((await drawPictures(home, PICTURES)).map((filepath) => ({ filepath })));
  await ns.computeSimilarity(dataset, { embeddings: randomVectors(PICTURES, 8), brainKey: "given" });
  await ns.close();
});

/** Bytes of the store and its indexes. */
function contents(folder: string): Map<string, Buffer> {
  const names = [
    ...readdirSync(folder),
    ...readdirSync(join(folder, "indexes")).map((name) => join("indexes", name)),
  ];
  const files = names.filter((name) => name.endsWith(".db"));
  return new Map(files.map((name) => [name, readFileSync(join(folder, name))]));
}

describe("a full disk", () => {
  test("refuses what does not fit, keeps what was there, and works again once there is room", async () => {
    const place = temporaryFolder();
    const mount = `mount -t tmpfs -o size=8m nearsight ${place}`;
    const child = await runProgram("disk", [place, temporaryFolder()], {
      prefix: [...UNSHARE, ...shell(mount)],
    });
    expect(child).toMatchObject({ code: 0, errors: "" });
    expect(JSON.parse(child.output)).toEqual({
      add: FULL,
      count: 40,
      "add again": "done",
      "build 0": FULL,
      "build 40960": FULL,
      "build 92160": FULL,
      "build 143360": FULL,
      search: 5,
    });
  });

  test.each([16, 64, 256])("files that may not grow beyond %i KiB are refused alike", async (kilobytes) => {
    const copy = copyHome(home);
    const before = contents(copy);
    const limit = Math.ceil(statSync(join(copy, "nearsight.db")).size / 1024) + kilobytes;
    const child = await runTask(copy, "addSamples", { prefix: shell(`trap '' XFSZ; ulimit -f ${limit}`) });
    expect(child.output).toMatch(/^STORE_UNUSABLE .*disk/);
    expect(child.errors).toBe("");
    expect(contents(copy).keys().toArray()).toEqual(before.keys().toArray());
    const ns = await openHome(copy);
    const dataset = await ns.loadDataset("crash");
    expect([PICTURES, PICTURES + 1_000]).toContain(await dataset.count());
    await expectInStep(dataset, await dataset.loadBrainResults("given"), PICTURES);
    await ns.close();
    expect((await runTask(copy, "addSamples")).output).toBe("done");
    expectSoundFiles(copy, 1);
  });
});

describe("a store that may only be read", () => {
  test.each(["addSamples", "addToIndex", "build"])("on a read-only disk %s says so", async (task) => {
    const copy = copyHome(home);
    const before = contents(copy);
    const mount = `mount --bind ${copy} ${copy} && mount -o remount,ro,bind ${copy}`;
    const child = await runTask(copy, task, { prefix: [...UNSHARE, ...shell(mount)] });
    expect(child.output).toMatch(/^STORE_UNUSABLE .*writable/);
    expect(child.errors).toBe("");
    expect(contents(copy)).toEqual(before);
  });

  test("to another user it says so", async () => {
    const copy = copyHome(home);
    const before = contents(copy);
    const asOther = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : [];
    chmodSync(copy, 0o555);
    chmodSync(join(copy, "nearsight.db"), 0o444);
    const child = await runTask(copy, "addSamples", { prefix: asOther });
    expect(child.output).toMatch(/^STORE_UNUSABLE .*writable/);
    expect(child.errors).toBe("");
    chmodSync(copy, 0o755);
    expect(contents(copy)).toEqual(before);
  });
});

/** Takes SQLite's write lock as another process would; gives what frees it. */
function lock(path: string): () => void {
  const database = new DatabaseSync(path);
  database.exec("BEGIN IMMEDIATE");
  return () => database.close();
}

test.concurrent("a store locked for long is STORE_BUSY after 30 seconds, and usable after", async () => {
  const copy = copyHome(home);
  const ns = await openHome(copy);
  const dataset = await ns.loadDataset("crash");
  const free = lock(join(copy, "nearsight.db"));
  const add = () => dataset.addSamples([{ filepath: "late.png" }]);
  await expect(add()).rejects.toMatchObject(BUSY);
  free();
  await add();
  expect(await dataset.count()).toBe(PICTURES + 1);
  await ns.close();
});

test.concurrent("an index locked for long likewise, while it is searched", async () => {
  const copy = copyHome(home);
  const ns = await openHome(copy);
  const dataset = await ns.loadDataset("crash");
  const index = await dataset.loadBrainResults("given");
  const [file = ""] = readdirSync(join(copy, "indexes")).filter((name) => name.endsWith(".db"));
  const free = lock(join(copy, "indexes", file));
  const vector = randomVectors(1, 8);
  const ids = (await dataset.limit(1).values("id")) as string[];
  await expect(index.addToIndex(vector, ids)).rejects.toMatchObject(BUSY);
  expect(await dataset.sortBySimilarity({ vector: [...vector.row(0)] }, { k: 100 }).count()).toBe(PICTURES);
  free();
  await index.addToIndex(vector, ids);
  await expectInStep(dataset, index, PICTURES);
  await ns.close();
  expectSoundFiles(copy, 1);
});

describe("work that ends early", () => {
  async function expectResumable(copy: string): Promise<void> {
    letLeasesEnd(copy);
    const ns = await openHome(copy);
    const dataset = await ns.loadDataset("crash");
    await expectInStep(dataset, await ns.computeSimilarity(dataset, REQUEST), PICTURES);
    await ns.close();
    expectSoundFiles(copy, 2);
  }

  test.each(["store", "index"])("a %s thread that dies fails its calls with CLOSED", async (kind) => {
    const counts = await countWrites(home, "build");
    const copy = copyHome(home);
    const crash = `${kind}:${Math.floor((counts.get(kind) ?? 0) / 2)}:thread`;
    const child = await runTask(copy, "build", { crash, log: join(copy, "points.log") });
    expect(child).toMatchObject({ code: 0, errors: "" });
    expect(child.output).toMatch(/CLOSED Open it again with open\(\)$/);
    await expectResumable(copy);
  });

  test("process.exit() during a build leaves one to go on with", async () => {
    const copy = copyHome(home);
    expect(await runTask(copy, "exitDuringBuild")).toMatchObject({ code: 0, errors: "" });
    await expectResumable(copy);
  });

  test("close() during a build ends it with CLOSED and frees it at once", async () => {
    const copy = copyHome(home);
    const child = await runTask(copy, "closeDuringBuild");
    expect(child).toMatchObject({ code: 0, errors: "" });
    expect(child.output).toMatch(/CLOSED .*goes on where it stopped$/);
    const ns = await openHome(copy);
    const dataset = await ns.loadDataset("crash");
    await expectInStep(dataset, await ns.computeSimilarity(dataset, REQUEST), PICTURES);
    await ns.close();
  });

  test("a build that nobody waits for keeps its process until it is done", async () => {
    const copy = copyHome(home);
    const child = await runTask(copy, "forgetBuild");
    expect(child).toMatchObject({ code: 0, errors: "" });
    const ns = await openHome(copy);
    const dataset = await ns.loadDataset("crash");
    await expectInStep(dataset, await dataset.loadBrainResults("images"), PICTURES);
    await ns.close();
    expect(existsSync(join(copy, "nearsight.db-wal"))).toBe(false);
  });
});

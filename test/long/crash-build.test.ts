/** A build is killed at seeded random points; the same call resumes it to what an undisturbed build makes. */

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Embeddings } from "../../core/dataset/brain-port.ts";
import { seededRandom } from "../../core/random.ts";
import { drawPictures, expectInStep, expectSoundFiles, letLeasesEnd } from "../support/crash-checks.ts";
import { choosePoints, copyHome, countWrites, removeHome, rounds, runTask } from "../support/crash-run.ts";
import { BATCH, openHome, REQUEST, TASKS } from "../support/crash-tasks.ts";
import { temporaryFolder } from "../support/temporary.ts";

vi.setConfig({ testTimeout: 300_000 });

const PICTURES = 60;
const SEED = 20_261;
/** Builds killed at a write, and builds killed from outside after so many embedded batches. */
const [WRITES, MOMENTS] = [rounds(10, 38), rounds(3, 12)];

let home: string;
let expected: Embeddings;
let points: string[];
const places: string[] = [];

beforeAll(async () => {
  home = temporaryFolder();
  const paths = await drawPictures(home, PICTURES);
  const ns = await openHome(home);
  await (await ns.createDataset("crash")).addSamples(paths.map((filepath) => ({ filepath })));
  await ns.close();

  const undisturbed = copyHome(home);
  expect((await runTask(undisturbed, "build")).output).toMatch(/done$/);
  const other = await openHome(undisturbed);
  expected = await (await (await other.loadDataset("crash")).loadBrainResults("images")).getEmbeddings();
  await other.close();
  points = choosePoints(await countWrites(home, "build"), WRITES, SEED);
});

/** Goes on with the build in a copy of the home that was killed in, and compares. */
async function expectResumed(copy: string): Promise<void> {
  letLeasesEnd(copy);
  const ns = await openHome(copy);
  const dataset = await ns.loadDataset("crash");
  const index = await ns.computeSimilarity(dataset, REQUEST).catch(async (error) => {
    // Killed after the last write: there is nothing to go on with.
    expect(error).toMatchObject({ code: "RUN_EXISTS", details: { state: "ready" } });
    return dataset.loadBrainResults("images");
  });
  await expectInStep(dataset, index, PICTURES);
  const found = await index.getEmbeddings();
  expect(found.sampleIds).toEqual(expected.sampleIds);
  expect(found.embeddings.data).toEqual(expected.embeddings.data);
  expect(await dataset.listBrainRuns()).toEqual(["images"]);
  await ns.close();
  expectSoundFiles(copy, 1);
  expect(statSync(join(copy, "embedded.log")).size).toBeLessThanOrEqual(PICTURES + 2 * BATCH);
  removeHome(copy);
}

test.each(Array.from({ length: WRITES }, (_, round) => round))(
  "killed at a write, round %i",
  async (round) => {
    const copy = copyHome(home);
    const log = join(copy, "points.log");
    const { signal } = await runTask(copy, "build", { crash: points[round] ?? "", log });
    expect(signal).toBe("SIGKILL");
    places.push(readFileSync(log, "utf8"));
    await expectResumed(copy);
  },
);

const moment = seededRandom(SEED);
test.each(Array.from({ length: MOMENTS }, () => 1 + Math.floor(moment() * (PICTURES / BATCH - 1))))(
  "killed from outside at batch %i",
  async (batch) => {
    const copy = copyHome(home);
    let batches = 0;
    const { signal } = await runTask(copy, "build", {
      line: (line, kill) => line.startsWith("embedded") && ++batches === batch && kill(),
    });
    expect(signal).toBe("SIGKILL");
    await expectResumed(copy);
  },
);

test("killed again and again, a build still comes to its end", async () => {
  const copy = copyHome(home);
  for (const point of ["store:9", "index:9", "index:21", "store:40", "index:30"]) {
    expect((await runTask(copy, "build", { crash: point, log: join(copy, "points.log") })).signal).toBe(
      "SIGKILL",
    );
    letLeasesEnd(copy);
  }
  const ns = await openHome(copy);
  const dataset = await ns.loadDataset("crash");
  const index = await ns.computeSimilarity(dataset, REQUEST);
  await expectInStep(dataset, index, PICTURES);
  expect((await index.getEmbeddings()).embeddings.data).toEqual(expected.embeddings.data);
  await ns.close();
  expect(statSync(join(copy, "embedded.log")).size).toBeLessThanOrEqual(PICTURES + 5 * 2 * BATCH);
});

test("killed while its rows are frozen, it indexes the view of before or that of after, never a mix", async () => {
  const chosen = copyHome(home);
  const ns = await openHome(chosen);
  const dataset = await ns.loadDataset("crash");
  const ids = (await dataset.values("id")) as string[];
  const [before, after] = [ids.slice(0, 8), ids.slice(4, 16)];
  await dataset.setValues("chosen", new Map(ids.map((id) => [id, before.includes(id)])));
  await ns.close();
  const found = new Set<number>();
  for (let point = 1; point <= 36; point += rounds(7, 1)) {
    const copy = copyHome(chosen);
    const crash = `store:${point}`;
    expect((await runTask(copy, "buildChosen", { crash, log: join(copy, "points.log") })).signal).toBe(
      "SIGKILL",
    );
    letLeasesEnd(copy);
    const again = await openHome(copy);
    const changed = await again.loadDataset("crash");
    await changed.setValues("chosen", new Map(ids.map((id) => [id, after.includes(id)])));
    await TASKS["buildChosen"]?.(again, changed);
    const index = await changed.loadBrainResults("images");
    const { sampleIds } = await index.getEmbeddings();
    expect([before, after]).toContainEqual(sampleIds);
    found.add(sampleIds.length);
    await expectInStep(changed, index, sampleIds.length);
    await again.close();
    removeHome(copy);
  }
  expect(found).toEqual(new Set([8, 12]));
});

afterAll(() => {
  // Of the killed builds some were in the middle of a write: else the rounds above prove less than they say.
  const inside = places.filter((place) => place.includes("inside a transaction"));
  if (places.length === WRITES) expect(inside.length).toBeGreaterThanOrEqual(5);
});

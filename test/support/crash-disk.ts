/** A program for the tests of a full disk: fills the small disk its home is on, and works on it before and after. */

import { rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isNearsightError } from "../../core/errors.ts";
import { drawPictures, expectInStep, expectSoundFiles } from "./crash-checks.ts";
import { openHome, REQUEST } from "./crash-tasks.ts";
import { randomVectors } from "./vectors.ts";

const [home = "", pictures = ""] = process.argv.slice(2);
const ballast = join(home, "ballast");

/** Leaves so many bytes of the disk free. */
function fill(free: number): void {
  rmSync(ballast, { force: true });
  const { bavail, bsize } = statfsSync(home);
  writeFileSync(ballast, new Uint8Array(Math.max(0, bavail * bsize)));
  truncateSync(ballast, Math.max(0, bavail * bsize - free));
}

/** What a call came to. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
    return "done";
  } catch (error) {
    if (!isNearsightError(error)) return `unexpected ${error}`;
    return { code: error.code, hint: error.hint };
  }
}

const report: Record<string, unknown> = {};
const ns = await openHome(home);
const dataset = await ns.createDataset("disk");
const paths = await drawPictures(pictures, 40);
await dataset.addSamples(paths.map((filepath) => ({ filepath })));

// A thousand samples with vectors need more than there is.
fill(256 * 1024);
const vectors = randomVectors(1_000, 256);
const samples = Array.from({ length: 1_000 }, (_, i) => ({ filepath: `${i}.png`, vector: vectors.row(i) }));
report["add"] = await outcome(dataset.addSamples(samples));
report["count"] = await dataset.count();
rmSync(ballast);
report["add again"] = await outcome(dataset.addSamples(samples));
await dataset.deleteSamples((await dataset.exists("vector").values("id")) as string[]);

// A build whose index file, or whose store, has no room to grow.
for (const free of [0, 40, 90, 140].map((kilobytes) => kilobytes * 1024)) {
  fill(free);
  const key = `free${free}`;
  report[`build ${free}`] = await outcome(ns.computeSimilarity(dataset, { ...REQUEST, brainKey: key }));
  rmSync(ballast);
  const index = await ns.computeSimilarity(dataset, { ...REQUEST, brainKey: key });
  await expectInStep(dataset, index, 40);
  await index.delete();
}
const index = await ns.computeSimilarity(dataset, REQUEST);
fill(0);
report["search"] = await dataset
  .sortBySimilarity({ id: (await dataset.first())?.id ?? "" }, { k: 5 })
  .count();
rmSync(ballast);
await expectInStep(dataset, index, 40);
await ns.close();
expectSoundFiles(home, 1);
console.log(JSON.stringify(report));

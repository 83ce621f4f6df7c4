/** A program for the tests of several processes: opens a home, or writes to one, or reads it all the while. */

import { once } from "node:events";
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { distanceOf } from "../../core/backends/metric.ts";
import type { Dataset } from "../../core/dataset/dataset.ts";
import { seededRandom } from "../../core/random.ts";
import { openHome } from "./crash-tasks.ts";
import { randomVectors } from "./vectors.ts";

const [role = "", home = "", milliseconds = "0"] = process.argv.slice(2);

/** The vector of the sample with that number. */
function vectorOf(number: number): Float32Array {
  return randomVectors(1, 8, number + 1).row(0);
}

/** Adds and deletes samples with their entries; every line of `acknowledged.log` is a change that was confirmed. */
async function write(dataset: Dataset): Promise<void> {
  const index = await dataset.loadBrainResults("shared");
  const random = seededRandom(11);
  const own: string[] = [];
  const confirm = (line: object) =>
    appendFileSync(join(home, "acknowledged.log"), `${JSON.stringify(line)}\n`);
  const end = Date.now() + Number(milliseconds);
  for (let number = 1_000; Date.now() < end; number += 5) {
    const numbers = Array.from({ length: 5 }, (_, i) => number + i);
    const added = await dataset.addSamples(
      numbers.map((one) => ({ filepath: `${one}.png`, number: one, vector: vectorOf(one) })),
    );
    await index.addToIndex(numbers.map(vectorOf), added);
    own.push(...added);
    confirm({ added });
    if (random() < 0.6) {
      const deleted = own.splice(Math.floor(random() * own.length), 4);
      await dataset.deleteSamples(deleted);
      confirm({ deleted });
    }
    if (random() < 0.3) await dataset.select(own.slice(0, 20)).tagSamples("seen");
  }
  writeFileSync(join(home, "ended"), "");
}

/** Reads until the writer has ended, and throws at the first answer that contradicts itself. */
async function read(dataset: Dataset): Promise<void> {
  const sizes = new Set<number>();
  const random = seededRandom(process.pid);
  for (let last = false; !last; ) {
    last = existsSync(join(home, "ended"));
    const ids = (await dataset.values("id")) as string[];
    if (new Set(ids).size !== ids.length) throw new Error("a sample was read twice");
    sizes.add(ids.length);
    await readSearch(dataset, vectorOf(Math.floor(random() * 1_000)));
    await readVectors(dataset, ids.slice(-30));
    if (sizes.size === 1) console.log("reading");
  }
  const index = await dataset.loadBrainResults("shared");
  console.log(
    JSON.stringify({
      sizes: sizes.size,
      samples: await dataset.count(),
      entries: await index.totalIndexSize(),
    }),
  );
}

/** Ten hits in order, each once, each at the distance of its own vector. */
async function readSearch(dataset: Dataset, vector: Float32Array): Promise<void> {
  const hits = await dataset.sortBySimilarity({ vector: [...vector] }, { k: 10 }).hits();
  if (new Set(hits.map((hit) => hit.id)).size !== 10)
    throw new Error(`expected 10 hits but found ${hits.length}`);
  const view = dataset.select(hits.map((hit) => hit.id));
  const numbers = new Map<unknown, unknown>();
  for await (const sample of view) numbers.set(sample.id, sample.get("number"));
  hits.forEach((hit, i) => {
    if (hit.distance < (hits[i - 1]?.distance ?? -1)) throw new Error("the hits are out of order");
    const number = numbers.get(hit.id);
    if (number === undefined) return; // deleted since
    const expected = distanceOf("cosine", vector, vectorOf(Number(number)));
    if (Math.abs(expected - hit.distance) > 1e-5)
      throw new Error(`hit ${hit.id} has a vector of another sample`);
  });
}

/** Every sample has its vector, and it is its own. */
async function readVectors(dataset: Dataset, ids: readonly string[]): Promise<void> {
  const found = await dataset.getVectors("vector", ids);
  const without = ids.filter((id) => !found.ids.includes(id));
  if (without.length > 0 && (await dataset.select(without).count()) > 0)
    throw new Error("a sample lacks its vector");
}

if (role === "open") {
  console.log("ready");
  await once(process.stdin, "data");
}
const ns = await openHome(home);
const tasks: Readonly<Record<string, () => Promise<unknown>>> = {
  open: async () => console.log((await ns.listDatasets()).length),
  write: async () => write(await ns.loadDataset("shared")),
  read: async () => read(await ns.loadDataset("shared")),
};
await tasks[role]?.();
await ns.close();
process.stdin.unref?.();

/** Times computeSimilarity from picture files: images a second end to end, CPU time a picture, and peak memory. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { open } from "../core/index.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "nearsight-tiny" },
    rounds: { type: "string", default: "5" },
    repeat: { type: "string", default: "1" },
    /** Of the embeddings: `cold` and `off` compute all, `warm` finds all. */
    cache: { type: "string", default: "cold" },
  },
});

const home = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
const rates: number[] = [];
const cpu: number[] = [];
try {
  await using ns = await open({ config: { home, cache: join(home, "cache") } });
  const scenes = await ns.loadZooDataset("quickstart");
  const paths = await scenes.values<string>("filepath");
  const many = Array.from({ length: Number(values.repeat) }, (_, i) => differing(paths, i)).flat();
  const model = await ns.loadZooModel(values.model);
  for (let round = 0; round <= Number(values.rounds); round++) {
    const cache = join(home, values.cache === "warm" ? "warm" : `round-${round}`);
    const embeddingCacheBytes = values.cache === "off" ? 0 : 2 ** 30;
    await using one = await open({
      config: { home: join(home, `home-${round}`), cache, embeddingCacheBytes },
    });
    const dataset = await one.createDataset("bench");
    await dataset.addSamples(many.map((filepath) => ({ filepath })));
    const start = performance.now();
    const before = process.cpuUsage();
    await one.computeSimilarity(dataset, { model, brainKey: "images" });
    const used = process.cpuUsage(before);
    // The first round loads the model and warms the caches.
    if (round > 0) {
      rates.push((many.length / (performance.now() - start)) * 1000);
      cpu.push((used.user + used.system) / 1000 / many.length);
    }
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}

/** Copies that no cache takes for their originals: decoders skip what follows the end of a picture. */
function differing(paths: readonly string[], copy: number): string[] {
  return paths.map((path, i) => {
    const other = join(home, `${copy}-${i}.jpg`);
    writeFileSync(other, Buffer.concat([readFileSync(path), Buffer.from(String(copy))]));
    return other;
  });
}

const median = (list: number[]) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
console.log(
  JSON.stringify({
    model: values.model,
    cache: values.cache,
    imagesPerSecond: Number(median(rates).toFixed(1)),
    cpuMillisecondsPerImage: Number(median(cpu).toFixed(2)),
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);

/** Times computeSimilarity from picture files: images a second end to end, CPU time a picture, and peak memory. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { open } from "../core/index.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "nearsight-tiny" },
    rounds: { type: "string", default: "5" },
    repeat: { type: "string", default: "1" },
  },
});

const home = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
const rates: number[] = [];
const cpu: number[] = [];
try {
  await using ns = await open({ config: { home } });
  const scenes = await ns.loadZooDataset("quickstart");
  const paths = await scenes.values<string>("filepath");
  const dataset = await ns.createDataset("bench");
  const many = Array.from({ length: Number(values.repeat) }, () => paths).flat();
  await dataset.addSamples(many.map((filepath) => ({ filepath })));
  const model = await ns.loadZooModel(values.model);
  for (let round = 0; round <= Number(values.rounds); round++) {
    const start = performance.now();
    const before = process.cpuUsage();
    const index = await ns.computeSimilarity(dataset, { model, brainKey: `round-${round}` });
    const used = process.cpuUsage(before);
    // The first round loads the model and warms the caches.
    if (round > 0) {
      rates.push((many.length / (performance.now() - start)) * 1000);
      cpu.push((used.user + used.system) / 1000 / many.length);
    }
    await index.delete();
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}

const median = (list: number[]) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
console.log(
  JSON.stringify({
    model: values.model,
    imagesPerSecond: Number(median(rates).toFixed(1)),
    cpuMillisecondsPerImage: Number(median(cpu).toFixed(2)),
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);

/**
 * Answers the embedding benchmark with nearsight as it is published: node embed-nearsight.mjs DIST MODEL_FOLDER PICTURE...
 * It is JavaScript as its peers are scripts: stripping its types would be counted as our start.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [dist, folder, ...pictures] = process.argv.slice(2);
const { open } = await import(pathToFileURL(join(dist, "core/index.js")).href);
const home = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
// No cache: each round computes every vector.
const ns = await open({ config: { home, cache: join(home, "cache"), embeddingCacheBytes: 0 } });
const model = await ns.loadZooModel(folder);
const dataset = await ns.createDataset("bench");
await dataset.addSamples(pictures.map((filepath) => ({ filepath })));
await dataset.limit(1).computeEmbeddings(model);
console.log(JSON.stringify({ name: "nearsight" }));
for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const before = process.cpuUsage();
  const { embeddings } = await dataset.computeEmbeddings(model);
  const { user, system } = process.cpuUsage(before);
  const ms = performance.now() - start;
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ ms, rows: embeddings.rows, cpuMs: (user + system) / 1000, peakMb }));
}
await ns.close();
rmSync(home, { recursive: true, force: true });

/** Answers the embedding benchmark with nearsight as it is published, from dist: node embed-nearsight.ts MODEL_FOLDER PICTURE... */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const built = new URL("../../dist/core/index.js", import.meta.url).href;
const { open } = (await import(built)) as typeof import("../../core/index.ts");
const [folder = "", ...pictures] = process.argv.slice(2);
const home = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
{
  // No cache: each round computes every vector.
  await using ns = await open({ config: { home, cache: join(home, "cache"), embeddingCacheBytes: 0 } });
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
}
rmSync(home, { recursive: true, force: true });

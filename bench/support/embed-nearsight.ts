/** Answers the embedding benchmark with nearsight as it is published: node embed-nearsight.ts DIST MODEL_FOLDER PICTURE... */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [dist = "", folder = "", ...pictures] = process.argv.slice(2);
const { href } = pathToFileURL(join(dist, "core/index.js"));
const { open } = (await import(href)) as typeof import("../../core/index.ts");
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

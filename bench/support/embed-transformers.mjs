/**
 * Answers the embedding benchmark with transformers.js, in batches of 8 as its documentation has it:
 * node embed-transformers.mjs MODEL_FOLDER PICTURE..., in a folder with the package.
 */

import { basename, dirname } from "node:path";
import { createInterface } from "node:readline";
import { env, pipeline } from "@huggingface/transformers";

const [folder, ...pictures] = process.argv.slice(2);
env.allowRemoteModels = false;
env.localModelPath = dirname(folder);
const extract = await pipeline("image-feature-extraction", basename(folder), { dtype: "fp32" });
await extract(pictures.slice(0, 1), { pool: true });
console.log(JSON.stringify({ name: "transformers.js" }));

const BATCH = 8;
for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const before = process.cpuUsage();
  let rows = 0;
  for (let first = 0; first < pictures.length; first += BATCH) {
    rows += (await extract(pictures.slice(first, first + BATCH), { pool: true })).dims[0];
  }
  const { user, system } = process.cpuUsage(before);
  const ms = performance.now() - start;
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ ms, rows, cpuMs: (user + system) / 1000, peakMb }));
}

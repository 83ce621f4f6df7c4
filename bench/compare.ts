/** Times what compares samples with each other, on clustered vectors: duplicates, unique samples, layouts. */

import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { matrix, open } from "../core/index.ts";
import { seededRandom } from "../core/random.ts";

const { values } = parseArgs({
  options: { rows: { type: "string", default: "10000" }, layouts: { type: "boolean", default: false } },
});
const rows = Number(values.rows);
const dimension = 512;
const home = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
const seconds: Record<string, number> = {};

async function timed(name: string, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await work();
  seconds[name] = Number(((performance.now() - start) / 1000).toFixed(2));
}

try {
  await using ns = await open({ config: { home } });
  const dataset = await ns.createDataset("bench");
  await dataset.addSamples(Array.from({ length: rows }, (_, i) => ({ filepath: `/bench/${i}.jpg` })));
  const index = await dataset.computeSimilarity({ embeddings: clustered(), brainKey: "bench" });
  // The first search loads the vectors.
  await dataset.sortBySimilarity({ vector: Array.from({ length: dimension }, () => 1) }, { k: 1 }).count();
  await timed("findDuplicates, thresh 0.05", () => index.findDuplicates({ thresh: 0.05 }));
  const { duplicateIds } = index;
  await timed("findDuplicates, fraction 0.05", () => index.findDuplicates({ fraction: 0.05 }));
  await timed("findUnique, 100", () => index.findUnique(100));
  await timed("plotDistances", () => index.plotDistances());
  await timed("computeUniqueness", () => dataset.computeUniqueness({ similarityIndex: index }));
  await timed("computeRepresentativeness", () =>
    dataset.computeRepresentativeness({ similarityIndex: index }),
  );
  for (const method of values.layouts ? (["pca", "umap", "tsne"] as const) : (["pca"] as const)) {
    await timed(`computeVisualization, ${method}`, () =>
      dataset.computeVisualization({ similarityIndex: index, method }),
    );
  }
  console.table(seconds);
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
  const facts = { rows, dimension, duplicates: duplicateIds?.length, peakMb, load: loadavg()[0]?.toFixed(1) };
  console.log(JSON.stringify({ ...facts, seconds }));
} finally {
  rmSync(home, { recursive: true, force: true });
}

/** 200 groups of unit vectors with some noise; one in a hundred is a copy with hardly any. */
function clustered() {
  const random = seededRandom(51);
  const centres = Array.from({ length: 200 }, () => direction());
  const data = new Float32Array(rows * dimension);
  for (let i = 0; i < rows; i++) {
    const centre = centres[Math.floor(random() * centres.length)] ?? [];
    const source = i % 100 === 99 ? data.subarray((i - 1) * dimension, i * dimension) : centre;
    const noise = i % 100 === 99 ? 0.05 : 0.6;
    const row = direction().map((value, j) => (source[j] ?? 0) + noise * value);
    const length = Math.hypot(...row);
    row.forEach((value, j) => {
      data[i * dimension + j] = value / length;
    });
  }
  return matrix(data, dimension);

  function direction(): number[] {
    const numbers = Array.from({ length: dimension }, () => random() + random() + random() - 1.5);
    const length = Math.hypot(...numbers);
    return numbers.map((value) => value / length);
  }
}

/**
 * Times finding the neighbours of all entries beside numpy's matrix products and faiss, in turns on the same
 * vectors: `node bench/neighbors.ts [--rows 100000] [--dimension 512] [--rounds 3]`.
 */

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Collection, NeighborOptions } from "../core/backends/backend.ts";
import { localBackend } from "../core/backends/local/local.ts";
import { batchesOf, CACHE, vectorFile } from "./support/data.ts";
import { startPeers } from "./support/peers.ts";
import { type Case, inTurns, machineFacts, OURS, publish } from "./support/report.ts";

const PEERS = ["numpy", "faiss"];
const CASES: readonly (NeighborOptions & { readonly name: string })[] = [
  { name: "all within cosine distance 0.05", k: null, maxDistance: 0.05 },
  { name: "10 nearest of each", k: 10 },
];

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "100000" },
    dimension: { type: "string", default: "512" },
    rounds: { type: "string", default: "3" },
  },
});
const [rows, dimension, rounds] = [Number(values.rows), Number(values.dimension), Number(values.rounds)];

/** Goes through all neighbours; gives the time and how many there were. */
async function walk(index: Collection, options: NeighborOptions): Promise<{ ms: number; found: number }> {
  const start = performance.now();
  let found = 0;
  for await (const part of index.neighbors?.(options) ?? []) found += part.neighbors.ids.length;
  return { ms: performance.now() - start, found };
}

const folder = join(CACHE, `neighbors-${process.pid}`);
await mkdir(folder, { recursive: true });
try {
  const facts: Record<string, string | number> = { ...machineFacts(), rows, dimension, rounds };
  const vectors = await vectorFile(rows, dimension, 2);
  const peers = await startPeers(vectors, vectors, dimension);
  Object.assign(facts, peers.versions);
  const backend = localBackend({ folder });
  const index = await backend.create({ name: "bench", dimension, metric: "cosine" });
  await index.upsert(batchesOf(vectors, dimension));
  const cases: Case[] = [];
  for (const { name, ...options } of CASES) {
    const contenders: Record<string, (round: number) => Promise<number>> = {
      [OURS]: async () => {
        const { ms, found } = await walk(index, options);
        facts[`found: ${name}`] = found;
        return ms;
      },
    };
    for (const peer of PEERS) {
      contenders[peer] = async () => {
        const { k, maxDistance = null } = options;
        const { ms, result } = await peers.ask<number>({ peer, pairs: k, maxDistance });
        facts[`found by ${peer}: ${name}`] = result;
        return ms;
      };
    }
    cases.push({ name, times: await inTurns(rounds, contenders, { warm: false }) });
  }
  await publish(`neighbors-${rows}x${dimension}`, {
    title: `Neighbours of all of ${rows} vectors of ${dimension} numbers`,
    facts,
    cases,
  });
  await backend.close();
  await peers.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}

/**
 * Times exact search of the local backend beside numpy, scikit-learn, faiss and usearch, in turns on the same
 * vectors: `node bench/search.ts [--rows 100000] [--dimension 512] [--rounds 40]`.
 */

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Collection, Selection } from "../core/backends/backend.ts";
import { localBackend } from "../core/backends/local/local.ts";
import { type Matrix, matrix } from "../core/matrix.ts";
import { batchesOf, CACHE, idOf, readVectors, vectorFile } from "./support/data.ts";
import { type Peers, startPeers } from "./support/peers.ts";
import { type Case, inTurns, machineFacts, OURS, publish, timed } from "./support/report.ts";

const PEERS = ["numpy", "scikit-learn", "faiss", "usearch"];
/** Peers that can search part of the vectors without copying them for each search. */
const FILTERING = ["numpy", "faiss"];

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "100000" },
    dimension: { type: "string", default: "512" },
    rounds: { type: "string", default: "40" },
  },
});
const [rows, dimension, rounds] = [Number(values.rows), Number(values.dimension), Number(values.rounds)];

interface Wanted {
  readonly name: string;
  readonly k: number | null;
  /** Every so manieth row is in the view. */
  readonly step: number;
}

const CASES: readonly Wanted[] = [
  { name: "k 10", k: 10, step: 1 },
  { name: "k 25", k: 25, step: 1 },
  { name: "k 1000", k: 1000, step: 1 },
  { name: "all", k: null, step: 1 },
  { name: "k 25 in a view of 1 %", k: 25, step: 100 },
  { name: "k 25 in a view of half", k: 25, step: 2 },
];

function everyRow(step: number): Selection | undefined {
  if (step === 1) return undefined;
  const ids = Array.from({ length: Math.ceil(rows / step) }, (_, i) => idOf(i * step));
  return {
    size: ids.length,
    key: `every ${step}`,
    async *ids() {
      yield ids;
    },
  };
}

async function measure(
  { name, k, step }: Wanted,
  index: Collection,
  peers: Peers,
  queries: Matrix,
): Promise<Case> {
  const within = everyRow(step);
  const query = (round: number) => matrix(queries.row(round % queries.rows).slice(), dimension);
  const contenders: Record<string, (round: number) => Promise<number>> = {
    [OURS]: (round) => timed(() => index.search(query(round), { k, within })),
  };
  for (const peer of step === 1 ? PEERS : FILTERING) {
    if (peer === "usearch" && k === null) continue; // it takes minutes
    contenders[peer] = async (round) => (await peers.ask({ peer, query: round % queries.rows, k, step })).ms;
  }
  await sameAnswer(index, peers, query(0), { name, k, step });
  return { name, times: await inTurns(k === null ? Math.ceil(rounds / 4) : rounds, contenders) };
}

/** Figures of a search that finds something else would mean nothing. */
async function sameAnswer(
  index: Collection,
  peers: Peers,
  query: Matrix,
  { name, k, step }: Wanted,
): Promise<void> {
  const [ours] = await index.search(query, { k, within: everyRow(step) });
  const { result } = await peers.ask<number[]>({ peer: "numpy", query: 0, k, step });
  const theirs = result.map(idOf);
  const found = ours?.ids.slice(0, theirs.length) ?? [];
  if (theirs.some((id, i) => id !== found[i])) throw new Error(`numpy and ours differ in '${name}'`);
}

/** Seconds from a fresh thread's start to the first answer, and the memory it takes. */
async function firstAnswer(folder: string, query: Matrix): Promise<Record<string, number>> {
  const before = process.memoryUsage().rss;
  const backend = localBackend({ folder });
  const index = await backend.open("bench");
  const first = await timed(() => index.search(query, { k: 10 }));
  const grown = process.memoryUsage().rss - before;
  await backend.close();
  return {
    "first search, file to answer, ms": Math.round(first),
    "memory it took, MB": Math.round(grown / 1e6),
  };
}

const folder = join(CACHE, `search-${process.pid}`);
await mkdir(folder, { recursive: true });
try {
  const facts: Record<string, string | number> = { ...machineFacts(), rows, dimension, rounds };
  const [vectors, asked] = [await vectorFile(rows, dimension, 2), await vectorFile(1000, dimension, 3)];
  const queries = await readVectors(asked, dimension);
  const writer = localBackend({ folder });
  const made = await writer.create({ name: "bench", dimension, metric: "cosine" });
  facts["writing all, ms"] = Math.round(await timed(() => made.upsert(batchesOf(vectors, dimension))));
  await writer.close();
  Object.assign(facts, await firstAnswer(folder, matrix(queries.row(0).slice(), dimension)));

  const peers = await startPeers(vectors, asked, dimension);
  Object.assign(facts, peers.versions);
  const backend = localBackend({ folder });
  const index = await backend.open("bench");
  for await (const _ of index.neighbors?.({ k: 1 }) ?? []) break; // all is loaded and encoded after this
  const cases: Case[] = [];
  for (const wanted of CASES) cases.push(await measure(wanted, index, peers, queries));
  await publish(`search-${rows}x${dimension}`, {
    title: `Exact search of ${rows} vectors of ${dimension} numbers`,
    facts,
    cases,
  });
  await backend.close();
  await peers.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Evaluates an index: searches with some of its own vectors, held against an exact comparison with all of them. */

import type { Collection } from "../backends/backend.ts";
import { distanceOf, type Metric } from "../backends/metric.ts";
import type { EvaluateOptions, IndexEvaluation } from "../dataset/evaluation-port.ts";
import { NearsightError, throwIfAborted } from "../errors.ts";
import { type Matrix, takeRows, type VectorData } from "../matrix.ts";
import { seededRandom } from "../random.ts";
import { entryPages } from "./entries.ts";
import { indexGone, type OpenIndex } from "./open-index.ts";
import { SearchTrace } from "./query/explain.ts";
import { getVectors } from "./query/fetch-vectors.ts";
import { rawHits } from "./query/search.ts";

const DEFAULT_K = 10;
const DEFAULT_SAMPLES = 100;
const DEFAULT_SEED = 51;

/** What float32 sums may differ by: hits this much farther than the k-th nearest are as near as it. */
const TOLERANCE = 1e-4;

/** Lost entries that are named. */
const NAMED_LOST = 100;

/** One search with an entry's vector. */
interface Query {
  readonly id: string;
  readonly vector: VectorData;
  /** Reported distance of each hit, the entry itself left out. */
  readonly hits: ReadonlyMap<string, number>;
  /** True distance of each hit that is in the collection. */
  readonly trueDistances: Map<string, number>;
  readonly nearest: Smallest;
}

/** See `SimilarityIndex.evaluate`. */
export async function evaluateIndex(
  index: OpenIndex,
  options: EvaluateOptions = {},
): Promise<IndexEvaluation> {
  const { k = DEFAULT_K, samples = DEFAULT_SAMPLES, seed = DEFAULT_SEED, progress, signal } = options;
  for (const [name, value] of Object.entries({ k, samples })) assertCount(name, value);
  const collection = await index.collection();
  if (collection === null) throw indexGone(index.run);
  const chosen = await sampledEntries(index, samples, seed);
  const { ids, vectors } = await getVectors(collection, chosen);
  const found = new Set(ids);
  const trace = new SearchTrace();
  const times: number[] = [];
  const queries: Query[] = [];
  for (const [row, id] of ids.entries()) {
    throwIfAborted(signal);
    const vector = takeRows(vectors, [row]);
    // The first search of a connection also opens and loads things.
    if (row === 0) await searchOnce(index, collection, vector, k, new SearchTrace());
    const start = performance.now();
    const hits = await searchOnce(index, collection, vector, k, trace);
    times.push(performance.now() - start);
    hits.delete(id);
    queries.push(queryOf(id, vector.row(0), hits, k));
    progress?.({ phase: "searching", done: row + 1, total: ids.length, failed: 0 });
  }
  const entries = await compareAll(index, collection, queries, options);
  const { backend, metric } = index.run.config;
  return {
    ...{ brainKey: index.run.key, backend, metric, k, entries, samples: queries.length },
    ...recallOf(queries),
    exact: trace.exact,
    lost: chosen.filter((id) => !found.has(id)).slice(0, NAMED_LOST),
    milliseconds: summary(times),
    driver: trace.driver,
  };
}

/** One more hit than wanted is asked for: the entry itself is among them. */
async function searchOnce(
  index: OpenIndex,
  collection: Collection,
  query: Matrix<VectorData>,
  k: number,
  trace: SearchTrace,
): Promise<Map<string, number>> {
  const plain = { reverse: false, maxDistance: undefined, aggregation: "mean", within: undefined } as const;
  const wanted = { ...plain, k: k + 1, trace };
  const { ids, distances } = await rawHits(await index.backend(), collection, query, wanted);
  return new Map(ids.map((id, i) => [id, distances[i] ?? Number.NaN]));
}

function queryOf(id: string, vector: VectorData, found: ReadonlyMap<string, number>, k: number): Query {
  const hits = new Map([...found].slice(0, k));
  return { id, vector, hits, trueDistances: new Map(), nearest: new Smallest(k) };
}

/** Indexed entries drawn by lot, in the order of planning: a reservoir, so that memory follows the sample. */
async function sampledEntries({ context, run }: OpenIndex, samples: number, seed: number): Promise<string[]> {
  const random = seededRandom(seed);
  const drawn: { id: string; place: number }[] = [];
  let seen = 0;
  for await (const page of entryPages(context.store, run.id, ["indexed"])) {
    for (const { entryId: id } of page) {
      const place = seen++;
      if (drawn.length < samples) drawn.push({ id, place });
      else {
        const slot = Math.floor(random() * seen);
        if (slot < samples) drawn[slot] = { id, place };
      }
    }
  }
  return drawn.sort((a, b) => a.place - b.place).map(({ id }) => id);
}

/** Compares every vector of the collection with every query; returns how many there are. */
async function compareAll(
  index: OpenIndex,
  collection: Collection,
  queries: readonly Query[],
  { progress, signal }: EvaluateOptions,
): Promise<number> {
  const metric = index.run.config.metric as Metric;
  const { size: total } = await collection.describe();
  let done = 0;
  if (queries.length === 0) return total;
  for await (const { ids, vectors } of collection.fetch()) {
    throwIfAborted(signal);
    for (const [row, id] of ids.entries()) {
      const vector = vectors.row(row);
      for (const query of queries) {
        if (query.id === id) continue;
        const distance = distanceOf(metric, query.vector, vector);
        query.nearest.add(distance);
        if (query.hits.has(id)) query.trueDistances.set(id, distance);
      }
    }
    done += ids.length;
    progress?.({ phase: "comparing", done, total, failed: 0 });
  }
  return done;
}

function recallOf(queries: readonly Query[]) {
  const shares = queries.map(({ nearest, trueDistances }) => {
    const limit = nearest.largest + TOLERANCE * Math.max(1, Math.abs(nearest.largest));
    const right = [...trueDistances.values()].filter((distance) => distance <= limit).length;
    return nearest.count === 0 ? 1 : right / nearest.count;
  });
  const errors = queries.flatMap(({ hits, trueDistances }) =>
    [...trueDistances].map(([id, distance]) => Math.abs(distance - (hits.get(id) ?? Number.NaN))),
  );
  return {
    recall: shares.length === 0 ? 1 : shares.reduce((sum, share) => sum + share, 0) / shares.length,
    worstRecall: shares.reduce((least, share) => Math.min(least, share), 1),
    distanceError: errors.reduce((most, error) => Math.max(most, error), 0),
  };
}

/** The smallest numbers of those added, at most `most` of them. */
class Smallest {
  readonly #values: Float64Array;
  count = 0;

  constructor(most: number) {
    this.#values = new Float64Array(most);
  }

  /** The largest of them; minus infinity where there is none. */
  get largest(): number {
    return this.#values[this.count - 1] ?? Number.NEGATIVE_INFINITY;
  }

  add(value: number): void {
    const isFull = this.count === this.#values.length;
    if (isFull && value >= this.largest) return;
    let place = isFull ? this.count - 1 : this.count++;
    for (; place > 0 && (this.#values[place - 1] as number) > value; place--) {
      this.#values[place] = this.#values[place - 1] as number;
    }
    this.#values[place] = value;
  }
}

function summary(times: readonly number[]): IndexEvaluation["milliseconds"] {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const mean = sorted.reduce((sum, time) => sum + time, 0) / Math.max(1, sorted.length);
  const rounded = { mean, median: at(0.5), p95: at(0.95), largest: at(1) };
  const entries = Object.entries(rounded).map(([name, time]) => [name, Number(time.toFixed(2))]);
  return Object.fromEntries(entries);
}

function assertCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected ${name} to be a whole number above 0 but found ${value}`,
    hint: "k counts neighbours, samples counts searches: evaluate({ k: 10, samples: 100 })",
  });
}

/** Watches an index: yields the entries near a query as they become searchable, whichever process adds them. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Collection } from "../../backends/backend.ts";
import { type Metric, scoreOf } from "../../backends/metric.ts";
import type { WatchHit, WatchOptions } from "../../dataset/brain-port.ts";
import { type BareQuery, type SimilarityInput, toSimilarityQuery } from "../../dataset/similarity-port.ts";
import { NearsightError } from "../../errors.ts";
import type { Matrix, VectorData } from "../../matrix.ts";
import type { SimilarityQuery } from "../../stages.ts";
import type { Arrival, ArrivalPlace } from "../../store/store-runs.ts";
import { indexGone, type OpenIndex, runNotFound } from "../open-index.ts";
import { selectIds } from "./fetch-vectors.ts";
import { meanOf, oneRow, planQuery } from "./query.ts";

/** Time between two looks, in milliseconds, unless the caller says otherwise. */
const DEFAULT_INTERVAL_MS = 1_000;

/** Arrivals compared with the query at a time. */
const ARRIVALS = 1_000;

/** Behind every entry of a revision. */
const AFTER_ALL = Number.MAX_SAFE_INTEGER;

/**
 * Entries that become searchable after this call and lie within `maxDistance`: each version once, in the order of
 * arrival, nearest first among those seen at one look. Ends without an error when `signal` fires or `k` were seen.
 */
export function watchIndex(
  index: OpenIndex,
  input: SimilarityInput,
  options: WatchOptions,
): AsyncGenerator<WatchHit, void, undefined> {
  const query = toSimilarityQuery(input);
  checkOptions(options);
  // Asked for before this call returns: whatever is added after it comes later.
  const start = index.context.store.entries.revision(index.run.id);
  start.catch(() => {}); // thrown when the first hit is asked for
  return arriving(index, query, start, options);
}

async function* arriving(
  index: OpenIndex,
  query: SimilarityQuery | BareQuery,
  start: Promise<number | null>,
  options: WatchOptions,
): AsyncGenerator<WatchHit, void, undefined> {
  const { signal, interval = DEFAULT_INTERVAL_MS } = options;
  let left = options.k ?? Number.POSITIVE_INFINITY;
  let place: ArrivalPlace = { revision: (await start) ?? 0, sequence: AFTER_ALL };
  let vector: Matrix<VectorData> | null = null;
  while (!signal?.aborted) {
    const revision = await currentRevision(index);
    const collection = await index.collection();
    // The query is made once, as soon as there is something to make it of.
    if (collection !== null) vector ??= await queryVector(index, collection, query);
    while (collection !== null && vector !== null && place.revision < revision) {
      const arrivals = await index.context.store.entries.arrivals(index.run.id, place, ARRIVALS);
      place = arrivals.at(-1) ?? { revision, sequence: AFTER_ALL };
      for (const hit of await nearOnes(index, collection, vector, arrivals, options)) {
        if (signal?.aborted) return;
        yield hit;
        if (--left === 0) return;
      }
    }
    await sleep(interval, undefined, { signal }).catch(() => {}); // the loop ends by its own condition
  }
}

/** RUN_NOT_FOUND where the run was deleted, INDEX_NOT_FOUND where its collection was given up. */
async function currentRevision(index: OpenIndex): Promise<number> {
  const revision = await index.context.store.entries.revision(index.run.id);
  if (revision === null) throw runNotFound(index.run.key, []);
  const run = await index.refresh();
  if (run.state === "deleting") throw indexGone(run);
  return revision;
}

/** Those of the arrivals that are near; an exact scan, since a few entries among many are easily missed otherwise. */
async function nearOnes(
  index: OpenIndex,
  collection: Collection,
  query: Matrix<VectorData>,
  arrivals: readonly Arrival[],
  { maxDistance, signal }: WatchOptions,
): Promise<WatchHit[]> {
  if (arrivals.length === 0) return [];
  const metric = index.run.config.metric as Metric;
  const within = selectIds(arrivals.map(({ entryId }) => entryId));
  const hits: WatchHit[] = [];
  try {
    for await (const columns of collection.scan(query, { within, maxDistance, signal })) {
      columns.ids.forEach((id, i) => {
        const distance = columns.distances[i] ?? Number.NaN;
        const sampleId = columns.sampleIds[i] ?? id;
        hits.push({ id, sampleId, distance, score: scoreOf(metric, distance) });
      });
    }
  } catch (error) {
    if (signal?.aborted) return [];
    throw error;
  }
  return unchanged(index, hits, arrivals);
}

/** Leaves out what was replaced or removed since it was listed: its next version has a place of its own. */
async function unchanged(
  { context, run }: OpenIndex,
  hits: readonly WatchHit[],
  arrivals: readonly Arrival[],
): Promise<WatchHit[]> {
  if (hits.length === 0) return [];
  const listed = new Map(arrivals.map(({ entryId, revision }) => [entryId, revision]));
  const entryIds = hits.map(({ id }) => id);
  const now = await context.store.entries.list(run.id, { entryIds, states: ["indexed"] });
  const same = new Set(now.flatMap((one) => (listed.get(one.entryId) === one.revision ? [one.entryId] : [])));
  return hits.filter(({ id }) => same.has(id));
}

async function queryVector(
  index: OpenIndex,
  collection: Collection,
  query: SimilarityQuery | BareQuery,
): Promise<Matrix<VectorData>> {
  const plan = await planQuery(index, collection, query);
  if (plan.kind === "vectors" && plan.vectors.rows === 1) return plan.vectors;
  if (plan.kind === "vectors" && !(plan.vectors.data instanceof Uint8Array)) {
    return oneRow(meanOf(plan.vectors));
  }
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: "Expected a query with one direction to watch for but found several rankings",
    hint: 'Watch for one vector, id, prompt or image, or combine them by "mean"',
  });
}

function checkOptions({ maxDistance = 0, k = 1, interval = DEFAULT_INTERVAL_MS }: WatchOptions): void {
  if (Number.isNaN(maxDistance)) throw invalid("maxDistance to be a number", maxDistance);
  if (!Number.isInteger(k) || k < 1) throw invalid("k to be a whole number above 0", k);
  // A longer time than 2^31 - 1 ms would pass at once.
  if (!(interval > 0 && interval < 2 ** 31)) {
    throw invalid("interval to be milliseconds above 0 and below 2^31", interval);
  }
}

function invalid(expected: string, found: unknown): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected ${expected} but found ${found}`,
    hint: "k counts hits, interval is in milliseconds, maxDistance is in the metric's distance",
  });
}

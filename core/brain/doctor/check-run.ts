/** Checks one similarity run: its state, its collection, its entries, a few searches, its media. */

import type { Collection } from "../../backends/backend.ts";
import { distanceOf, type Metric } from "../../backends/metric.ts";
import { NearsightError, throwIfAborted, wrapError } from "../../errors.ts";
import { takeRows } from "../../matrix.ts";
import type { RunRecord } from "../../store/store-runs.ts";
import type { BrainContext } from "../context.ts";
import { evaluateIndex } from "../evaluate.ts";
import { type OpenIndex, openIndex } from "../open-index.ts";
import { getVectors } from "../query/fetch-vectors.ts";
import { checkFacts } from "./check-facts.ts";
import { checkFields } from "./check-fields.ts";
import { checkMedia } from "./check-media.ts";
import { compareEntries } from "./compare-entries.ts";
import { type Check, type DoctorOptions, failure, type Outcome, ok, warning } from "./report.ts";

/** Entries whose own vector is searched for. */
const SEARCHED = 10;

/** Entries of an index whose recall is measured in any case, and those of it that are searched with. */
const MEASURED = 20_000;
const SAMPLED = 25;

/** Less than this is worth a warning. */
const GOOD_RECALL = 0.95;

/** What float32 sums may lose; the reported distance of an entry to itself is exact to about this. */
const TOLERANCE = 1e-4;

type Named = Omit<Check, "subject">;

/** Everything there is to say about a run, worst news included as checks rather than thrown. */
export async function* checkRun(
  context: BrainContext,
  run: RunRecord,
  options: DoctorOptions,
): AsyncGenerator<Named> {
  const index = openIndex(context, run);
  yield { name: "state", ...(await checkState(index)) };
  let collection: Collection | null = null;
  try {
    collection = await index.collection();
    yield { name: "collection", ...(await checkCollection(index, collection)) };
  } catch (error) {
    yield { name: "collection", ...failed(error) };
  }
  if (collection === null) return;
  yield { name: "entries", ...(await attempt(compareEntries(index, collection, options), options)) };
  if (index.run.config.filterFields !== undefined) {
    yield { name: "fields", ...(await attempt(checkFields(index, options), options)) };
  }
  yield { name: "search", ...(await attempt(checkSearch(index, collection), options)) };
  if (collection.facts !== undefined) {
    yield { name: "index", ...(await attempt(checkFacts(collection.facts()), options)) };
  }
  if (await isMeasured(index, collection, options)) {
    yield { name: "recall", ...(await attempt(checkRecall(index, options), options)) };
  }
  if (options.media === true)
    yield { name: "media", ...(await attempt(checkMedia(index, options), options)) };
}

async function attempt(work: Promise<Outcome>, { signal }: DoctorOptions): Promise<Outcome> {
  try {
    return await work;
  } catch (error) {
    throwIfAborted(signal);
    return failed(error);
  }
}

function failed(error: unknown): Outcome {
  const message = error instanceof Error ? error.message : String(error);
  return failure(wrapError(error, { code: "INTERNAL", message }));
}

async function checkState({ context, run }: OpenIndex): Promise<Outcome> {
  const counts = await context.store.entries.counts(run.id);
  const all = counts.indexed + counts.pending + counts.failed;
  const goOn = "Call computeSimilarity() with the same options, or addMissing(), to go on";
  if (run.state === "building" && (run.leaseUntil ?? 0) > Date.now()) {
    return ok(`being built: ${counts.indexed} of ${all} entries`);
  }
  if (run.state === "deleting") {
    return warning("its collection was removed", `Remove the record with deleteBrainRun("${run.key}")`);
  }
  if (counts.failed > 0) {
    const [first] = await context.store.entries.list(run.id, { states: ["failed"], limit: 1 });
    return warning(`${counts.failed} of ${all} entries failed; the first: ${first?.reason ?? "?"}`, goOn);
  }
  if (counts.pending > 0 || run.state !== "ready") {
    return warning(`${run.state}: ${counts.indexed} of ${all} entries are indexed`, goOn);
  }
  return ok(`ready: ${counts.indexed} entries`);
}

async function checkCollection(index: OpenIndex, collection: Collection | null): Promise<Outcome> {
  if (collection === null) return ok("none yet: it is made with the first vectors");
  const { dimension, metric, size } = await collection.describe();
  const { config } = index.run;
  if (metric !== config.metric || (config.dimension !== null && dimension !== config.dimension)) {
    const code = metric === config.metric ? "DIMENSION_MISMATCH" : "METRIC_NOT_SUPPORTED";
    const message = `Expected ${config.dimension} numbers and ${config.metric} but '${collection.name}' has ${dimension} and ${metric}`;
    throw new NearsightError({ code, message, hint: "Compute the index again under another brainKey" });
  }
  return ok(`'${collection.name}' in ${config.backend}: ${size} vectors of ${dimension}, ${metric}`);
}

/** An exact index has nothing to measure, and a large one is read whole only if asked to. */
async function isMeasured(
  index: OpenIndex,
  collection: Collection,
  options: DoctorOptions,
): Promise<boolean> {
  if ((await index.backend()).capabilities.exact) return false;
  const { size } = await collection.describe();
  return size > 0 && (size <= MEASURED || options.deep === true);
}

async function checkRecall(index: OpenIndex, { signal }: DoctorOptions): Promise<Outcome> {
  const options = { samples: SAMPLED, ...(signal === undefined ? {} : { signal }) };
  const { k, recall, worstRecall, milliseconds, samples } = await evaluateIndex(index, options);
  const found = `${recall.toFixed(3)} of the ${k} nearest are found by ${samples} searches, at worst ${worstRecall.toFixed(2)}; ${milliseconds.median} ms each`;
  if (recall >= GOOD_RECALL) return ok(found);
  return warning(found, "Raise the search effort of the index, or compute it with another kind of index");
}

/** Each of a few entries is searched with its own vector: what comes first must not be farther than itself. */
async function checkSearch(index: OpenIndex, collection: Collection): Promise<Outcome> {
  const { entries } = index.context.store;
  const metric = index.run.config.metric as Metric;
  const rows = await entries.list(index.run.id, { states: ["indexed"], limit: SEARCHED });
  if (rows.length === 0) return ok("nothing to search");
  const { vectors } = await getVectors(
    collection,
    rows.map((row) => row.entryId),
  );
  let found = 0;
  for (let i = 0; i < vectors.rows; i++) {
    const [hits] = await collection.search(takeRows(vectors, [i]), { k: 1 });
    const own = distanceOf(metric, vectors.row(i), vectors.row(i));
    const nearest = hits?.distances[0];
    if (nearest !== undefined && nearest <= own + TOLERANCE * Math.max(1, Math.abs(own))) found++;
  }
  if (found === rows.length) return ok(`${found} of ${found} entries find themselves`);
  return warning(
    `only ${found} of ${rows.length} entries find themselves`,
    "Raise the search effort of the backend, or compute the index again",
  );
}

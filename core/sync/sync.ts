/** Repairs what differs between a bucket or folder and a data set: both are read side by side in one order. */

import { pMapIterable } from "p-map";
import type { Dataset } from "../dataset/dataset.ts";
import type { IoFailure } from "../dataset/io-port.ts";
import type { KeyOutcome, SyncOptions, SyncReport } from "../dataset/sync-port.ts";
import { type ErrorCode, isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import { folderAddress, imagesBelow } from "../media/below.ts";
import type { MediaStat } from "../media/media-source.ts";
import { isVersionOf } from "../media/medium.ts";
import type { MetadataStore } from "../store/store.ts";
import type { SampleAddress } from "../store/store-sync.ts";
import type { SyncContext } from "./context.ts";
import { reconcile } from "./reconcile.ts";

/** Addresses read, and compared with the indexes, at a time. */
const PAGE = 1_000;
const DEFAULT_WORKERS = 4;

/** Errors that are of one key or one index: the others go on. */
const FAULTS: readonly ErrorCode[] = [
  ...(["WRITE_PARTIAL", "MEDIA_INVALID", "LIMIT_EXCEEDED", "INVALID_ARGUMENT", "ID_EXISTS"] as const),
  ...(["RUN_BUSY", "INDEX_NOT_FOUND", "MODEL_NOT_FOUND", "MODEL_MISMATCH"] as const),
];

/** An address with what is there and the sample that is of it; one of them may be missing. */
interface Pair {
  readonly uri: string;
  readonly found: MediaStat | null;
  readonly sampleId: string | null;
}

/** A key to look at, or so many that are as they should be. */
type Finding = { readonly uri: string } | { readonly unchanged: number };

/** What became of a key, or of so many that were as they should be. */
type Looked =
  | { readonly outcome: KeyOutcome; readonly count: number }
  | { readonly failed: { readonly path: string; readonly reason: string } };

/** See `Dataset.sync`. */
export async function sync(
  context: SyncContext,
  dataset: Dataset,
  address: string,
  options: SyncOptions,
): Promise<SyncReport> {
  const folder = folderAddress(address);
  await context.store.addresses.adopt(dataset.id, folder);
  const counts: Record<KeyOutcome, number> = { added: 0, updated: 0, deleted: 0, unchanged: 0 };
  const failed: IoFailure[] = [];
  const look = (finding: Finding) => lookAt(context, dataset, finding, options);
  const looked = pMapIterable(findings(context, dataset, folder, options), look, {
    concurrency: options.numWorkers ?? DEFAULT_WORKERS,
  });
  for await (const one of looked) {
    if ("failed" in one) failed.push(one.failed);
    else counts[one.outcome] += one.count;
    const done = counts.added + counts.updated + counts.deleted + counts.unchanged;
    options.progress?.({ phase: "syncing", done, total: done + failed.length, failed: failed.length });
  }
  return { ...counts, failed };
}

async function lookAt(
  context: SyncContext,
  dataset: Dataset,
  finding: Finding,
  { signal }: SyncOptions,
): Promise<Looked> {
  if ("unchanged" in finding) return { outcome: "unchanged", count: finding.unchanged };
  try {
    const held = signal === undefined ? {} : { signal };
    return { outcome: await reconcile(context, dataset, finding.uri, held), count: 1 };
  } catch (error) {
    if (!isFault(error)) throw error;
    return { failed: { path: finding.uri, reason: error.message } };
  }
}

function isFault(error: unknown): error is NearsightError {
  return isNearsightError(error) && FAULTS.includes(error.code);
}

/** Keys to look at, and how many need no look. */
async function* findings(
  context: SyncContext,
  dataset: Dataset,
  folder: string,
  options: SyncOptions,
): AsyncGenerator<Finding> {
  let page: Pair[] = [];
  for await (const pair of pairsOf(context, dataset.id, folder, options)) {
    page.push(pair);
    if (page.length < PAGE) continue;
    yield* differing(context, dataset, page);
    page = [];
  }
  if (page.length > 0) yield* differing(context, dataset, page);
}

async function* differing(
  { store, indexes }: SyncContext,
  dataset: Dataset,
  page: readonly Pair[],
): AsyncGenerator<Finding> {
  const found = new Map(page.flatMap((pair) => (isComplete(pair) ? [[pair.sampleId, pair.found]] : [])));
  const outdated = await indexes.outdated(dataset, [...found.keys()], (sampleId, version) => {
    const stat = found.get(sampleId);
    return stat !== undefined && isVersionOf(stat, version);
  });
  const uris = page.map(({ uri }) => uri);
  const unsettled = new Set(await store.keyLeases.unsettled(dataset.id, uris));
  const wanted = page.filter(
    (pair) => !isComplete(pair) || outdated.has(pair.sampleId) || unsettled.has(pair.uri),
  );
  yield { unchanged: page.length - wanted.length };
  for (const { uri } of wanted) yield { uri };
}

function isComplete(pair: Pair): pair is Pair & { found: MediaStat; sampleId: string } {
  return pair.found !== null && pair.sampleId !== null;
}

/**
 * What is below the folder and the samples from there, merged. Where one side is not in order, keys seem to differ that
 * do not: they are looked at for nothing.
 */
async function* pairsOf(
  { store, sources }: SyncContext,
  datasetId: string,
  folder: string,
  { signal, allowEmpty = false }: SyncOptions,
): AsyncGenerator<Pair> {
  const media = imagesBelow(folder, { sources, signal });
  const samples = samplesBelow(store, datasetId, folder);
  try {
    let [found, known] = await Promise.all([media.next(), samples.next()]);
    if (found.done && !known.done && !allowEmpty) throw nothingFound(folder);
    while (!found.done || !known.done) {
      throwIfAborted(signal);
      const order = found.done ? 1 : known.done ? -1 : compare(found.value.uri, known.value.uri);
      const stat = order <= 0 && !found.done ? found.value : null;
      const sample = order >= 0 && !known.done ? known.value : null;
      yield { uri: stat?.uri ?? sample?.uri ?? "", found: stat, sampleId: sample?.id ?? null };
      if (order <= 0) found = await media.next();
      if (order >= 0) known = await samples.next();
    }
  } finally {
    await media.return(undefined);
  }
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

async function* samplesBelow(
  { addresses }: MetadataStore,
  datasetId: string,
  folder: string,
): AsyncGenerator<SampleAddress> {
  let after = "";
  while (true) {
    const page = await addresses.page(datasetId, folder, { after, limit: PAGE });
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.uri;
  }
}

function nothingFound(folder: string): NearsightError {
  return new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `Expected pictures below '${folder}', where the data set has samples from, but found none`,
    hint: "Check that it is reachable; to delete those samples pass allowEmpty: true",
    details: { folder },
  });
}

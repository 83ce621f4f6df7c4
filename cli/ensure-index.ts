/** Makes an index, goes on with one that did not end, or adds what is missing in one that is there. */

import {
  type BrainRunInfo,
  type Dataset,
  isNearsightError,
  NearsightError,
  type ProgressEvent,
  type SimilarityIndex,
} from "../core/index.ts";
import { shellWord } from "./output.ts";

/** What the index is to be; left out = whatever an existing one is. */
export interface IndexSpec {
  readonly brainKey: string;
  readonly model?: string | undefined;
  readonly backend?: string | undefined;
  readonly metric?: string | undefined;
  readonly patchesField?: string | undefined;
}

export interface IndexReport {
  readonly index: SimilarityIndex;
  /** What had to be done. */
  readonly did: "built" | "resumed" | "added" | "nothing";
  /** Entries written now. */
  readonly written: number;
  /** Entries in the index. */
  readonly total: number;
  readonly failed: readonly FailedMedium[];
  readonly milliseconds: number;
}

export interface FailedMedium {
  /** Of the sample, or of the label where objects are indexed. */
  readonly id: string;
  readonly filepath: string;
  readonly reason: string;
}

export interface EnsureOptions {
  readonly signal: AbortSignal;
  readonly progress: (event: ProgressEvent) => void;
}

/** Samples embedded between two writes: a stop loses at most these. */
const CHUNK = 256;

/** Errors: RUN_EXISTS where the run is of another kind, and those of `computeSimilarity`. */
export async function ensureIndex(
  dataset: Dataset,
  spec: IndexSpec,
  options: EnsureOptions,
): Promise<IndexReport> {
  const start = performance.now();
  const known = await findRun(dataset, spec.brainKey);
  if (known !== null) assertSame(dataset.name, known, spec);
  const before = known?.entries.indexed ?? 0;
  const isWhole = known?.state === "ready" || known?.state === "partial";
  const index = isWhole
    ? await dataset.loadBrainResults(spec.brainKey)
    : await build(dataset, spec, known, options);
  const failed = await addMissing(dataset, index, options);
  if (known?.state === "partial" && failed.length === 0) await markReady(dataset, spec, known, options);
  const total = await index.totalIndexSize();
  const written = total - before;
  const did = known === null ? "built" : !isWhole ? "resumed" : written > 0 ? "added" : "nothing";
  return { index, did, written, total, failed, milliseconds: performance.now() - start };
}

async function findRun(dataset: Dataset, key: string): Promise<BrainRunInfo | null> {
  const keys = await dataset.listBrainRuns();
  return keys.includes(key) ? dataset.getBrainInfo(key) : null;
}

/** The options of a run that is there already win, so that it is seen to be the same and goes on. */
function build(
  dataset: Dataset,
  spec: IndexSpec,
  known: BrainRunInfo | null,
  { signal, progress }: EnsureOptions,
): Promise<SimilarityIndex> {
  const asked = known === null ? spec : { ...known.config, backend: known.config.method };
  const { model, backend, metric, patchesField } = asked;
  return dataset.computeSimilarity({
    brainKey: spec.brainKey,
    ...(model == null ? {} : { model }),
    ...(backend === undefined ? {} : { backend }),
    ...(metric === undefined ? {} : { metric: metric as "cosine" }),
    ...(patchesField == null ? {} : { patchesField }),
    signal,
    progress,
  });
}

function assertSame(datasetName: string, { key, config }: BrainRunInfo, spec: IndexSpec): void {
  const differs = (
    [
      ["model", config.model, spec.model],
      ["backend", config.method, spec.backend],
      ["metric", config.metric, spec.metric],
      ["patches", config.patchesField ?? "whole images", spec.patchesField ?? "whole images"],
    ] as const
  ).find(([, has, asked]) => asked !== undefined && has !== asked);
  if (differs === undefined) return;
  const [name, has, asked] = differs;
  throw new NearsightError({
    code: "RUN_EXISTS",
    message: `Expected ${name} '${asked}' but brain run '${key}' of data set '${datasetName}' was made with '${has}'`,
    hint: `Give another --brain-key, or remove it first: nearsight runs delete ${shellWord(datasetName)} ${shellWord(key)} --cleanup`,
    details: { brainKey: key },
  });
}

/** A build with nothing left to do ends as ready. */
async function markReady(
  dataset: Dataset,
  spec: IndexSpec,
  known: BrainRunInfo,
  options: EnsureOptions,
): Promise<void> {
  try {
    await build(dataset, spec, known, options);
  } catch (error) {
    // Made in a program with options the command line has not: its state is that program's to change.
    if (!isNearsightError(error, "RUN_EXISTS")) throw error;
  }
}

interface MissingRow {
  readonly id: string;
  readonly sampleId: string;
  readonly filepath: string;
}

/** Embeds and writes rows that the index has not, a chunk at a time; gives the media that failed. */
async function addMissing(
  dataset: Dataset,
  index: SimilarityIndex,
  { signal, progress }: EnsureOptions,
): Promise<FailedMedium[]> {
  if ((await index.missingSize()) === 0) return [];
  const missing = await missingRows(dataset, index);
  const paths = new Map(missing.map((row) => [row.id, row.filepath]));
  const samples = [...new Set(missing.map((row) => row.sampleId))];
  const failed: FailedMedium[] = [];
  let done = 0;
  for (let start = 0; start < samples.length; start += CHUNK) {
    const chunk = dataset.select(samples.slice(start, start + CHUNK));
    const embedded = await index.computeEmbeddings(chunk, {
      skipExisting: true,
      signal,
      progress: (event) =>
        progress({
          ...event,
          done: done + event.done,
          total: missing.length,
          failed: failed.length + event.failed,
        }),
    });
    const { embeddings, sampleIds, labelIds } = embedded;
    if (embeddings.rows > 0) await index.addToIndex(embeddings, sampleIds, labelIds);
    for (const { id, reason } of embedded.failed ?? [])
      failed.push({ id, filepath: paths.get(id) ?? "", reason });
    done += embeddings.rows + (embedded.failed?.length ?? 0);
  }
  return failed;
}

async function missingRows(dataset: Dataset, index: SimilarityIndex): Promise<MissingRow[]> {
  const { patchesField } = index.config;
  const indexed = new Set((await index.labelIds()) ?? (await index.sampleIds()));
  const missing: MissingRow[] = [];
  for await (const page of dataset.mediaPages({ patchesField })) {
    for (const { id, sampleId, filepath } of page)
      if (!indexed.has(id)) missing.push({ id, sampleId, filepath });
  }
  return missing;
}

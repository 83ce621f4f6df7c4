/** Makes an index, goes on with one that did not end, or adds what is missing in one that is there. */

import {
  type BrainRunInfo,
  type Dataset,
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
  readonly filterFields?: readonly string[] | undefined;
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
  const index = known === null ? await build(dataset, spec, options) : await goOn(dataset, spec, options);
  const total = await index.totalIndexSize();
  const written = total - before;
  const isWhole = known?.state === "ready" || known?.state === "partial";
  const did = known === null ? "built" : !isWhole ? "resumed" : written > 0 ? "added" : "nothing";
  const failed = await failedMedia(dataset, spec.brainKey);
  return { index, did, written, total, failed, milliseconds: performance.now() - start };
}

async function findRun(dataset: Dataset, key: string): Promise<BrainRunInfo | null> {
  return (await dataset.hasBrainRun(key)) ? dataset.getBrainInfo(key) : null;
}

function build(dataset: Dataset, spec: IndexSpec, options: EnsureOptions): Promise<SimilarityIndex> {
  const given = Object.entries(spec).filter(([, value]) => value !== undefined);
  return dataset.computeSimilarity({ ...Object.fromEntries(given), ...options });
}

async function goOn(dataset: Dataset, spec: IndexSpec, options: EnsureOptions): Promise<SimilarityIndex> {
  const index = await dataset.loadBrainResults(spec.brainKey);
  await index.addMissing(options);
  await index.updateFilterFields(options);
  return index;
}

async function failedMedia(dataset: Dataset, key: string): Promise<FailedMedium[]> {
  const { failed } = await dataset.getBrainInfo(key);
  const samples = dataset.select(failed.map(({ sampleId }) => sampleId));
  const paths = new Map<string, string>();
  for await (const { id, filepath } of samples) paths.set(id, filepath);
  return failed.map(({ id, sampleId, reason }) => ({ id, reason, filepath: paths.get(sampleId) ?? "" }));
}

function assertSame(datasetName: string, { key, config }: BrainRunInfo, spec: IndexSpec): void {
  const differs = (
    [
      ["model", config.model, spec.model],
      ["backend", config.method, spec.backend],
      ["metric", config.metric, spec.metric],
      ["filter fields", config.filterFields?.join(", ") ?? "none", spec.filterFields?.join(", ")],
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

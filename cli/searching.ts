/** Runs one similarity search for a command: chooses the brain run, searches, and collects what is shown of each hit. */

import {
  type BrainRunInfo,
  type Dataset,
  type Filter,
  type Hit,
  NearsightError,
  type Patch,
  type Sample,
  type SampleCollection,
  type SimilarityQuery,
} from "../core/index.ts";

export interface SearchRequest {
  readonly query: SimilarityQuery;
  readonly k: number;
  readonly reverse?: boolean;
  readonly maxDistance?: number | undefined;
  /** On samples, or on objects where the index holds patches. */
  readonly filter?: Filter | undefined;
  readonly brainKey?: string | undefined;
  /** Ids left out of the answer. */
  readonly exclude?: readonly string[];
}

/** A hit with what is shown of it. */
export interface FoundHit extends Hit {
  readonly filepath: string;
  /** Of the object, or of the sample's labels without repeats. */
  readonly labels: readonly string[];
  /** Where the object is; null for whole samples. */
  readonly box: readonly [number, number, number, number] | null;
}

export interface FoundSearch {
  readonly dataset: string;
  readonly run: BrainRunInfo;
  readonly request: SearchRequest;
  readonly hits: readonly FoundHit[];
}

/** The JSON of `search --json`. */
export function searchJson({ dataset, run, request, hits }: FoundSearch) {
  const { method: backend, metric, patchesField } = run.config;
  return {
    dataset,
    brainKey: run.key,
    backend,
    metric,
    k: request.k,
    results: hits.map(({ rank, id, sampleId, filepath, score, distance, labels, box }) => ({
      ...{ rank, id, sampleId, filepath, score, distance },
      ...(patchesField === null ? {} : { label: labels[0] ?? null, boundingBox: box }),
    })),
  };
}

/** Searches; RUN_NOT_FOUND, RUN_AMBIGUOUS, ID_NOT_FOUND, PROMPTS_UNSUPPORTED, INVALID_FILTER. */
export async function searchDataset(dataset: Dataset, request: SearchRequest): Promise<FoundSearch> {
  const run = await chooseRun(dataset, request.brainKey, "prompt" in request.query);
  const { k, reverse = false, maxDistance, filter, exclude = [] } = request;
  const { patchesField } = run.config;
  const options = {
    k,
    reverse,
    brainKey: run.key,
    ...(maxDistance === undefined ? {} : { maxDistance }),
  };
  let rows: SampleCollection<Sample | Patch> =
    patchesField === null ? dataset : dataset.toPatches(patchesField);
  if (filter !== undefined) rows = rows.match(filter);
  if (exclude.length > 0) rows = rows.exclude(exclude);
  const view = rows.sortBySimilarity(request.query, options);
  const hits = await view.hits();
  const shown = new Map((await view.head(hits.length)).map((row) => [row.id, row]));
  return {
    dataset: dataset.name,
    run,
    request,
    hits: hits.map((hit) => ({ ...hit, ...describeRow(shown.get(hit.id)) })),
  };
}

/** The run named, else the only one, else the only one over whole samples, that takes prompts if need be. */
export async function chooseRun(
  dataset: Dataset,
  brainKey: string | undefined,
  prompts = false,
): Promise<BrainRunInfo> {
  if (brainKey !== undefined) return dataset.getBrainInfo(brainKey);
  const keys = await dataset.listBrainRuns({ type: "similarity" });
  const runs = await Promise.all(keys.map((key) => dataset.getBrainInfo(key)));
  const fitting = runs.filter(
    ({ config }) => config.patchesField === null && (!prompts || config.supportsPrompts),
  );
  const choice = runs.length === 1 ? runs : fitting;
  const [only] = choice;
  if (only !== undefined && choice.length === 1) return only;
  throw new NearsightError({
    code: choice.length === 0 ? "RUN_NOT_FOUND" : "RUN_AMBIGUOUS",
    message:
      choice.length === 0
        ? `Data set '${dataset.name}' has no index of whole samples${prompts ? " that takes prompts" : ""}`
        : `Data set '${dataset.name}' has several indexes that fit`,
    details: { keys: choice.length === 0 ? keys : choice.map((run) => run.key) },
  });
}

/** The picture, labels and box of a sample or an object. */
export function describeRow(row: Sample | Patch | undefined): Omit<FoundHit, keyof Hit> {
  if (row === undefined) return { filepath: "", labels: [], box: null };
  const { filepath } = row;
  return isPatch(row)
    ? { filepath, labels: [row.label], box: row.boundingBox }
    : { filepath, labels: labelsOf(row), box: null };
}

function isPatch(row: Sample | Patch): row is Patch {
  return "sampleId" in row;
}

/** Labels of the field that FiftyOne's data sets call ground truth, else of the first field that has any. */
function labelsOf({ fields }: Sample): string[] {
  for (const value of [fields.ground_truth, ...Object.values(fields)]) {
    const labels = labelTexts(value);
    if (labels.length > 0) return [...new Set(labels)];
  }
  return [];
}

function labelTexts(value: unknown): string[] {
  if (typeof value !== "object" || value === null || !("_cls" in value)) return [];
  const { label, detections } = value as { label?: string; detections?: readonly { label: string }[] };
  if (detections !== undefined) return detections.map((one) => one.label);
  return label === undefined ? [] : [label];
}

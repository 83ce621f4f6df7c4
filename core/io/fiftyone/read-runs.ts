/** Makes the brain runs of a FiftyOne data set again: similarity indexes with their vectors. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { SimilarityIndex } from "../../dataset/brain-port.ts";
import type { Dataset } from "../../dataset/dataset.ts";
import type { IoFailure } from "../../dataset/io-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../../errors.ts";
import { type Matrix, matrix, takeRows } from "../../matrix.ts";
import { inflateArray, readArray, toFloat32 } from "./arrays.ts";
import { type Document, isDocument, parsePythonJson } from "./extended-json.ts";
import { jsonParts } from "./json-parts.ts";
import { readStages } from "./read-stages.ts";
import { readModel } from "./run-models.ts";
import { readServerConfig } from "./server-runs.ts";

/** Vectors given to an index at a time. */
const ROWS_PER_ADD = 1_000;

/** Names of scikit-learn's metrics that are ours. */
const METRICS: Readonly<Record<string, string>> = {
  cosine: "cosine",
  euclidean: "euclidean",
  l2: "euclidean",
  dotproduct: "dotproduct",
  innerproduct: "dotproduct",
};

/** What became of the runs. */
export interface ReadRuns {
  readonly keys: readonly string[];
  readonly failed: readonly IoFailure[];
}

/** The vectors of a result file, with their ids. */
interface Results {
  readonly vectors: Matrix | null;
  readonly sampleIds: readonly string[];
  readonly labelIds: readonly string[] | null;
}

/** Makes each run of `brain_methods` again; what cannot be made is in `failed` with the reason. */
export async function readRuns(
  folder: string,
  metadata: Document,
  dataset: Dataset,
  signal: AbortSignal | undefined,
): Promise<ReadRuns> {
  const keys: string[] = [];
  const failed: IoFailure[] = [];
  const methods = isDocument(metadata.brain_methods) ? metadata.brain_methods : {};
  for (const [key, given] of Object.entries(methods)) {
    throwIfAborted(signal);
    const path = `metadata.json: brain run '${key}'`;
    const run = typeof given === "string" ? parsePythonJson(given, path) : given;
    const config = isDocument(run) && isDocument(run.config) ? run.config : null;
    if (!isKey(key)) failed.push({ path, reason: "its key is no name of a file" });
    else if (!isDocument(run) || config === null) failed.push({ path, reason: "it has no configuration" });
    else {
      try {
        failed.push(
          ...(await readRun({ folder, metadata, key, run, config, dataset })).map((reason) => ({
            path,
            reason,
          })),
        );
        keys.push(key);
      } catch (error) {
        if (!isNearsightError(error) || error.code === "ABORTED") throw error;
        failed.push({
          path,
          reason: error.hint === undefined ? error.message : `${error.message}. ${error.hint}`,
        });
      }
    }
  }
  return { keys, failed };
}

interface RunInput {
  readonly folder: string;
  readonly metadata: Document;
  readonly key: string;
  readonly run: Document;
  readonly config: Document;
  readonly dataset: Dataset;
}

/** Makes one run; returns what could not be kept of it. */
async function readRun(input: RunInput): Promise<string[]> {
  const { folder, metadata, key, config, dataset } = input;
  if (config.type !== "similarity") throw notKept(`runs of type '${String(config.type)}' are not kept`);
  const { samples, notes } = viewOf(input);
  if (config.method !== "sklearn") {
    await recordServerRun(samples, input);
    return notes;
  }
  const metric = Object.hasOwn(METRICS, String(config.metric)) ? METRICS[String(config.metric)] : undefined;
  if (metric === undefined) throw notKept(`it has the metric '${String(config.metric)}'`);
  const patchesField = textOf(config.patches_field);
  const embeddingsField = textOf(config.embeddings_field);
  const file = join(folder, "brain", `${key}.json`);
  const isThere = (await stat(file).catch(() => null))?.isFile() ?? false;
  const results = isThere ? await readResults(file) : null;
  if (!results?.vectors && embeddingsField === null) throw notKept("there are no vectors beside it");
  const index = await samples.computeSimilarity({
    brainKey: key,
    backend: "local",
    embeddings: false,
    metric: metric as "cosine",
    ...readModel(metadata, key, config),
    ...(patchesField === null ? {} : { patchesField }),
    ...(embeddingsField === null ? {} : { embeddingsField }),
  });
  try {
    if (results?.vectors) notes.push(...(await addResults(index, dataset, results, results.vectors)));
    else await addField(index, dataset, samples, String(embeddingsField), patchesField);
  } catch (error) {
    await index.delete();
    throw error;
  }
  return notes;
}

/** The view a run was made on: its own samples are what its index holds in any case. */
function viewOf({ run, dataset }: RunInput): { samples: SampleCollection; notes: string[] } {
  if (!Array.isArray(run.view_stages) || run.view_stages.length === 0) return { samples: dataset, notes: [] };
  const found = readStages(run.view_stages);
  if ("stages" in found && found.stages.every(({ stage }) => stage !== "toPatches")) {
    return { samples: dataset.view(found), notes: [] };
  }
  const what = "unknown" in found ? found.unknown : "stage ToPatches";
  return {
    samples: dataset,
    notes: [`the view it was made on is not kept: ours has no equivalent of ${what}`],
  };
}

/** Records a run on a server, which is asked when the run is first loaded or searched: its vectors are there. */
async function recordServerRun(
  samples: SampleCollection,
  { metadata, key, config }: RunInput,
): Promise<void> {
  const method = String(config.method);
  const { collectionName, ...options } = readServerConfig(config);
  if (typeof collectionName !== "string") throw elsewhere(method, key, "it does not say in which collection");
  const [patchesField, roiField] = [textOf(config.patches_field), textOf(config.roi_field)];
  try {
    await samples.computeSimilarity({
      ...{ brainKey: key, backend: method, embeddings: false, lazy: true, collectionName },
      ...readModel(metadata, key, config),
      ...options,
      ...(patchesField === null ? {} : { patchesField }),
      ...(roiField === null ? {} : { roiField }),
    });
  } catch (error) {
    if (!isNearsightError(error)) throw error;
    throw elsewhere(method, key, error.message, error);
  }
}

function elsewhere(method: string, key: string, reason: string, cause?: NearsightError): NearsightError {
  return new NearsightError({
    code: cause?.code ?? "INVALID_ARGUMENT",
    message: `its vectors are on ${method}: ${reason}`,
    hint: `Connect with computeSimilarity({ backend: "${method}", embeddings: false, brainKey: "${key}", collectionName })`,
    cause,
  });
}

/** Adds the vectors of a result file; those of samples or labels that are gone stay out, as in FiftyOne. */
async function addResults(
  index: SimilarityIndex,
  dataset: Dataset,
  results: Results,
  vectors: Matrix,
): Promise<string[]> {
  const { sampleIds, labelIds } = results;
  const { patchesField } = index.config;
  const ids = patchesField === null ? sampleIds : (labelIds ?? []);
  if (sampleIds.length !== vectors.rows || ids.length !== vectors.rows) {
    throw notKept(`it has ${vectors.rows} vectors for ${ids.length} ids`);
  }
  let gone = 0;
  for (let start = 0; start < ids.length; start += ROWS_PER_ADD) {
    const asked = ids.slice(start, start + ROWS_PER_ADD);
    const there = await idsThere(dataset, asked, sampleIds.slice(start, start + asked.length), patchesField);
    const positions = asked.flatMap((id, i) => (there.has(id) ? [start + i] : []));
    gone += asked.length - positions.length;
    const owners = positions.map((position) => sampleIds[position] ?? "");
    const labels = patchesField === null ? null : positions.map((position) => ids[position] ?? "");
    if (positions.length > 0) await index.addToIndex(takeRows(vectors, positions), owners, labels);
  }
  return gone === 0 ? [] : [`${gone} of its ${ids.length} vectors belong to nothing in the data set`];
}

async function idsThere(
  dataset: Dataset,
  ids: readonly string[],
  sampleIds: readonly string[],
  patchesField: string | null,
): Promise<Set<string>> {
  const samples = dataset.select(new Set(sampleIds));
  const view = patchesField === null ? samples : samples.toPatches(patchesField).select(ids);
  const there = new Set<string>();
  for await (const page of view.ids()) for (const { id } of page) there.add(id);
  return there;
}

/** The vectors of a run that has them in a field: of its samples, or of its labels as an attribute. */
async function addField(
  index: SimilarityIndex,
  dataset: Dataset,
  samples: SampleCollection,
  field: string,
  patchesField: string | null,
): Promise<void> {
  if (patchesField !== null) return addAttributes(index, samples, field, patchesField);
  for await (const page of samples.ids(ROWS_PER_ADD)) {
    const { ids, vectors } = await dataset.getVectors(field, page);
    if (ids.length > 0) await index.addToIndex(vectors, ids);
  }
}

async function addAttributes(
  index: SimilarityIndex,
  samples: SampleCollection,
  attribute: string,
  patchesField: string,
): Promise<void> {
  let rows: { sampleId: string; id: string; vector: Float32Array }[] = [];
  const flush = async () => {
    const ids = rows.map(({ id }) => id);
    await index.addToIndex(
      rows.map(({ vector }) => vector),
      rows.map(({ sampleId }) => sampleId),
      ids,
    );
    rows = [];
  };
  for await (const { id, sampleId, attributes } of samples.toPatches(patchesField)) {
    const array = readArray(attributes[attribute]);
    const vector = array === null ? undefined : toFloat32(array)?.numbers;
    if (vector !== undefined) rows.push({ id, sampleId, vector });
    if (rows.length === ROWS_PER_ADD) await flush();
  }
  if (rows.length > 0) await flush();
}

/** Reads a result file row by row: its vectors are decimal text, ten times what they take in memory. */
async function readResults(file: string): Promise<Results> {
  const ids = { sample_ids: [] as string[], label_ids: null as string[] | null };
  const rows = new RowCollector(file);
  let packed: Matrix | null = null;
  for await (const { key, text, position } of jsonParts(file)) {
    if (key === "embeddings" && position !== null) rows.add(parsePythonJson(text, file));
    else if (key === "embeddings") packed = packedMatrix(parsePythonJson(text, file));
    else if (key === "sample_ids" || key === "label_ids") {
      const value = parsePythonJson(text, file);
      if (typeof value !== "string") continue;
      if (position === null) throw notKept(`its ${key} are not a list`);
      const list = ids[key] ?? [];
      list.push(value);
      ids[key] = list;
    }
  }
  return { vectors: packed ?? rows.matrix(), sampleIds: ids.sample_ids, labelIds: ids.label_ids };
}

function packedMatrix(value: unknown): Matrix | null {
  const array = typeof value === "string" ? inflateArray(value) : null;
  const numbers = array === null ? undefined : toFloat32(array)?.numbers;
  if (array === null || numbers === undefined || array.shape.length !== 2) return null;
  return matrix(numbers, array.shape[1] ?? 0);
}

/** Rows of one length, in memory that grows with them. */
class RowCollector {
  readonly #place: string;
  #data = new Float32Array(1 << 16);
  #length = 0;
  #dimension = 0;

  constructor(place: string) {
    this.#place = place;
  }

  add(row: unknown): void {
    if (!Array.isArray(row) || row.length === 0 || !row.every((one) => typeof one === "number")) {
      throw notKept(`${this.#place} has a vector with something else than finite numbers`);
    }
    if (this.#dimension === 0) this.#dimension = row.length;
    if (row.length !== this.#dimension) throw notKept(`${this.#place} has vectors of several lengths`);
    if (this.#length + row.length > this.#data.length) {
      const data = new Float32Array(Math.max(this.#data.length * 2, this.#length + row.length));
      data.set(this.#data.subarray(0, this.#length));
      this.#data = data;
    }
    this.#data.set(row, this.#length);
    this.#length += row.length;
  }

  matrix(): Matrix | null {
    return this.#length === 0 ? null : matrix(this.#data.subarray(0, this.#length), this.#dimension);
  }
}

/** True for keys that name a file in the folder of results, and none elsewhere. */
export function isKey(key: string): boolean {
  return key !== "" && !/[\\/\0]/.test(key) && !/^\.+$/.test(key);
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function notKept(reason: string): NearsightError {
  return new NearsightError({ code: "INVALID_ARGUMENT", message: reason });
}

/** Writes samples in chunks: adds, deletes, tags and sets fields of any number of them. */

import { NearsightError } from "../errors.ts";
import { assertUsable, type Matrix, toMatrix, type VectorsLike } from "../matrix.ts";
import type { NewSample, RowIdentity, SampleChange, VectorColumn } from "../store/store.ts";
import type { DatasetStores } from "./context.ts";
import { type SampleInput, toNewSample, toParts, toTags } from "./sample-input.ts";
import { type RowsInput, toIds } from "./stage-methods.ts";

/** Samples written in one transaction. */
const SAMPLES_PER_WRITE = 1_000;

/** Samples of a data set: ids, samples, or every sample of a view. */
export type SamplesInput = RowsInput | Collection;

/** Data sets and views. */
interface Collection {
  ids(): AsyncIterable<readonly RowIdentity[]>;
}

/** A value for each sample id. */
export type ValuesInput = Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>;

/** Vectors by field, each field's with their owners. */
type VectorColumns = Map<string, { ids: string[]; vectors: Float32Array[] }>;

export async function addSamples(
  store: DatasetStores,
  datasetId: string,
  inputs: Iterable<SampleInput> | AsyncIterable<SampleInput>,
): Promise<string[]> {
  assertIterable(inputs);
  const vectorFields = await vectorFieldsOf(store, datasetId);
  const ids: string[] = [];
  for await (const chunk of chunks(inputs, SAMPLES_PER_WRITE)) {
    const samples: NewSample[] = [];
    const columns: VectorColumns = new Map();
    for (const input of chunk) {
      const { sample, vectors } = toNewSample(input, vectorFields);
      samples.push(sample);
      collect(columns, sample.id, vectors);
    }
    await store.samples.add(datasetId, samples, toColumns(columns));
    for (const sample of samples) ids.push(sample.id);
  }
  return ids;
}

export async function deleteSamples(
  store: DatasetStores,
  datasetId: string,
  samples: SamplesInput,
): Promise<number> {
  let deleted = 0;
  for await (const ids of chunks(sampleIds(samples), SAMPLES_PER_WRITE)) {
    deleted += await store.samples.delete(datasetId, ids);
  }
  return deleted;
}

/** Makes the same change to every sample. */
export async function changeSamples(
  store: DatasetStores,
  datasetId: string,
  samples: SamplesInput,
  change: Omit<SampleChange, "id">,
): Promise<void> {
  toTags(change.addTags ?? []);
  for await (const ids of chunks(sampleIds(samples), SAMPLES_PER_WRITE)) {
    await store.samples.update(
      datasetId,
      ids.map((id) => ({ ...change, id })),
    );
  }
}

export async function setValues(
  store: DatasetStores,
  datasetId: string,
  field: string,
  values: ValuesInput,
): Promise<void> {
  const entries = values instanceof Map ? values : Object.entries(values);
  await setEach(store, datasetId, field, entries as Iterable<[string, unknown]>);
}

/** Sets one field of samples to a value each. */
export async function setEach(
  store: DatasetStores,
  datasetId: string,
  field: string,
  entries: Iterable<[id: string, value: unknown]> | AsyncIterable<[id: string, value: unknown]>,
): Promise<void> {
  const types = new Map((await store.datasets.fields(datasetId)).map(({ name, type }) => [name, type]));
  const vectorFields = new Set(types.get(field) === "vector" ? [field] : []);
  const holdsLabels = types.get(field) === "detections" || types.get(field) === "classification";
  for await (const chunk of chunks(entries, SAMPLES_PER_WRITE)) {
    const columns: VectorColumns = new Map();
    const changes: SampleChange[] = chunk.map(([id, value]) => {
      const { fields, labels, labelFields, vectors } = toParts(id, { [field]: value }, vectorFields);
      collect(columns, id, vectors);
      const kind = labelFields[field];
      if (kind !== undefined) return { id, labels: { [field]: { kind, records: labels } } };
      return holdsLabels && value === null ? { id, labels: { [field]: null } } : { id, fields };
    });
    await store.samples.update(datasetId, changes, toColumns(columns));
  }
}

export async function readVectors(
  store: DatasetStores,
  datasetId: string,
  field: string,
  rows: RowsInput,
): Promise<{ ids: string[]; vectors: Matrix }> {
  return store.vectors.get(datasetId, field, toIds(rows));
}

export async function writeVectors(
  store: DatasetStores,
  datasetId: string,
  field: string,
  rows: RowsInput,
  vectors: VectorsLike,
): Promise<void> {
  const matrix = toMatrix(vectors);
  assertUsable(matrix);
  await store.vectors.put(datasetId, field, toIds(rows), matrix);
}

/** Ids of the samples meant, each once; of a view, read in pages. */
export async function* sampleIds(samples: SamplesInput): AsyncGenerator<string> {
  if (!isCollection(samples)) {
    yield* new Set(toIds(samples));
    return;
  }
  const seen = new Set<string>();
  for await (const page of samples.ids()) {
    for (const { sampleId } of page) {
      if (!seen.has(sampleId)) yield sampleId;
      seen.add(sampleId);
    }
  }
}

function isCollection(samples: SamplesInput): samples is Collection {
  return typeof samples === "object" && "ids" in samples;
}

async function vectorFieldsOf(store: DatasetStores, datasetId: string): Promise<Set<string>> {
  const fields = await store.datasets.fields(datasetId);
  return new Set(fields.flatMap(({ name, type }) => (type === "vector" ? [name] : [])));
}

function collect(columns: VectorColumns, id: string, vectors: Readonly<Record<string, Float32Array>>): void {
  for (const [field, vector] of Object.entries(vectors)) {
    const column = columns.get(field) ?? { ids: [], vectors: [] };
    column.ids.push(id);
    column.vectors.push(vector);
    columns.set(field, column);
  }
}

/** Checks the vectors before anything is written; VECTOR_INVALID, or INVALID_ARGUMENT for other than numbers. */
function toColumns(columns: VectorColumns): VectorColumn[] {
  return [...columns].map(([field, column]) => {
    const vectors = toMatrix(column.vectors);
    if (vectors.dimension === 0) throw emptyVector(field);
    assertUsable(vectors);
    return { field, ownerIds: column.ids, vectors };
  });
}

function assertIterable(inputs: unknown): void {
  const found = Object(inputs) as object;
  if (Symbol.iterator in found || Symbol.asyncIterator in found) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a list or stream of samples but found ${inputs === null ? "null" : `a single ${typeof inputs}`}`,
    hint: "Pass a list, or call addSample() for one",
  });
}

function emptyVector(field: string): NearsightError {
  return new NearsightError({
    code: "VECTOR_INVALID",
    message: `Expected vectors for field '${field}' but found one without numbers`,
    hint: "Leave the field out where there is no vector",
  });
}

/** The items in lists of at most `size`. */
async function* chunks<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  size: number,
): AsyncGenerator<Item[], void, undefined> {
  let chunk: Item[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

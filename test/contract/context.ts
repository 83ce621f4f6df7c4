/** What contract cases work with: collections to try, seeded data, the oracle, and checks of answers. */

import { expect } from "vitest";
import type {
  Backend,
  Batch,
  Capabilities,
  Collection,
  CollectionSpec,
  Columns,
  SearchOptions,
  Selection,
} from "../../core/backends/backend.ts";
import { isBinaryMetric, type Metric } from "../../core/backends/metric.ts";
import { type ErrorCode, isNearsightError } from "../../core/errors.ts";
import { type Matrix, matrix, type VectorData } from "../../core/matrix.ts";
import { seededRandom } from "../../core/random.ts";
import { referenceBackend } from "./reference-backend.ts";

/** Numbers of a vector in most cases; bits have eight times as many. */
export const DIMENSION = 8;
/** Entries of the collections that read-only cases share. */
export const FILLED = 300;

/** A collection with seeded entries, and the reference with the same ones. */
export interface Filled {
  readonly collection: Collection;
  readonly oracle: Collection;
  readonly batch: Batch;
}

/** Given to each case. */
export interface Context {
  readonly backend: Backend;
  readonly capabilities: Capabilities;
  /** Connects once more to the same place; closed at the end of the run. */
  another(): Promise<Backend>;
  /** A name no other case or run uses. */
  newName(): string;
  /** An empty collection, dropped at the end of the run; cosine, or the default metric where there is none. */
  make(spec?: Partial<CollectionSpec>): Promise<Collection>;
  /** A filled collection that several cases read and none changes. */
  filled(metric?: Metric): Promise<Filled>;
  /** Fails unless the hits are those of the oracle for the same question. */
  checkHits(filled: Filled, queries: Matrix<VectorData>, options: SearchOptions): Promise<Columns[]>;
  /** Fails unless `actual` is what `expected` says, as exactly as the backend claims to be. */
  compare(actual: Columns, expected: Columns, everything: Columns, reverse?: boolean): void;
}

/** How closely answers are compared. */
export interface Closeness {
  /** Largest error of a distance, relative to its size where that is above 1. */
  readonly tolerance: number;
  /** Share of true hits an approximate search has to find; exact ones find all. */
  readonly recall: number;
}

/** Makes the context of one run, and what ends it. */
export async function startContext(
  connect: () => Promise<Backend>,
  { tolerance, recall }: Closeness,
): Promise<{ context: Context; end(): Promise<void> }> {
  const backend = await connect();
  const { capabilities } = backend;
  const opened: Backend[] = [];
  const names: string[] = [];
  const filledOnes = new Map<Metric, Promise<Filled>>();
  const run = Math.floor(Math.random() * 2 ** 32).toString(36);
  const standard: Metric = capabilities.metrics.includes("cosine") ? "cosine" : capabilities.defaultMetric;

  const context: Context = {
    backend,
    capabilities,
    async another() {
      const client = await connect();
      opened.push(client);
      return client;
    },
    newName() {
      const name = `contract_${run}_${names.length}`;
      names.push(name);
      return name;
    },
    make: (spec = {}) => backend.create(specOf(context.newName(), spec.metric ?? standard, spec)),
    filled(metric = standard) {
      const known = filledOnes.get(metric) ?? fill(context, metric);
      filledOnes.set(metric, known);
      return known;
    },
    async checkHits({ collection, oracle }, queries, options) {
      const [actual, expected, everything] = [
        await collection.search(queries, options),
        await oracle.search(queries, options),
        await oracle.search(queries, { k: null }),
      ];
      expect(actual).toHaveLength(expected.length);
      actual.forEach((columns, i) => {
        context.compare(columns, at(expected, i), at(everything, i), options.reverse);
      });
      return actual;
    },
    compare(actual, expected, everything, reverse = false) {
      const share = capabilities.exact ? 1 : recall;
      compareHits(actual, expected, everything, { reverse, tolerance, recall: share });
    },
  };

  return {
    context,
    async end() {
      for (const name of names) {
        const left = await backend.open(name).catch(() => undefined);
        await left?.drop();
      }
      for (const client of [...opened, backend]) await client.close();
    },
  };
}

async function fill(context: Context, metric: Metric): Promise<Filled> {
  const batch = entries(FILLED, metric, 7);
  const collection = await context.make({ metric });
  const oracle = await referenceBackend().create(specOf("oracle", metric, {}));
  for (const target of [collection, oracle]) {
    expect(await target.upsert(stream(batch))).toEqual({ written: FILLED, failed: [] });
  }
  return { collection, oracle, batch };
}

function specOf(name: string, metric: Metric, spec: Partial<CollectionSpec>): CollectionSpec {
  return { name, metric, dimension: isBinaryMetric(metric) ? 8 * DIMENSION : DIMENSION, ...spec };
}

function compareHits(
  actual: Columns,
  expected: Columns,
  everything: Columns,
  { reverse, tolerance, recall }: Closeness & { reverse: boolean },
): void {
  expect(actual.ids.length, "number of hits").toBe(expected.ids.length);
  expect(actual.sampleIds.length, "number of sample ids").toBe(actual.ids.length);
  expect(actual.distances.length, "number of distances").toBe(actual.ids.length);
  expect(new Set(actual.ids).size, "hits without doubles").toBe(actual.ids.length);
  const places = new Map(everything.ids.map((id, i) => [id, i]));
  actual.ids.forEach((id, i) => {
    const place = places.get(id);
    if (place === undefined)
      throw new Error(`Expected only ids that were written but found ${JSON.stringify(id)}`);
    expect(actual.sampleIds[i], `sample id of ${id}`).toBe(everything.sampleIds[place]);
    expectClose(actual.distances[i], everything.distances[place], tolerance, `distance of ${id}`);
  });
  expectOrder(actual, reverse);
  if (recall === 1) {
    // Position by position: what is near enough to change places there has nearly the same distance.
    expected.distances.forEach((distance, i) => {
      expectClose(actual.distances[i], distance, tolerance, `distance at position ${i}`);
    });
  } else if (expected.ids.length > 0) {
    const found = new Set(actual.ids);
    const share = expected.ids.filter((id) => found.has(id)).length / expected.ids.length;
    expect(share, "recall").toBeGreaterThanOrEqual(recall);
  }
}

function expectClose(
  actual: number | undefined,
  expected: number | undefined,
  tolerance: number,
  what: string,
): void {
  const error = Math.abs((actual ?? Number.NaN) - (expected ?? Number.NaN));
  const allowed = tolerance * Math.max(1, Math.abs(expected ?? 0));
  if (!(error <= allowed))
    throw new Error(`Expected ${what} to be ${expected} within ${allowed} but found ${actual}`);
}

/** Fails unless hits are sorted, ties by id. */
export function expectOrder({ ids, distances }: Columns, reverse = false): void {
  for (let i = 1; i < ids.length; i++) {
    const step = (at(distances, i) - at(distances, i - 1)) * (reverse ? -1 : 1);
    const right = step > 0 || (step === 0 && at(ids, i - 1) < at(ids, i));
    if (!right)
      throw new Error(`Expected hits in order, ties by id, but hit ${i} (${ids[i]}) comes too late`);
  }
}

/** Fails unless the work is refused with this code, a message and a hint. */
export async function expectCode(work: () => unknown, code: ErrorCode): Promise<void> {
  const error = await Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  if (error === undefined) throw new Error(`Expected an error with code ${code} but nothing was thrown`);
  if (!isNearsightError(error)) throw error;
  expect(error.code, error.message).toBe(code);
  expect(error.message).not.toBe("");
  expect(error.hint ?? "", "hint").not.toBe("");
}

/** Seeded entries `e0000`, `e0001`...: numbers from -1 to 1 of varied length, or bits. */
export function entries(
  count: number,
  metric: Metric,
  seed: number,
  prefix = "e",
  dimension = DIMENSION,
): Batch {
  const ids = Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(4, "0")}`);
  return {
    ids,
    sampleIds: ids.map((id) => `sample-${id}`),
    vectors: vectors(count, metric, seed, dimension),
  };
}

/** Seeded vectors for the metric. */
export function vectors(
  count: number,
  metric: Metric,
  seed: number,
  dimension = DIMENSION,
): Matrix<VectorData> {
  const random = seededRandom(seed);
  const size = count * dimension;
  if (isBinaryMetric(metric))
    return matrix(
      Uint8Array.from({ length: size }, () => random() * 256),
      8 * dimension,
    );
  return matrix(
    Float32Array.from({ length: size }, () => 2 * random() - 1),
    dimension,
  );
}

/** Float32 vectors given as rows. */
export function floats(...rows: number[][]): Matrix<VectorData> {
  return matrix<VectorData>(new Float32Array(rows.flat()), rows[0]?.length ?? 0);
}

/** A vector of `DIMENSION` numbers, all 0 but those given first. */
export function padded(...numbers: number[]): number[] {
  return [...numbers, ...new Array<number>(DIMENSION - numbers.length).fill(0)];
}

/** Entries with the ids and rows given; `sample of <id>` is their sample. */
export function batch(ids: readonly string[], rows: Matrix<VectorData>): Batch {
  return { ids, sampleIds: ids.map((id) => `sample of ${id}`), vectors: rows };
}

export async function* stream<Part>(...parts: Part[]): AsyncIterable<Part> {
  yield* parts;
}

/** A selection of these ids; the key is made of them unless given. */
export function select(ids: readonly string[], key = JSON.stringify(ids)): Selection {
  return { size: ids.length, key, ids: () => stream(ids.slice(0, 7), ids.slice(7)) };
}

/** Everything a fetch gives, by id, checked for doubles. */
export async function fetched(
  batches: AsyncIterable<Batch>,
): Promise<Map<string, { sampleId: string; vector: VectorData }>> {
  const found = new Map<string, { sampleId: string; vector: VectorData }>();
  for await (const { ids, sampleIds, vectors: rows } of batches) {
    expect(rows.rows).toBe(ids.length);
    ids.forEach((id, i) => {
      if (found.has(id)) throw new Error(`Expected each entry once but found ${id} again`);
      found.set(id, { sampleId: at(sampleIds, i), vector: rows.row(i) });
    });
  }
  return found;
}

/** The pages of a scan as one. */
export async function joined(pages: AsyncIterable<Columns>): Promise<Columns> {
  const ids: string[] = [];
  const sampleIds: string[] = [];
  const distances: number[] = [];
  for await (const page of pages) {
    ids.push(...page.ids);
    sampleIds.push(...page.sampleIds);
    distances.push(...page.distances);
  }
  return { ids, sampleIds, distances: Float32Array.from(distances) };
}

/** The one element of a list that is expected to have it. */
export function at<Value>(values: ArrayLike<Value>, index: number): Value {
  const value = values[index];
  if (value === undefined)
    throw new Error(`Expected an element at ${index} but found ${values.length} elements`);
  return value;
}

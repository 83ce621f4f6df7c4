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
import { type ErrorCode, isNearsightError, type NearsightError } from "../../core/errors.ts";
import { type Matrix, matrix, type VectorData } from "../../core/matrix.ts";
import { seededRandom } from "../../core/random.ts";
import { type Answer, at, type Closeness, compareHits, truthOf } from "./answers.ts";
import { referenceBackend } from "./reference-backend.ts";
import { type Kind, SCALE, SCALE_DIMENSION, scaleOf } from "./scale.ts";

export { at, expectOrder } from "./answers.ts";

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

/** What the server behind a backend takes at most; cases go to the limit and one beyond. */
export interface Limits {
  /** Numbers of a vector; one more is LIMIT_EXCEEDED. */
  readonly dimension?: number;
  /** Bytes of an id; an upsert reports a longer one. Ids of any length are taken where this is left out. */
  readonly idBytes?: number;
  /** Bytes of vectors that are more than one message to the server may hold. @default 24 MiB */
  readonly batchBytes?: number;
}

/** Given to each case. */
export interface Context {
  readonly backend: Backend;
  readonly capabilities: Capabilities;
  readonly limits: Limits;
  /** Connects once more to the same place; closed at the end of the run. */
  another(): Promise<Backend>;
  /** A name no other case or run uses. */
  newName(): string;
  /** A new, empty collection, dropped after the case; cosine, or the default metric where there is none. */
  make(spec?: Partial<CollectionSpec>): Promise<Collection>;
  /** An empty collection that earlier cases wrote to and this one may: quicker than a new one. */
  empty(metric?: Metric): Promise<Collection>;
  /** A filled collection that several cases read and none changes. */
  filled(metric?: Metric): Promise<Filled>;
  /** The collection with all the data of a kind, its index finished; several cases read it and none changes it. */
  scaled(kind: Kind): Promise<Collection>;
  /** What `prepare` gave when it was first asked for under this key; its collection is dropped at the end of the run. */
  shared<Value>(key: string, prepare: (make: Context["make"]) => Promise<Value>): Promise<Value>;
  /** Searches, and tells whether the answer claims to be exact. */
  search(
    collection: Collection,
    queries: Matrix<VectorData>,
    options: SearchOptions,
  ): Promise<{ found: Columns[]; exact: boolean }>;
  /** What `toEqual` takes for a vector read back: the same numbers, under cosine as exactly as the backend keeps them. */
  stored(vector: VectorData, metric?: Metric): unknown;
  /** Fails unless the hits are those of the oracle for the same question. */
  checkHits(filled: Filled, queries: Matrix<VectorData>, options: SearchOptions): Promise<Columns[]>;
  /** Fails unless the hits are as they should be: all of them, or as many as an approximate search has to find. */
  compare(answers: readonly Answer[], options: { exact: boolean; reverse?: boolean | undefined }): void;
}

export interface RunOptions extends Closeness {
  readonly limits: Limits;
  /** Largest error of a number read back under cosine, relative to the largest number of its vector. */
  readonly rounding: number;
  /** Fails unless the server has finished the index of a collection over that many entries. */
  readonly indexed?: ((collection: Collection, entries: number) => Promise<void>) | undefined;
}

/** One run of cases. */
export interface Run {
  readonly context: Context;
  /** Drops what the last case made. */
  endCase(): Promise<void>;
  end(): Promise<void>;
}

/** Makes the context of one run, and what ends it. */
export async function startContext(
  connect: () => Promise<Backend>,
  { limits, indexed, rounding, ...closeness }: RunOptions,
): Promise<Run> {
  const backend = await connect();
  const { capabilities } = backend;
  const clients = [backend];
  const names: string[] = [];
  const ofRun = new Set<string>();
  const values = new Map<string, Promise<unknown>>();
  const run = Math.floor(Math.random() * 2 ** 32).toString(36);
  const standard: Metric = capabilities.metrics.includes("cosine") ? "cosine" : capabilities.defaultMetric;

  const context: Context = {
    backend,
    capabilities,
    limits,
    async another() {
      const client = await connect();
      clients.push(client);
      return client;
    },
    newName() {
      const name = `contract_${run}_${names.length}`;
      names.push(name);
      return name;
    },
    make: (spec = {}) => backend.create(specOf(context.newName(), spec.metric ?? standard, spec)),
    async empty(metric = standard) {
      const used = await context.shared(`empty ${metric}`, (make) => make({ metric }));
      return (await isEmptied(used).catch(() => false)) ? used : context.make({ metric });
    },
    filled: (metric = standard) => context.shared(`filled ${metric}`, (make) => fill(make, metric)),
    scaled: (kind) =>
      context.shared(`scaled ${kind}`, async (make) => {
        const collection = await make({ metric: "cosine", dimension: SCALE_DIMENSION });
        const { batch: all } = scaleOf(kind);
        expect(await collection.upsert(stream(all))).toEqual({ written: SCALE, failed: [] });
        await indexed?.(collection, SCALE);
        return collection;
      }),
    shared<Value>(key: string, prepare: (make: Context["make"]) => Promise<Value>): Promise<Value> {
      const known = values.get(key) ?? prepare(makeForRun);
      values.set(key, known);
      return known as Promise<Value>;
    },
    async search(collection, queries, options) {
      let exact = true;
      const found = await collection.search(queries, {
        ...options,
        onExplain(facts) {
          if (facts["exact"] === false) exact = false;
        },
      });
      return { found, exact };
    },
    stored(vector, metric = standard) {
      if (rounding === 0 || metric !== "cosine") return vector;
      return { asymmetricMatch: (actual: unknown) => isNear(actual, vector, rounding) };
    },
    async checkHits({ collection, oracle }, queries, options) {
      const { found, exact } = await context.search(collection, queries, options);
      const [expected, everything] = [
        await oracle.search(queries, options),
        await oracle.search(queries, { k: null }),
      ];
      expect(found).toHaveLength(expected.length);
      const answers = found.map((actual, i) => ({
        actual,
        expected: at(expected, i),
        truth: truthOf(at(everything, i)),
      }));
      context.compare(answers, { exact, reverse: options.reverse });
      return found;
    },
    compare(answers, { exact, reverse = false }) {
      const recall = exact || capabilities.exact ? 1 : closeness.recall;
      compareHits(answers, { ...closeness, reverse, recall });
    },
  };

  const makeForRun: Context["make"] = async (spec) => {
    const collection = await context.make(spec);
    ofRun.add(collection.name);
    return collection;
  };

  const dropAll = async (dropped: readonly string[]) => {
    for (const name of dropped) {
      const left = await backend.open(name).catch(() => undefined);
      await left?.drop();
    }
  };

  let ended = 0;
  return {
    context,
    async endCase() {
      await dropAll(names.slice(ended).filter((name) => !ofRun.has(name)));
      ended = names.length;
    },
    async end() {
      await dropAll([...names.slice(ended), ...ofRun]);
      for (const client of clients) await client.close();
    },
  };
}

async function fill(make: Context["make"], metric: Metric): Promise<Filled> {
  const batch = entries(FILLED, metric, 7);
  const collection = await make({ metric });
  const oracle = await referenceBackend().create(specOf("oracle", metric, {}));
  for (const target of [collection, oracle]) {
    expect(await target.upsert(stream(batch))).toEqual({ written: FILLED, failed: [] });
  }
  return { collection, oracle, batch };
}

/** Empties a collection; true where all that it held was found and deleted. */
async function isEmptied(collection: Collection): Promise<boolean> {
  const { size } = await collection.describe();
  if (size === 0) return true;
  const ids = [...(await fetched(collection.fetch())).keys()];
  const { written } = await collection.delete(stream(ids));
  return written === size && ids.length === size;
}

function isNear(actual: unknown, expected: VectorData, rounding: number): boolean {
  if (!(actual instanceof Float32Array) || actual.length !== expected.length) return false;
  const allowed = rounding * Math.max(...expected.map(Math.abs));
  return actual.every((value, i) => Math.abs(value - at(expected, i)) <= allowed);
}

function specOf(name: string, metric: Metric, spec: Partial<CollectionSpec>): CollectionSpec {
  return { name, metric, dimension: isBinaryMetric(metric) ? 8 * DIMENSION : DIMENSION, ...spec };
}

/** Fails unless the work is refused with this code, a message and a hint. */
export async function expectCode(work: () => unknown, code: ErrorCode): Promise<void> {
  await refusal(work, code);
}

/** The same, and gives the error. */
export async function refusal(work: () => unknown, code: ErrorCode): Promise<NearsightError> {
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
  return error;
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

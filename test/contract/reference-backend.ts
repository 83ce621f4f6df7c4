/** The exact backend in memory that others are compared with: plain, in double precision, nothing clever. */

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
import { distanceOf, isBinaryMetric, METRICS } from "../../core/backends/metric.ts";
import { type ErrorCode, NearsightError, throwIfAborted } from "../../core/errors.ts";
import { type Matrix, matrix, type VectorData, vectorProblem } from "../../core/matrix.ts";
import { at } from "./answers.ts";

interface Entry {
  readonly id: string;
  readonly sampleId: string;
  readonly vector: VectorData;
}

interface Stored {
  readonly spec: CollectionSpec;
  readonly entries: Map<string, Entry>;
}

/** What several clients of the reference share, as clients of one server do. */
export type ReferenceServer = Map<string, Stored>;

export const REFERENCE_CAPABILITIES: Capabilities = {
  metrics: METRICS,
  defaultMetric: "cosine",
  vectorTypes: ["float32", "bits"],
  maxK: null,
  reverse: true,
  radius: true,
  exact: true,
};

const PAGE = 1000;

/** A client of the given server. */
export function referenceBackend(server: ReferenceServer = new Map()): Backend<ReferenceServer> {
  let closed = false;
  const live = (): void => {
    if (closed) throw fail("CLOSED", "Expected an open backend but it was closed");
  };
  const stored = (name: string): Stored => {
    live();
    const found = server.get(name);
    if (found === undefined) throw fail("INDEX_NOT_FOUND", `Expected an index '${name}' but found none`);
    return found;
  };
  return {
    name: "reference",
    capabilities: REFERENCE_CAPABILITIES,
    async create(spec) {
      live();
      checkSpec(spec);
      if (server.has(spec.name))
        throw fail("INDEX_EXISTS", `Expected no index '${spec.name}' yet but found one`);
      server.set(spec.name, { spec, entries: new Map() });
      return collection(spec.name, server, stored, live);
    },
    async open(name) {
      stored(name);
      return collection(name, server, stored, live);
    },
    async list(prefix = "") {
      live();
      return [...server.keys()].filter((name) => name.startsWith(prefix)).sort();
    },
    async client() {
      live();
      return server;
    },
    async close() {
      closed = true;
    },
  };
}

function collection(
  name: string,
  server: ReferenceServer,
  stored: (name: string) => Stored,
  live: () => void,
): Collection {
  async function search(queries: Matrix<VectorData>, options: SearchOptions): Promise<Columns[]> {
    throwIfAborted(options.signal);
    const { spec, entries } = stored(name);
    checkVectors(spec, queries);
    checkOptions(options);
    const allowed = options.within === undefined ? undefined : new Set(await idsOf(options.within));
    const candidates = [...entries.values()].filter((entry) => allowed?.has(entry.id) ?? true);
    return rowsOf(queries).map((query) => {
      const problem = vectorProblem(query, spec.metric === "cosine");
      if (problem !== null) throw fail("VECTOR_INVALID", `Expected a usable query but it ${problem}`);
      return ranked(spec, query, candidates, options);
    });
  }

  return {
    name,
    search,
    async describe() {
      const { spec, entries } = stored(name);
      const { dimension, metric } = spec;
      return {
        dimension,
        metric,
        vectorType: isBinaryMetric(metric) ? "bits" : "float32",
        size: entries.size,
      };
    },
    async upsert(batches, options = {}) {
      stored(name);
      let written = 0;
      const failed: { id: string; reason: string }[] = [];
      for await (const batch of batches) {
        throwIfAborted(options.signal);
        const { spec, entries } = stored(name);
        checkVectors(spec, batch.vectors);
        if (batch.ids.length !== batch.vectors.rows || batch.sampleIds.length !== batch.vectors.rows) {
          throw fail("INVALID_ARGUMENT", "Expected one id and one sample id for each vector");
        }
        const accepted = new Set<string>();
        for (const entry of entriesOf(batch)) {
          const problem = vectorProblem(entry.vector, spec.metric === "cosine");
          if (problem !== null)
            failed.push({ id: entry.id, reason: `VECTOR_INVALID: the vector ${problem}` });
          else {
            entries.set(entry.id, entry);
            accepted.add(entry.id);
          }
        }
        written += accepted.size;
      }
      throwIfAborted(options.signal);
      return { written, failed };
    },
    async delete(ids, options = {}) {
      stored(name);
      let written = 0;
      for await (const part of ids) {
        throwIfAborted(options.signal);
        for (const id of part) if (stored(name).entries.delete(id)) written++;
      }
      throwIfAborted(options.signal);
      return { written, failed: [] };
    },
    async *fetch(select) {
      const { spec, entries } = stored(name);
      const ids = select === undefined ? [...entries.keys()] : await idsOf(select);
      const found = ids.map((id) => entries.get(id)).filter((entry) => entry !== undefined);
      for (let start = 0; start < found.length; start += PAGE) {
        yield batchOf(spec, found.slice(start, start + PAGE));
      }
    },
    async *scan(query, options) {
      const [hits] = await search(query, { ...options, k: null });
      for (let start = 0; hits !== undefined && start < hits.ids.length; start += PAGE) {
        yield {
          ids: hits.ids.slice(start, start + PAGE),
          sampleIds: hits.sampleIds.slice(start, start + PAGE),
          distances: hits.distances.slice(start, start + PAGE),
        };
      }
    },
    async drop() {
      live();
      server.delete(name);
    },
  };
}

function ranked(spec: CollectionSpec, query: VectorData, entries: Entry[], options: SearchOptions): Columns {
  const sign = options.reverse ? -1 : 1;
  const limit = Math.fround(options.maxDistance ?? Number.POSITIVE_INFINITY);
  const distances = Float32Array.from(entries, (entry) => distanceOf(spec.metric, query, entry.vector));
  const order = Uint32Array.from(entries.keys()).filter((row) => at(distances, row) <= limit);
  order.sort(
    (a, b) =>
      sign * (at(distances, a) - at(distances, b)) || (at(entries, a).id < at(entries, b).id ? -1 : 1),
  );
  const rows = [...order.subarray(0, options.k ?? undefined)];
  return {
    ids: rows.map((row) => at(entries, row).id),
    sampleIds: rows.map((row) => at(entries, row).sampleId),
    distances: Float32Array.from(rows, (row) => at(distances, row)),
  };
}

function checkSpec({ dimension, metric, vectorType, params = {}, filterFields }: CollectionSpec): void {
  if (filterFields !== undefined) throw fail("INVALID_ARGUMENT", "Expected no filterFields but found some");
  if (Object.keys(params).length > 0) throw fail("INVALID_ARGUMENT", "Expected no params but found some");
  if (!METRICS.includes(metric))
    throw fail("METRIC_NOT_SUPPORTED", `Expected a known metric but found '${metric}'`);
  const natural = isBinaryMetric(metric) ? "bits" : "float32";
  if (vectorType !== undefined && vectorType !== natural) {
    throw fail("METRIC_NOT_SUPPORTED", `Expected a metric for ${vectorType} vectors but found '${metric}'`);
  }
  if (!Number.isInteger(dimension) || dimension < 1 || (natural === "bits" && dimension % 8 !== 0)) {
    throw fail("INVALID_ARGUMENT", `Expected a dimension above 0 but found ${dimension}`);
  }
}

function checkVectors({ metric, dimension }: CollectionSpec, vectors: Matrix<VectorData>): void {
  if (vectors.data instanceof Uint8Array !== isBinaryMetric(metric)) {
    throw fail("INVALID_ARGUMENT", `Expected vectors of another type for ${metric}`);
  }
  if (vectors.dimension === dimension) return;
  throw fail("DIMENSION_MISMATCH", `Expected dimension ${dimension} but found ${vectors.dimension}`);
}

function checkOptions({ k, maxDistance }: SearchOptions): void {
  const whole = k === null || (Number.isInteger(k) && k > 0);
  if (!whole || Number.isNaN(maxDistance))
    throw fail("INVALID_ARGUMENT", "Expected k above 0 and maxDistance a number");
}

function rowsOf(vectors: Matrix<VectorData>): VectorData[] {
  return Array.from({ length: vectors.rows }, (_, i) => vectors.row(i));
}

function entriesOf({ ids, sampleIds, vectors }: Batch): Entry[] {
  return ids.map((id, i) => ({ id, sampleId: sampleIds[i] ?? "", vector: vectors.row(i).slice() }));
}

function batchOf(spec: CollectionSpec, entries: Entry[]): Batch {
  const length = entries[0]?.vector.length ?? 0;
  const size = entries.length * length;
  const data = isBinaryMetric(spec.metric) ? new Uint8Array(size) : new Float32Array(size);
  entries.forEach((entry, i) => {
    data.set(entry.vector, i * length);
  });
  return {
    ids: entries.map((entry) => entry.id),
    sampleIds: entries.map((entry) => entry.sampleId),
    vectors: matrix<VectorData>(data, spec.dimension),
  };
}

async function idsOf(selection: Selection): Promise<string[]> {
  const ids: string[] = [];
  for await (const part of selection.ids()) ids.push(...part);
  return ids;
}

function fail(code: ErrorCode, message: string): NearsightError {
  return new NearsightError({ code, message, hint: "See the contract cases" });
}

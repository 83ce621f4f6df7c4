/** A collection of the local backend as its callers see it: checks arguments and splits long work. */

import { NearsightError, throwIfAborted } from "../../errors.ts";
import { type Matrix, matrix, rowLength, type VectorData } from "../../matrix.ts";
import type {
  Batch,
  Collection,
  Columns,
  SearchOptions,
  Selection,
  WriteOptions,
  WriteReport,
} from "../backend.ts";
import type { Call } from "./local.ts";
import type { RowsAnswer } from "./protocol.ts";
import { BATCH_ROWS } from "./rows.ts";
import { QUERIES_PER_PASS } from "./segment.ts";

/** The most one transaction takes; a longer batch becomes several, so that searches get in between. */
const WRITE_ROWS = 8192;
const WRITE_BYTES = 32 << 20;
/** Ids of one delete transaction. */
const DELETE_IDS = 8192;
/** Hits per page of a scan. */
const PAGE_HITS = 1000;

/** The collection of that name, whose work `call` has done by the worker thread. */
export function localCollection(name: string, call: Call): Collection {
  async function search(queries: Matrix<VectorData>, options: SearchOptions): Promise<Columns[]> {
    checkOptions(options);
    const length = rowLength(queries.data, queries.dimension);
    const step = options.k === null ? 1 : QUERIES_PER_PASS;
    const found: Columns[] = [];
    for (let first = 0; first === 0 || first < queries.rows; first += step) {
      throwIfAborted(options.signal);
      const data = queries.data.slice(first * length, (first + step) * length);
      found.push(...(await searchPart(data, queries.dimension, first, options)));
    }
    throwIfAborted(options.signal);
    return found;
  }

  async function searchPart(
    queries: VectorData,
    dimension: number,
    first: number,
    { k, reverse = false, maxDistance = Number.POSITIVE_INFINITY, within, signal }: SearchOptions,
  ): Promise<Columns[]> {
    const selection = within === undefined ? undefined : { key: within.key };
    const argument = { name, queries, dimension, first, k, reverse, maxDistance, selection };
    const found = await call("search", argument);
    if (found !== undefined || within === undefined) return found ?? [];
    const ids = await allIds(within, signal);
    return (await call("search", { ...argument, selection: { key: within.key, ids } })) ?? [];
  }

  async function upsert(batches: AsyncIterable<Batch>, options: WriteOptions = {}): Promise<WriteReport> {
    let written = 0;
    const failed: WriteReport["failed"][number][] = [];
    for await (const batch of batches) {
      checkBatch(name, batch);
      for (const { ids, sampleIds, vectors } of parts(batch)) {
        throwIfAborted(options.signal);
        const { data, dimension } = vectors;
        const report = await call("upsert", { name, ids, sampleIds, data, dimension }, [
          data.buffer as ArrayBuffer,
        ]);
        written += report.written;
        failed.push(...report.failed);
      }
    }
    throwIfAborted(options.signal);
    return { written, failed };
  }

  return {
    name,
    describe: () => call("describe", { name }),
    search,
    upsert,
    async delete(ids, options = {}) {
      let written = 0;
      for await (const part of regrouped(ids, DELETE_IDS)) {
        throwIfAborted(options.signal);
        written += (await call("delete", { name, ids: part })).written;
      }
      throwIfAborted(options.signal);
      return { written, failed: [] };
    },
    async *fetch(select) {
      if (select === undefined) {
        for (let after: number | null = 0; after !== null; ) {
          const answer: RowsAnswer = await call("page", { name, after });
          if (answer.ids.length > 0) yield batchOf(answer);
          after = answer.next;
        }
        return;
      }
      await call("open", { name });
      for await (const ids of regrouped(select.ids(), BATCH_ROWS)) {
        const answer = await call("rows", { name, ids });
        if (answer.ids.length > 0) yield batchOf(answer);
      }
    },
    async *scan(query, options) {
      if (query.rows !== 1) throw invalid(`Expected one query for a scan but found ${query.rows}`);
      const [hits] = await search(query, { ...options, k: null });
      for (let start = 0; hits !== undefined && start < hits.ids.length; start += PAGE_HITS) {
        throwIfAborted(options.signal);
        yield {
          ids: hits.ids.slice(start, start + PAGE_HITS),
          sampleIds: hits.sampleIds.slice(start, start + PAGE_HITS),
          distances: hits.distances.slice(start, start + PAGE_HITS),
        };
      }
    },
    drop: () => call("drop", { name }),
  };
}

function checkOptions({ k, maxDistance }: SearchOptions): void {
  if (k !== null && !(Number.isInteger(k) && k > 0)) {
    throw invalid(`Expected k to be a whole number above 0, or null for all, but found ${k}`);
  }
  if (maxDistance !== undefined && Number.isNaN(maxDistance)) {
    throw invalid("Expected maxDistance to be a number but found NaN");
  }
}

function checkBatch(name: string, { ids, sampleIds, vectors }: Batch): void {
  if (ids.length === vectors.rows && sampleIds.length === vectors.rows) return;
  throw invalid(
    `Expected one id and one sample id for each of ${vectors.rows} vectors for index '${name}' but found ${ids.length} and ${sampleIds.length}`,
  );
}

function invalid(message: string): NearsightError {
  return new NearsightError({ code: "INVALID_ARGUMENT", message, hint: "Change that argument" });
}

/** Pieces of a batch that fit one transaction, copied: the worker takes the copy, the caller keeps the batch. */
function* parts({ ids, sampleIds, vectors }: Batch): Iterable<Batch> {
  const length = rowLength(vectors.data, vectors.dimension);
  const rows = Math.floor(WRITE_BYTES / (length * vectors.data.BYTES_PER_ELEMENT));
  const step = Math.max(1, Math.min(WRITE_ROWS, rows));
  for (let first = 0; first < vectors.rows; first += step) {
    const end = Math.min(vectors.rows, first + step);
    const data = vectors.data.slice(first * length, end * length);
    yield {
      ids: ids.slice(first, end),
      sampleIds: sampleIds.slice(first, end),
      vectors: matrix(data, vectors.dimension),
    };
  }
}

async function allIds(selection: Selection, signal: AbortSignal | undefined): Promise<string[]> {
  const ids: string[] = [];
  for await (const part of selection.ids()) {
    throwIfAborted(signal);
    for (const id of part) ids.push(id);
  }
  return ids;
}

/** The same ids in groups of `size`, the last one shorter. */
async function* regrouped(groups: AsyncIterable<readonly string[]>, size: number): AsyncIterable<string[]> {
  let waiting: string[] = [];
  for await (const group of groups) {
    for (const id of group) {
      waiting.push(id);
      if (waiting.length < size) continue;
      yield waiting;
      waiting = [];
    }
  }
  if (waiting.length > 0) yield waiting;
}

function batchOf({ ids, sampleIds, data, dimension }: RowsAnswer): Batch {
  return { ids, sampleIds, vectors: matrix(data, dimension) };
}

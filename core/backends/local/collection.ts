/** A collection of the local backend as its callers see it: checks arguments and splits long work. */

import { throwIfAborted } from "../../errors.ts";
import { type Matrix, matrix, rowLength, type VectorData } from "../../matrix.ts";
import type {
  Batch,
  Collection,
  Columns,
  Neighborhoods,
  NeighborOptions,
  SearchOptions,
  Selection,
  WriteOptions,
  WriteReport,
} from "../backend.ts";
import { checkCounts, checkSearchOptions, invalid } from "../checks.ts";
import { pagesOf } from "../parts.ts";
import type { Call } from "./local.ts";
import { unpackEntries, unpackHits } from "./packed.ts";
import type { NeighborsAnswer, RowsAnswer, SearchCall } from "./protocol.ts";
import { BATCH_ROWS } from "./rows.ts";
import { QUERIES_PER_PASS } from "./segment.ts";
import { SlotNames } from "./slot-names.ts";

/** The most one transaction takes; a longer batch becomes several, so that searches get in between. */
const WRITE_ROWS = 8192;
const WRITE_BYTES = 32 << 20;
/** Ids of one delete transaction. */
const DELETE_IDS = 8192;
/** Hits per page of a scan. */
const PAGE_HITS = 1000;

/** The collection of that name, whose work `call` has done by the worker thread. */
export function localCollection(name: string, call: Call): Collection {
  const names = new SlotNames();

  async function search(queries: Matrix<VectorData>, options: SearchOptions): Promise<Columns[]> {
    checkSearchOptions(options);
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
    options: SearchOptions,
    after?: SearchCall["after"],
  ): Promise<Columns[]> {
    const { k, reverse = false, maxDistance = Number.POSITIVE_INFINITY, within, signal } = options;
    return await selecting(within, signal, async (selection) => {
      if (selection !== undefined) {
        options.onExplain?.({ selection: selection.ids === undefined ? "bitmap kept" : "ids sent" });
      }
      const facts = { queries, dimension, first, k, reverse, maxDistance, after, selection };
      const answer = await call("search", { name, ...facts, names: names.known });
      return answer && names.read(answer);
    });
  }

  /** Pages of one ranking. The first is found as a search finds it; who wants more needs the whole. */
  async function* scan(query: Matrix<VectorData>, options: Omit<SearchOptions, "k">): AsyncIterable<Columns> {
    if (query.rows !== 1) throw invalid(`Expected one query for a scan but found ${query.rows}`);
    const [page] = await search(query, { ...options, k: PAGE_HITS });
    if (page === undefined || page.ids.length === 0) return;
    yield page;
    const [id, distance] = [page.ids.at(-1) ?? "", page.distances.at(-1) ?? 0];
    if (page.ids.length < PAGE_HITS) return;
    throwIfAborted(options.signal);
    const data = query.data.slice();
    const [rest] = await searchPart(data, query.dimension, 0, { ...options, k: null }, { distance, id });
    for (const next of rest === undefined ? [] : pagesOf(rest, PAGE_HITS)) {
      throwIfAborted(options.signal);
      yield next;
    }
  }

  async function* neighbors(options: NeighborOptions): AsyncIterable<Neighborhoods> {
    checkSearchOptions(options);
    const { k, maxDistance = Number.POSITIVE_INFINITY, within, signal } = options;
    const walk = walks++;
    try {
      for (let done = false; !done; ) {
        throwIfAborted(signal);
        const part: NeighborsAnswer = await selecting(within, signal, (selection) =>
          call("neighbors", { name, walk, k, maxDistance, selection }),
        );
        const found = { ...unpackEntries(part.entries), starts: part.starts };
        if (found.ids.length > 0) yield { ...found, neighbors: unpackHits(part.neighbors) };
        done = part.done;
      }
    } finally {
      // The backend may have been closed meanwhile, and then nothing is held any more.
      await call("endNeighbors", { walk }).catch(() => undefined);
    }
  }

  async function upsert(batches: AsyncIterable<Batch>, options: WriteOptions = {}): Promise<WriteReport> {
    let written = 0;
    const failed: WriteReport["failed"][number][] = [];
    for await (const batch of batches) {
      checkCounts(name, batch);
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
    scan,
    neighbors,
    drop: () => {
      names.clear();
      return call("drop", { name });
    },
  };
}

/** Walks over neighbours are told apart within one worker, which all collections of a backend share. */
let walks = 0;

/** Asks with the key of a selection, and again with its ids where the worker does not know them. */
async function selecting<Answer>(
  within: Selection | undefined,
  signal: AbortSignal | undefined,
  ask: (selection: SearchCall["selection"]) => Promise<Answer | undefined>,
): Promise<Answer> {
  if (within === undefined) return (await ask(undefined)) as Answer;
  const { key } = within;
  return (await ask({ key })) ?? ((await ask({ key, ids: await allIds(within, signal) })) as Answer);
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

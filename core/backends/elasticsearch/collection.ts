/** An index as a collection: checks arguments, then asks the server. */

import { isNearsightError, NearsightError, throwIfAborted } from "../../errors.ts";
import type { Matrix, VectorData } from "../../matrix.ts";
import type { Collection, Columns, SearchOptions, WriteOptions, WriteReport } from "../backend.ts";
import { checkQueries, checkSearchOptions } from "../checks.ts";
import { pagesOf } from "../parts.ts";
import { SelectedIds } from "../remote/selected-ids.ts";
import type { Connection } from "./connection.ts";
import { indexNotFound } from "./errors.ts";
import { PAGE_HITS } from "./limits.ts";
import { type Layout, layoutOf } from "./mapping.ts";
import { countOf, fetchAll, fetchSelected, type IndexPlace, WITH_VECTOR } from "./reads.ts";
import { searchFiltered, searchIndex } from "./search.ts";
import { deleteEntries, refresh, upsertEntries } from "./writes.ts";

/** The collection of that index, known to have that layout. */
export function elasticsearchCollection(server: Connection, index: string, known: Layout): Collection {
  const selections = new SelectedIds();
  let place: IndexPlace = { server, index, layout: known };
  /** Written to be visible eventually, and not refreshed since. */
  let isBehind = false;

  /** Looks at the index again: a bulk would make a missing one, and another one may have its name. */
  async function current(): Promise<IndexPlace> {
    place = { server, index, layout: await readLayout(server, index) };
    return place;
  }

  /** A write, after which what was written before is visible as well where this one has to be. */
  async function publish(write: Promise<WriteReport>, { visible }: WriteOptions): Promise<WriteReport> {
    if (visible === "eventually") return write.finally(() => (isBehind = true));
    const report = await write;
    if (!isBehind) return report;
    // Before: what another write leaves behind meanwhile is refreshed by the next.
    isBehind = false;
    await refresh(place, server.patience.write).catch((error: unknown) => {
      isBehind = true;
      throw error;
    });
    return report;
  }

  async function search(queries: Matrix<VectorData>, options: SearchOptions): Promise<Columns[]> {
    throwIfAborted(options.signal);
    checkSearchOptions(options);
    checkQueries(index, queries, place.layout);
    return searchIndex(place, queries, options, selections);
  }

  return {
    name: index,
    search,
    async describe() {
      const here = await current();
      // Exact, whoever wrote last; who may only read sees what was refreshed.
      await refresh(here).catch((error: unknown) => {
        if (!isNearsightError(error, "PERMISSION_DENIED")) throw error;
      });
      const { dimension, metric, vectorType } = here.layout;
      const size = await countOf(here, { index }, WITH_VECTOR);
      return { dimension, metric, vectorType, size };
    },
    async facts() {
      const { layout } = await current();
      const { indexType, similarity, oversample, encoding } = layout;
      const indexedRows = await countOf(place, { index }, WITH_VECTOR);
      return {
        index: indexType,
        // Graphs grow with the writes, there is no building afterwards.
        state: "finished",
        indexedRows,
        visibility: "after each job that writes",
        similarity,
        quantized: oversample !== null,
        vectorsSentAs: encoding,
      };
    },
    async upsert(batches, options = {}) {
      throwIfAborted(options.signal);
      return publish(upsertEntries(await current(), batches, options), options);
    },
    async delete(ids, options = {}) {
      throwIfAborted(options.signal);
      return publish(deleteEntries(await current(), ids, options), options);
    },
    async searchWhere(query, options) {
      throwIfAborted(options.signal);
      checkSearchOptions(options);
      checkQueries(index, query, place.layout);
      return searchFiltered(place, query, options);
    },
    fetch: (select) => (select === undefined ? fetchAll(place) : fetchSelected(place, select)),
    async *scan(query, options) {
      if (query.rows !== 1) throw oneQuery(query.rows);
      const [ranking] = await search(query, { ...options, k: null });
      if (ranking === undefined) return;
      for (const page of pagesOf(ranking, PAGE_HITS)) {
        throwIfAborted(options.signal);
        yield page;
      }
    },
    async drop() {
      await server.call((client, more) => client.indices.delete({ index, ignore_unavailable: true }, more), {
        action: "delete the index",
        index,
      });
    },
  };
}

/** The layout of an index; INDEX_NOT_FOUND where there is none, or none with vectors. */
export async function readLayout(server: Connection, index: string): Promise<Layout> {
  const states = await server.call((client, more) => client.indices.get({ index }, more), {
    action: "read the index",
    index,
  });
  const [state] = Object.values(states);
  if (state === undefined) throw indexNotFound(index);
  const layout = layoutOf(state);
  if (layout !== null) return layout;
  throw new NearsightError({
    code: "INDEX_NOT_FOUND",
    message: `Expected index '${index}' to have vectors in a field 'vector' but it has none that can be searched`,
    hint: "Choose one of those that list() gives",
    details: { index },
  });
}

function oneQuery(found: number): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected one query for a scan but found ${found}`,
    hint: "Scan once for each query",
  });
}

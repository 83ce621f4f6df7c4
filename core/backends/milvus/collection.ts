/** One collection of Milvus as the interface of all backends has it. */

import { NearsightError } from "../../errors.ts";
import type { Collection } from "../backend.ts";
import { checkSearchOptions } from "../checks.ts";
import { pagesOf } from "../parts.ts";
import { SelectedIds } from "../remote/selected-ids.ts";
import type { Access } from "./access.ts";
import { collectionHandle } from "./handle.ts";
import { PAGE_HITS } from "./limits.ts";
import { describeIndex, dropCollection } from "./manage.ts";
import { readEntries, readSelected } from "./read.ts";
import { searchCollection, searchFiltered } from "./search.ts";
import { deleteEntries, upsertEntries } from "./writes.ts";

/** The collection that `access` reaches. */
export function milvusCollection(access: Access): Collection {
  const { name, connection } = access;
  const selections = new SelectedIds();
  return {
    name,
    async describe() {
      const [{ dimension, metric, vectorType }, size] = await Promise.all([access.refresh(), access.count()]);
      return { dimension, metric, vectorType, size };
    },
    upsert: (batches, options = {}) => upsertEntries(access, batches, options),
    delete: (ids, options = {}) => deleteEntries(access, ids, options),
    fetch: (select) => (select === undefined ? readEntries(access) : readSelected(access, select)),
    search: (queries, options) => searchCollection(access, selections, queries, options),
    searchWhere: (query, options) => searchFiltered(access, query, options),
    async *scan(query, options) {
      checkSearchOptions({ ...options, k: null });
      if (query.rows !== 1) {
        throw new NearsightError({
          code: "INVALID_ARGUMENT",
          message: `Expected one query for a scan but found ${query.rows}`,
          hint: "Scan once for each query",
        });
      }
      const [hits] = await searchCollection(access, selections, query, { ...options, k: null });
      if (hits !== undefined) yield* pagesOf(hits, PAGE_HITS);
    },
    async facts() {
      const [layout, index] = await Promise.all([access.layout(), describeIndex(connection, name)]);
      return {
        index: layout.indexType,
        state: index?.state ?? "none",
        indexedRows: Number(index?.indexed_rows ?? 0),
        totalRows: Number(index?.total_rows ?? 0),
        visibility: "at once: each write waits until every reader sees it",
        consistencyLevel: layout.consistencyLevel,
      };
    },
    handle: async () => {
      await access.layout();
      return collectionHandle(access);
    },
    drop: () => dropCollection(connection, name),
  };
}

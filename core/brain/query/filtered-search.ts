/** Searches a view by its condition, which the server applies, where that surely gives what the store's own would. */

import type { Collection, Columns } from "../../backends/backend.ts";
import type { EntryFilter } from "../../backends/filter-fields.ts";
import type { SimilarityRequest } from "../../dataset/similarity-port.ts";
import type { Matrix, VectorData } from "../../matrix.ts";
import type { StoreStage } from "../../store/store.ts";
import { pushedFilter } from "../fields/pushed-filter.ts";
import type { OpenIndex } from "../open-index.ts";
import type { QueryPlan } from "./query.ts";
import { goneIds, refilled, singleQuery, timedSearch, type Wanted } from "./search.ts";

/** Entries whose values have changed since they were written go along by id; more of them cost more than all ids do. */
const MOST_UNSURE = 1_000;
/** Characters of their ids: a condition is one text. */
const MOST_ID_CHARACTERS = 1 << 20;

/** Hits of a search by condition, or why there was none. */
export type FilteredHits = { readonly hits: Columns; readonly unsure: number } | { readonly reason: string };

/** Searches within the view of a request. A run without filter fields gives no reason. */
export async function searchByFilter(
  index: OpenIndex,
  collection: Collection,
  request: SimilarityRequest,
  plan: QueryPlan,
  wanted: Wanted,
): Promise<FilteredHits | null> {
  const { filterFields, patchesField } = index.run.config;
  const { before } = request;
  if (filterFields === undefined || before.length === 0) return null;
  const { maxK } = (await index.backend()).capabilities;
  const query = singleQuery(plan, wanted.aggregation);
  if (query === null || wanted.reverse || wanted.k === null || wanted.k > (maxK ?? wanted.k)) {
    return { reason: "only searches for the nearest k are filtered by the server" };
  }
  const pushed = pushedFilter(before, filterFields, patchesField);
  if ("reason" in pushed) return pushed;
  // Read before the search: an entry that is not among them has the values of the store now or later.
  const outdated = await index.context.store.entries.outdated(index.run.id, { limit: MOST_UNSURE + 1 });
  const unsure = outdated.map(({ entryId }) => entryId);
  if (unsure.length > MOST_UNSURE || unsure.join("").length > MOST_ID_CHARACTERS) {
    return { reason: "too many samples have changed since their fields were written: updateFilterFields()" };
  }
  const filter: EntryFilter = { condition: pushed.condition, unsure };
  const hits = await filteredHits(index, collection, query, filter, request, wanted);
  return hits === null
    ? { reason: "the index gave too few hits for the condition" }
    : { hits, unsure: unsure.length };
}

/** The hits that live and are rows of the view by the store's own condition; null where the server cannot tell enough. */
async function filteredHits(
  index: OpenIndex,
  collection: Collection,
  query: Matrix<VectorData>,
  filter: EntryFilter,
  request: SimilarityRequest,
  { trace, ...wanted }: Wanted,
): Promise<Columns | null> {
  const { maxDistance } = wanted;
  return refilled(
    { ...wanted, trace },
    async (k) => {
      trace.searches++;
      const columns = await timedSearch(trace, false, async (onExplain) =>
        k === null ? null : collection.searchWhere?.(query, { k, filter, maxDistance, onExplain }),
      );
      return columns ?? null;
    },
    async (ids) => {
      const [gone, rows] = await Promise.all([goneIds(index, ids), rowsAmong(index, request, ids)]);
      return new Set(ids.filter((id) => gone.has(id) || !rows.has(id)));
    },
  );
}

/** Of these entries, those that are rows of the view. */
async function rowsAmong(
  { context, run }: OpenIndex,
  { dataset, before, patchesField }: SimilarityRequest,
  ids: readonly string[],
): Promise<Set<string>> {
  const indexed = run.config.patchesField;
  const toPatches: StoreStage[] =
    indexed === null || patchesField !== null ? [] : [{ stage: "toPatches", field: indexed }];
  const stages: StoreStage[] = [...before, ...toPatches, { stage: "select", ids }];
  const rows = await context.store.samples.ids(dataset.id, stages, { offset: 0, limit: ids.length });
  return new Set(rows.map(({ id }) => id));
}

/**
 * Exact rankings by counting: a search among at most 16,384 entries that asks for all of them and gets all of them
 * has missed none. Vectors are moved here only where a part comes back short.
 */

import { throwIfAborted } from "../../errors.ts";
import type { Matrix, VectorData } from "../../matrix.ts";
import type { Columns, SearchOptions } from "../backend.ts";
import { ahead } from "../remote/ahead.ts";
import { idChunks } from "../remote/chunks.ts";
import { inHalves } from "../remote/halves.ts";
import { type Ranking, rankEntries, startRanking } from "../remote/ranking.ts";
import type { Access } from "./access.ts";
import { searchPart, someRows } from "./ask.ts";
import { isBetween, isOneOf } from "./expression.ts";
import { searchParamsFor } from "./index-types.ts";
import { CONDITION_BYTES, CONDITION_IDS, MAX_HITS, PARTS_AT_ONCE } from "./limits.ts";
import { idPages, readIds } from "./read.ts";

/** Hits of one call for several queries, each with all entries of a part. */
const QUERIES_AT_ONCE = 8;

/** Some entries, and the condition that picks them, or some of them in a row. */
interface Part {
  readonly ids: readonly string[];
  conditionOf(ids: readonly string[]): string;
}

/** Ranks all entries for each query. */
export async function rankEverything(
  access: Access,
  queries: Matrix<VectorData>,
  options: SearchOptions,
): Promise<Columns[]> {
  return rankParts(access, queries, options, ranges(access, options.signal));
}

/** Ranks the entries of `ids` for each query; ids that are not there are left out. */
export async function rankSelected(
  access: Access,
  queries: Matrix<VectorData>,
  ids: readonly string[],
  options: SearchOptions,
): Promise<Columns[]> {
  return rankParts(access, queries, options, chosen(access, ids));
}

async function rankParts(
  access: Access,
  queries: Matrix<VectorData>,
  options: SearchOptions,
  parts: AsyncIterable<Part>,
): Promise<Columns[]> {
  const rankings = Array.from({ length: queries.rows }, () => startRanking(options));
  let count = 0;
  const rank = async (part: Part) => {
    let calls = 0;
    await inHalves(part.ids, async (ids) => {
      await rankPart(access, queries, rankings, { ids, expression: part.conditionOf(ids) }, options);
      calls++;
    });
    return calls;
  };
  for await (const calls of ahead(parts, rank, PARTS_AT_ONCE)) count += calls;
  options.onExplain?.({ exact: true, parts: count });
  return rankings.map((ranking) => ranking.columns());
}

/** Parts of neighbouring ids: a condition on the first and the last costs the server nothing, a list of ids does. */
async function* ranges(access: Access, signal: AbortSignal | undefined): AsyncGenerator<Part> {
  const { fields } = await access.layout();
  const conditionOf = (ids: readonly string[]) => isBetween(fields.id, ids[0] ?? "", ids.at(-1) ?? "");
  for await (const ids of idPages(access, MAX_HITS, signal)) yield { ids, conditionOf };
}

async function* chosen(access: Access, ids: readonly string[]): AsyncGenerator<Part> {
  const { fields } = await access.layout();
  const conditionOf = (some: readonly string[]) => isOneOf(fields.id, some);
  for await (const chunk of idChunks([ids], CONDITION_IDS, CONDITION_BYTES)) {
    yield { ids: chunk, conditionOf };
  }
}

async function rankPart(
  access: Access,
  queries: Matrix<VectorData>,
  rankings: readonly Ranking[],
  { ids, expression }: { readonly ids: readonly string[]; readonly expression: string },
  { signal, onExplain }: SearchOptions,
): Promise<void> {
  const layout = await access.layout();
  const size = ids.length;
  const params = searchParamsFor(layout.indexType, layout.indexParams, layout.searchParams, size);
  let present: number | undefined;
  for (let first = 0; first < queries.rows; first += QUERIES_AT_ONCE) {
    throwIfAborted(signal);
    const some = someRows(queries, first, QUERIES_AT_ONCE);
    const found = await searchPart(access, some, { k: size, params, expression, signal });
    for (const [i, hits] of found.entries()) {
      if (hits.ids.length < size) present ??= await access.count(expression, signal);
      const ranking = rankings[first + i];
      if (hits.ids.length >= (present ?? size)) ranking?.add(hits.ids, hits.sampleIds, hits.distances);
      else {
        onExplain?.({ fallback: "the index gave too few hits: vectors ranked here" });
        const ranked = await rankHere(access, someRows(some, i, 1), ids, signal);
        ranking?.add(ranked.ids, ranked.sampleIds, ranked.distances);
      }
    }
  }
}

async function rankHere(
  access: Access,
  query: Matrix<VectorData>,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Columns> {
  const { metric } = await access.layout();
  return rankEntries(readIds(access, ids, signal), query, metric, { k: null });
}

/** Reads entries of an index: all of them page by page, those of a selection, or those a filter leaves. */

import type { estypes } from "@elastic/elasticsearch";
import { throwIfAborted } from "../../errors.ts";
import type { Batch, Selection } from "../backend.ts";
import { ahead } from "../remote/ahead.ts";
import { idChunks } from "../remote/chunks.ts";
import type { Connection } from "./connection.ts";
import { KEEP_ALIVE, READ_ROWS, READS_AT_ONCE } from "./limits.ts";
import type { Layout } from "./mapping.ts";
import { decodedVectors } from "./vectors.ts";

/** An index on a server. */
export interface IndexPlace {
  readonly server: Connection;
  readonly index: string;
  readonly layout: Layout;
}

export type Query = estypes.QueryDslQueryContainer;

/** What the source of an entry holds. */
export interface EntrySource {
  readonly sample_id?: string;
  readonly vector?: unknown;
  /** What the vector was multiplied with, where it was. */
  readonly vector_scale?: number;
}

export type Hit = estypes.SearchHit<EntrySource>;

/** Where searches go: the index as it is, or as it was when a point in time was taken. */
export type Target = { readonly index: string } | { readonly pit: { id: string; keep_alive: string } };

/** What an answer has to hold and nothing else, for it is read as text. */
const HIT_PATHS = [
  "hits.hits._id",
  "hits.hits._score",
  "hits.hits.fields",
  "hits.hits._source",
  "hits.hits.sort",
  "pit_id",
];

/** How each search is asked: no answer rather than that of some shards. */
export const SEARCH_PARAMETERS = { filter_path: HIT_PATHS, allow_partial_search_results: false };

/** What a search asks of each hit besides its id. */
export function hitFields(
  { sampleIdIsKeyword, readFrom, similarity }: Layout,
  withVectors = false,
): estypes.SearchRequest {
  const fromSource = [
    ...(sampleIdIsKeyword ? [] : ["sample_id"]),
    ...(withVectors && readFrom === "source" ? ["vector"] : []),
    ...(withVectors && similarity === "cosine" ? ["vector_scale"] : []),
  ];
  return {
    _source: fromSource.length > 0 && fromSource,
    docvalue_fields: [
      ...(sampleIdIsKeyword ? ["sample_id"] : []),
      ...(withVectors && readFrom === "doc values" ? [{ field: "vector", format: "binary" }] : []),
    ],
  };
}

/** The sample of a hit; itself where the index holds none. */
export function sampleIdOf(hit: Hit): string {
  const value: unknown = hit.fields?.["sample_id"]?.[0] ?? hit._source?.sample_id;
  return typeof value === "string" ? value : (hit._id ?? "");
}

/** Entries, and not what else somebody wrote into the index. */
export const WITH_VECTOR: Query = { exists: { field: "vector" } };

/** Everything in batches, as it was when the reading began. */
export async function* fetchAll(place: IndexPlace, filter = WITH_VECTOR): AsyncGenerator<Batch> {
  const { server, index } = place;
  const pages = atPointInTime(server, index, undefined, (pit) => pagesOf(place, pit, filter));
  for await (const hits of pages) yield batchOf(hits, place.layout);
}

async function* pagesOf(place: IndexPlace, pit: Target, query: Query): AsyncGenerator<Hit[]> {
  let after: estypes.SortResults | undefined;
  do {
    const body = {
      ...pit,
      ...hitFields(place.layout, true),
      query: { constant_score: { filter: query } },
      sort: [{ _shard_doc: "asc" as const }],
      size: READ_ROWS,
      track_total_hits: false,
      ...(after === undefined ? {} : { search_after: after }),
    };
    const hits = await searchHits(place, body, "read entries");
    if (hits.length > 0) yield hits;
    after = hits.length < READ_ROWS ? undefined : hits.at(-1)?.sort;
  } while (after !== undefined);
}

/** The entries of a selection, in its order. */
export async function* fetchSelected(place: IndexPlace, selection: Selection): AsyncGenerator<Batch> {
  const pages = idChunks(selection.ids(), READ_ROWS);
  for await (const batch of ahead(pages, (ids) => readIds(place, ids), READS_AT_ONCE)) {
    if (batch.ids.length > 0) yield batch;
  }
}

/** At most `READ_ROWS` entries by their ids, in that order. */
export async function readIds(
  place: IndexPlace,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<Batch> {
  const body = {
    index: place.index,
    ...hitFields(place.layout, true),
    query: { constant_score: { filter: idsFilter(ids) } },
    sort: ["_doc"],
    size: ids.length,
    track_total_hits: false,
  };
  const hits = await searchHits(place, body, "read entries", signal);
  const found = new Map(hits.map((hit) => [hit._id ?? "", hit]));
  return batchOf(
    ids.flatMap((id) => found.get(id) ?? []),
    place.layout,
  );
}

/** Entries with one of these ids. */
export function idsFilter(ids: readonly string[]): Query {
  return { terms: { _id: ids as string[] } };
}

/** The hits of one search. */
export async function searchHits(
  { server, index }: IndexPlace,
  body: estypes.SearchRequest,
  action: string,
  signal?: AbortSignal,
): Promise<Hit[]> {
  const answer = await server.call(
    (client, options) => client.search<EntrySource>({ ...body, ...SEARCH_PARAMETERS }, options),
    { action, index, signal },
  );
  return answer.hits?.hits ?? [];
}

/** How many entries a filter leaves. */
export async function countOf(
  { server, index }: IndexPlace,
  target: Target,
  filter: Query,
  signal?: AbortSignal,
): Promise<number> {
  const body = { ...target, query: { constant_score: { filter } }, size: 0, track_total_hits: true };
  const answer = await server.call(
    (client, options) => client.search({ ...body, allow_partial_search_results: false }, options),
    { action: "count entries", index, signal },
  );
  const { total } = answer.hits;
  return typeof total === "number" ? total : (total?.value ?? 0);
}

/** Does work on the index as it is now, whatever is written meanwhile. */
export async function* atPointInTime<Part>(
  server: Connection,
  index: string,
  signal: AbortSignal | undefined,
  work: (target: Target) => AsyncGenerator<Part>,
): AsyncGenerator<Part> {
  const { id } = await server.call(
    (client, options) => client.openPointInTime({ index, keep_alive: KEEP_ALIVE }, options),
    { action: "open a point in time", index, signal },
  );
  try {
    for await (const part of work({ pit: { id, keep_alive: KEEP_ALIVE } })) {
      throwIfAborted(signal);
      yield part;
    }
  } finally {
    // It ends by itself a while after the last call.
    await server
      .call((client, options) => client.closePointInTime({ id }, options), {
        action: "close a point in time",
        index,
        budget: 0,
      })
      .catch(() => undefined);
  }
}

function batchOf(hits: readonly Hit[], layout: Layout): Batch {
  const complete = hits.filter((hit) => vectorOf(hit) !== undefined);
  const vectors = decodedVectors(complete.map(vectorOf), layout);
  complete.forEach(({ _source }, row) => {
    const { vector_scale: scale = 1 } = _source ?? {};
    const stored = vectors.row(row);
    if (scale !== 1) stored.set(stored.map((value) => value / scale));
  });
  return { ids: complete.map((hit) => hit._id ?? ""), sampleIds: complete.map(sampleIdOf), vectors };
}

function vectorOf({ fields, _source }: Hit): unknown {
  return fields?.["vector"]?.[0] ?? _source?.vector;
}

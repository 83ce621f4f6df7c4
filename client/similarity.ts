/** Resolves searches of views over the API. */

import type { AnswerFacts, SearchExplanation } from "../core/dataset/answer-port.ts";
import type {
  ResolvedSimilarity,
  SimilarityRequest,
  SimilarityResolver,
} from "../core/dataset/similarity-port.ts";
import type { Hit } from "../core/dataset/view.ts";
import type { SimilarityQuery } from "../core/stages.ts";
import type { ResolvedOrderStage } from "../core/store/store.ts";
import type { DatasetPath } from "./datasets.ts";
import type { Http } from "./http.ts";
import { askBare, type ReadMedia, wireQuery } from "./queries.ts";
import { rememberSearch, wireView } from "./stages.ts";
import { assertNoConnection } from "./unsupported.ts";

/** The most hits of one answer; further ones come by its cursor. */
const HITS_PER_REQUEST = 10_000;

interface SearchAnswer {
  readonly hits: readonly Hit[];
  readonly facts: AnswerFacts;
  readonly explanation: SearchExplanation;
}

/** An answer, and the query it is of. */
type Found = SearchAnswer & { readonly query: SimilarityQuery };

export function remoteSimilarity(http: Http, pathOf: DatasetPath, read: ReadMedia): SimilarityResolver {
  return {
    async resolve(request) {
      const { dataset, before, connection } = request;
      assertNoConnection(connection);
      const {
        stage: _,
        query: given,
        distField: __,
        k = Number.POSITIVE_INFINITY,
        ...options
      } = request.stage;
      const path = pathOf(dataset.id, "search");
      const ask = async (query: SimilarityQuery, run: { brainKey?: string }): Promise<Found> => {
        const asked = { query, view: wireView(before), ...options, ...run };
        return { ...(await search(http, path, asked, k)), query };
      };
      const found = "bare" in given ? await askBare(given, ask) : await ask(await wireQuery(given, read), {});
      return resolved(request, found);
    },
  };
}

/** The first `k` hits, in as many answers as it takes. */
async function search(http: Http, path: string, asked: object, k: number): Promise<SearchAnswer> {
  const hits: Hit[] = [];
  let first: SearchAnswer | undefined;
  let cursor: string | null | undefined;
  while (first === undefined || (cursor !== null && hits.length < k)) {
    const size = Math.min(HITS_PER_REQUEST, k - hits.length);
    const body = { ...asked, k: size, cursor, explain: first === undefined };
    const answer = await http<SearchAnswer & { cursor: string | null }>("post", path, {
      body,
      repeatable: true,
    });
    for (const hit of answer.hits) hits.push({ ...hit, rank: hits.length + 1 });
    first ??= answer;
    cursor = answer.cursor;
  }
  return { ...first, hits };
}

function resolved(
  request: SimilarityRequest,
  { hits, facts, explanation, query }: Found,
): ResolvedSimilarity {
  const { brainKey } = explanation;
  const order = orderOf(request, explanation.patchesField, hits);
  return {
    order: rememberSearch(order, { ...request.stage, query, brainKey }),
    hits: {
      ids: hits.map(({ id }) => id),
      sampleIds: hits.map(({ sampleId }) => sampleId),
      distances: Float32Array.from(hits, ({ distance }) => distance),
      scores: Float32Array.from(hits, ({ score }) => score),
      brainKey,
    },
    explanation,
    facts: async () => facts,
  };
}

/** On a sample view a patch index gives samples, in the order of their best label, with only the found labels. */
function orderOf(
  { patchesField, stage }: SimilarityRequest,
  indexed: string | null,
  hits: readonly Hit[],
): ResolvedOrderStage {
  const ofSamples = indexed !== null && patchesField === null;
  const rows = ofSamples ? bestOfSamples(hits) : hits.map(({ id, distance }) => ({ id, distance }));
  const values = rows.map(({ distance }) => distance);
  return {
    stage: "resolvedOrder",
    ids: rows.map(({ id }) => id),
    ...(ofSamples ? { labels: { field: indexed, ids: hits.map(({ id }) => id) } } : {}),
    ...(stage.distField === undefined ? {} : { distances: { field: stage.distField, values } }),
  };
}

/** Each sample at the place of its first hit. */
function bestOfSamples(hits: readonly Hit[]): { id: string; distance: number }[] {
  const best = new Map<string, number>();
  for (const { sampleId, distance } of hits) if (!best.has(sampleId)) best.set(sampleId, distance);
  return Array.from(best, ([id, distance]) => ({ id, distance }));
}

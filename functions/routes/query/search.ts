/** Searches: the rows of a view nearest to a query, with what the answer is worth. */

import { z } from "@hono/zod-openapi";
import type { DatasetView, Hit, SimilarityQuery } from "../../../core/index.ts";
import { assertQuery } from "../../access/query-images.ts";
import { cursorSchema, nextCursorSchema, type Position, staleCursor } from "../../cursor.ts";
import { lines, wantsLines } from "../../ndjson.ts";
import { createRouter, datasetPath, json, jsonOrLines, route } from "../../router.ts";
import { hitSchema } from "../../schemas/hit.ts";
import { querySchema } from "../../schemas/query.ts";
import { patchSchema, rowJson, sampleSchema } from "../../schemas/sample.ts";
import { viewIn, viewSchema } from "../../schemas/view.ts";

/** Hits of one answer; further ones are asked for by its cursor. */
const MAX_HITS = 10_000;

const request = z
  .strictObject({
    query: querySchema,
    view: viewSchema,
    k: z.number().int().min(1).max(MAX_HITS).default(25),
    reverse: z.boolean().optional().openapi({ description: "Least similar first." }),
    maxDistance: z.number().optional().openapi({ description: "Leaves out what is farther." }),
    aggregation: z.enum(["mean", "post-mean", "post-min", "post-max"]).optional(),
    brainKey: z.string().min(1).optional().openapi({ description: "Default: the one run that fits." }),
    cursor: cursorSchema,
    rows: z.boolean().default(false).openapi({ description: "Give the samples or patches too." }),
  })
  .openapi("Search");

const facts = z
  .object({
    exact: z.boolean(),
    indexed: z.number().int(),
    missing: z.number().int(),
    stale: z.number().int(),
  })
  .openapi("AnswerFacts", {
    description: "Whether the ranking is the true one, and how many rows of the view it covers.",
  });

const search = route("read", {
  method: "post",
  path: "/datasets/{dataset}/search",
  operationId: "search",
  summary: "The rows most similar to ids, vectors, prompts or an image",
  request: { params: datasetPath, body: json(request, "What to look for, and where") },
  responses: {
    200: jsonOrLines(
      z.object({
        hits: z.array(hitSchema),
        facts,
        rows: z.array(z.union([sampleSchema, patchSchema])).optional(),
        cursor: nextCursorSchema,
      }),
      "Hits, nearest first",
    ),
  },
});

const NOTHING_SEARCHED = { exact: true, indexed: 0, missing: 0, stale: 0 } as const;

export const searches = createRouter().openapi(search, async (c) => {
  const { k, rows, cursor, ...asked } = c.req.valid("json");
  const { query, view, ...options } = asked;
  await assertQuery(c.get("allowed"), query as SimilarityQuery);
  const within = await viewIn(c, c.req.valid("param").dataset, view);
  const question = [within.dataset.id, asked];
  const last = cursor === undefined ? null : c.get("cursors").read(question, cursor);
  const found = within.sortBySimilarity(query as SimilarityQuery, { ...options, k: (last?.count ?? 0) + k });
  const { hits, before, next } = await pageAfter(found, last, k, options.reverse ?? false);
  const answer = {
    hits,
    facts: (await found.facts()) ?? NOTHING_SEARCHED,
    cursor: next === null ? null : c.get("cursors").write(question, next),
  };
  const whole = rows ? { ...answer, rows: await rowsOf(found, before, hits) } : answer;
  return wantsLines(c) ? (lines(linesOf(whole)) as never) : c.json(whole, 200);
});

/** The hits after a position, those before them, and where they end: null with the ranking. CURSOR_STALE */
async function pageAfter(found: DatasetView, last: Position | null, k: number, reverse: boolean) {
  const ranking = await found.hits();
  const indexVersion = await found.indexVersion();
  if (last !== null && last.indexVersion !== indexVersion) throw staleCursor("the index");
  const start = last === null ? 0 : placeAfter(ranking, last, reverse);
  const hits = ranking.slice(start, start + k);
  const end = hits.at(-1);
  const next =
    end === undefined || hits.length < k
      ? null
      : { indexVersion, id: end.id, distance: end.distance, count: start + k };
  return { hits, before: ranking.slice(0, start), next };
}

/** Where the ranking goes on after a hit, which may have left it since. */
function placeAfter(ranking: readonly Hit[], { id, distance }: Position, reverse: boolean): number {
  const place = ranking.findIndex((hit) => hit.id === id);
  if (place >= 0) return place + 1;
  const sign = reverse ? -1 : 1;
  const beyond = (hit: Hit) => sign * (hit.distance - (distance ?? 0));
  const next = ranking.findIndex((hit) => beyond(hit) > 0 || (beyond(hit) === 0 && hit.id > id));
  return next < 0 ? ranking.length : next;
}

/** The samples or patches of a page of hits. */
async function rowsOf(found: DatasetView, before: readonly Hit[], hits: readonly Hit[]) {
  // Several patches may have led to one sample.
  const idOf = ({ id, sampleId }: Hit) => (found.patchesField === null ? sampleId : id);
  const [start, end] = [new Set(before.map(idOf)).size, new Set([...before, ...hits].map(idOf)).size];
  return (await found.page(start, end - start)).map(rowJson);
}

async function* linesOf({ hits, rows = [], ...rest }: { hits: readonly Hit[]; rows?: readonly object[] }) {
  for (const hit of hits) yield { hit };
  for (const row of rows) yield { row };
  yield { complete: true, count: hits.length, ...rest };
}

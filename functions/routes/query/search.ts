/** Searches: the rows of a view nearest to a query, with what the answer is worth. */

import { z } from "@hono/zod-openapi";
import type { SimilarityQuery } from "../../../core/index.ts";
import { assertQuery } from "../../access/query-images.ts";
import { createRouter, datasetPath, json, route } from "../../router.ts";
import { hitSchema } from "../../schemas/hit.ts";
import { querySchema } from "../../schemas/query.ts";
import { patchSchema, rowJson, sampleSchema } from "../../schemas/sample.ts";
import { viewIn, viewSchema } from "../../schemas/view.ts";

/** Hits of one answer; further ones are asked for by `offset`. */
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
    200: json(
      z.object({
        hits: z.array(hitSchema),
        facts,
        rows: z.array(z.union([sampleSchema, patchSchema])).optional(),
      }),
      "Hits, nearest first",
    ),
  },
});

export const searches = createRouter().openapi(search, async (c) => {
  const { query, view, rows, ...options } = c.req.valid("json");
  await assertQuery(c.get("allowed"), query as SimilarityQuery);
  const within = await viewIn(c, c.req.valid("param").dataset, view);
  const found = within.sortBySimilarity(query as SimilarityQuery, options);
  const hits = await found.hits();
  const known = (await found.facts()) ?? { exact: true, indexed: 0, missing: 0, stale: 0 };
  const answer = { hits, facts: known };
  if (!rows) return c.json(answer, 200);
  return c.json({ ...answer, rows: (await found.page(0, hits.length)).map(rowJson) }, 200);
});

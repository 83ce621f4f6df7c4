/** Searches: the rows of a view nearest to a query, with what the answer is worth. */

import { z } from "@hono/zod-openapi";
import {
  type DatasetView,
  NearsightError,
  type Patch,
  type Sample,
  type SimilarityQuery,
} from "../../../core/index.ts";
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
    k: z
      .number()
      .int()
      .min(1)
      .max(MAX_HITS)
      .nullable()
      .default(25)
      .openapi({ description: `null: the whole ranking, where that is no more than ${MAX_HITS} hits.` }),
    reverse: z.boolean().optional().openapi({ description: "Least similar first." }),
    maxDistance: z.number().optional().openapi({ description: "Leaves out what is farther." }),
    aggregation: z.enum(["mean", "post-mean", "post-min", "post-max"]).optional(),
    brainKey: z.string().min(1).optional().openapi({ description: "Default: the one run that fits." }),
    rows: z.boolean().default(false).openapi({ description: "Give the samples or patches too." }),
    explain: z.boolean().default(false).openapi({ description: "Tell how it was searched, and which run." }),
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

const explanationSchema = z
  .looseObject({ brainKey: z.string(), patchesField: z.string().nullable() })
  .openapi("SearchExplanation", { description: "The run, what was searched, how, and for how long." });

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
        explanation: z.looseObject({ brainKey: z.string(), patchesField: z.string().nullable() }).optional(),
      }),
      "Hits, nearest first",
    ),
  },
});

export const searches = createRouter().openapi(search, async (c) => {
  const { query, view, rows, explain, k, ...options } = c.req.valid("json");
  const within = await viewIn(c, c.req.valid("param").dataset, view);
  const found = within.sortBySimilarity(query as SimilarityQuery, { ...options, k: k ?? undefined });
  const hits = await found.hits();
  if (hits.length > MAX_HITS) throw tooManyHits(hits.length);
  const known = (await found.facts()) ?? { exact: true, indexed: 0, missing: 0, stale: 0 };
  return c.json(
    {
      hits,
      facts: known,
      ...(rows ? { rows: (await found.page(0, hits.length)).map(rowJson) } : {}),
      ...(explain ? { explanation: await explanationOf(found) } : {}),
    },
    200,
  );
});

async function explanationOf(found: DatasetView<Sample | Patch>): Promise<z.infer<typeof explanationSchema>> {
  const { stages } = await found.explain();
  return stages.at(-1)?.search as unknown as z.infer<typeof explanationSchema>;
}

function tooManyHits(found: number): NearsightError {
  return new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `Expected at most ${MAX_HITS} hits in one answer but the whole ranking has ${found}`,
    hint: "Give k, or search within a smaller view",
    details: { limit: MAX_HITS },
  });
}

/** Finds near duplicates, entries that differ most, and the neighbours of several entries. */

import { z } from "@hono/zod-openapi";
import type { Dataset, SimilarityIndex } from "../../../core/index.ts";
import { createRouter, datasetOf, json, type RequestContext, route, runPath } from "../../router.ts";
import { hitSchema } from "../../schemas/hit.ts";
import { type ViewInput, viewIn, viewOf, viewSchema } from "../../schemas/view.ts";

const duplicates = route("read", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/duplicates",
  operationId: "findDuplicates",
  summary: "Entries within a distance of one that is kept, or so large a share of all",
  request: {
    params: runPath,
    body: json(
      z
        .strictObject({
          view: viewSchema,
          thresh: z.number().optional().openapi({ description: "In the metric's distance." }),
          fraction: z.number().min(0).max(1).optional(),
        })
        .refine(({ thresh, fraction }) => (thresh === undefined) !== (fraction === undefined), {
          message: "Expected thresh or fraction, and not both",
        }),
      "Which entries are duplicates",
    ),
  },
  responses: {
    200: json(
      z.object({
        thresh: z.number().nullable(),
        kept: z.number().int().openapi({ description: "Entries that are no duplicates." }),
        groups: z.array(
          z.object({
            id: z.string().openapi({ description: "The entry that is kept." }),
            duplicates: z.array(z.object({ id: z.string(), distance: z.number() })),
          }),
        ),
      }),
      "Duplicates by the kept entry nearest to them, nearest first",
    ),
  },
});

const unique = route("read", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/unique",
  operationId: "findUnique",
  summary: "Entries that are far from each other",
  request: {
    params: runPath,
    body: json(z.strictObject({ view: viewSchema, count: z.number().int().min(1).max(10_000) }), "How many"),
  },
  responses: {
    200: json(z.object({ ids: z.array(z.string()), thresh: z.number().nullable() }), "The entries chosen"),
  },
});

const neighbors = route("read", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/neighbors",
  operationId: "neighbors",
  summary: "The nearest entries of each of several",
  request: {
    params: runPath,
    body: json(
      z.strictObject({
        ids: z.array(z.string()).min(1).max(100),
        k: z.number().int().min(1).max(1_000).default(10),
        view: viewSchema,
      }),
      "Of which entries",
    ),
  },
  responses: {
    200: json(
      z.object({ neighbors: z.array(z.object({ id: z.string(), hits: z.array(hitSchema) })) }),
      "The entries in the order asked, each with its neighbours: itself among them",
    ),
  },
});

export const comparisons = createRouter()
  .openapi(duplicates, async (c) => {
    const { dataset: name, brainKey } = c.req.valid("param");
    const { view, thresh, fraction } = c.req.valid("json");
    const index = await indexWithin(c, await datasetOf(c, name), brainKey, view);
    const signal = c.get("signal");
    await index.findDuplicates(
      thresh === undefined ? { fraction: fraction ?? 0, signal } : { thresh, signal },
    );
    const groups = [...(index.neighborsMap ?? [])].map(([id, near]) => ({
      id,
      duplicates: near.map(([other, distance]) => ({ id: other, distance })),
    }));
    return c.json({ thresh: index.thresh, kept: index.uniqueIds?.length ?? 0, groups }, 200);
  })
  .openapi(unique, async (c) => {
    const { dataset: name, brainKey } = c.req.valid("param");
    const { view, count } = c.req.valid("json");
    const index = await indexWithin(c, await datasetOf(c, name), brainKey, view);
    await index.findUnique(count, { signal: c.get("signal") });
    return c.json({ ids: [...(index.uniqueIds ?? [])], thresh: index.thresh }, 200);
  })
  .openapi(neighbors, async (c) => {
    const { dataset, brainKey } = c.req.valid("param");
    const { ids, k, view } = c.req.valid("json");
    const within = await viewIn(c, dataset, view);
    const found: { id: string; hits: z.infer<typeof hitSchema>[] }[] = [];
    for (const id of ids) {
      found.push({ id, hits: await within.sortBySimilarity({ id }, { k, brainKey }).hits() });
    }
    return c.json({ neighbors: found }, 200);
  });

/** The index of a run, limited to a view. */
async function indexWithin(
  context: RequestContext,
  dataset: Dataset,
  brainKey: string,
  view: ViewInput,
): Promise<SimilarityIndex> {
  return (await dataset.loadBrainResults(brainKey)).useView(await viewOf(context, dataset, view));
}

/** The entries of a run: how many there are, their ids, their vectors; adds and removes them. */

import { z } from "@hono/zod-openapi";
import type { IdSelection } from "../../../core/index.ts";
import { createRouter, datasetOf, json, type RequestContext, route, runPath } from "../../router.ts";
import { runJson, runSchema } from "../../schemas/run.ts";
import { packedVectorsSchema, vectorsJson, vectorsOf, vectorsSchema } from "../../schemas/vectors.ts";
import { viewIn, viewSchema } from "../../schemas/view.ts";

/** Entries of one request. */
const MAX_ENTRIES = 1_000;
/** Ids are shorter. */
const MAX_IDS = 50_000;

const someIds = z.array(z.string().min(1)).max(MAX_ENTRIES);

const selectionSchema = z
  .strictObject({
    sampleIds: someIds.optional(),
    labelIds: someIds.optional(),
    allowMissing: z
      .boolean()
      .optional()
      .openapi({ description: "false: ids that are not in the index are an error." }),
  })
  .refine(({ sampleIds, labelIds }) => sampleIds !== undefined || labelIds !== undefined, {
    message: "Expected sampleIds or labelIds",
  });

const size = route("read", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/size",
  operationId: "getIndexSize",
  summary: "Entries in the whole index, and how many rows of a view are in it or missing",
  request: { params: runPath, body: json(z.strictObject({ view: viewSchema }), "The view") },
  responses: {
    200: json(
      z.object({ total: z.number().int(), indexed: z.number().int(), missing: z.number().int() }),
      "The numbers",
    ),
  },
});

const list = route("read", {
  method: "get",
  path: "/datasets/{dataset}/runs/{brainKey}/entries",
  operationId: "listEntries",
  summary: "Ids of what is in the index, in the order it was added",
  request: {
    params: runPath,
    query: z.strictObject({
      offset: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(MAX_IDS).default(MAX_IDS),
    }),
  },
  responses: {
    200: json(
      z.object({
        sampleIds: z.array(z.string()),
        labelIds: z.array(z.string()).nullable().openapi({ description: "null: whole samples are indexed." }),
      }),
      "The ids",
    ),
  },
});

const add = route("write", {
  method: "put",
  path: "/datasets/{dataset}/runs/{brainKey}/embeddings",
  operationId: "addToIndex",
  summary: "Add vectors to an index",
  request: {
    params: runPath,
    body: json(
      z.strictObject({
        vectors: vectorsSchema,
        sampleIds: someIds,
        labelIds: someIds.optional().openapi({ description: "On an index of patches, one for each vector." }),
        overwrite: z.boolean().optional().openapi({ description: "Replace entries. Default: true." }),
        allowExisting: z
          .boolean()
          .optional()
          .openapi({ description: "false: ids that are there already are an error." }),
      }),
      "A vector for each id",
    ),
  },
  responses: { 204: { description: "They are in the index" } },
});

const read = route("read", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/embeddings",
  operationId: "getEmbeddings",
  summary: "Stored vectors of an index, by the ids of samples or labels",
  request: { params: runPath, body: json(selectionSchema, "Which vectors") },
  responses: {
    200: json(
      z.object({
        sampleIds: z.array(z.string()),
        labelIds: z.array(z.string()).nullable(),
        embeddings: packedVectorsSchema,
      }),
      "Those there are, in the order asked",
    ),
  },
});

const remove = route("write", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/embeddings/delete",
  operationId: "removeFromIndex",
  summary: "Remove entries by sample id, all patches of it, or by label id",
  request: { params: runPath, body: json(selectionSchema, "Which entries") },
  responses: { 204: { description: "They are gone" } },
});

const updateFields = route("write", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/filter-fields",
  operationId: "updateFilterFields",
  summary: "Write filter fields that have changed beside their vectors again",
  request: { params: runPath },
  responses: { 200: json(z.object({ updated: z.number().int() }), "How many entries were behind") },
});

const reload = route("write", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/reload",
  operationId: "reloadRun",
  summary: "Take over what other programs did to the collection",
  request: { params: runPath },
  responses: { 200: json(runSchema, "The run") },
});

export const entries = createRouter()
  .openapi(size, async (c) => {
    const { dataset, brainKey } = c.req.valid("param");
    const view = await viewIn(c, dataset, c.req.valid("json").view);
    const index = (await view.loadBrainResults(brainKey)).useView(view);
    return c.json(
      {
        total: await index.totalIndexSize(),
        indexed: await index.indexSize(),
        missing: await index.missingSize(),
      },
      200,
    );
  })
  .openapi(list, async (c) => {
    const { offset, limit } = c.req.valid("query");
    const index = await indexOf(c, c.req.valid("param"));
    const [sampleIds, labelIds] = [await index.sampleIds(), await index.labelIds()];
    const end = offset + limit;
    return c.json(
      { sampleIds: sampleIds.slice(offset, end), labelIds: labelIds?.slice(offset, end) ?? null },
      200,
    );
  })
  .openapi(add, async (c) => {
    const { vectors, sampleIds, labelIds, ...options } = c.req.valid("json");
    const index = await indexOf(c, c.req.valid("param"));
    await index.addToIndex(
      vectorsOf(vectors),
      sampleIds,
      labelIds ?? null,
      options as { overwrite?: boolean },
    );
    return c.body(null, 204);
  })
  .openapi(read, async (c) => {
    const index = await indexOf(c, c.req.valid("param"));
    const found = await index.getEmbeddings(c.req.valid("json") as IdSelection);
    return c.json(
      {
        sampleIds: [...found.sampleIds],
        labelIds: found.labelIds === null ? null : [...found.labelIds],
        embeddings: vectorsJson(found.embeddings),
      },
      200,
    );
  })
  .openapi(remove, async (c) => {
    const index = await indexOf(c, c.req.valid("param"));
    await index.removeFromIndex(c.req.valid("json") as IdSelection);
    return c.body(null, 204);
  })
  .openapi(updateFields, async (c) => {
    const index = await indexOf(c, c.req.valid("param"));
    return c.json({ updated: await index.updateFilterFields({ signal: c.get("signal") }) }, 200);
  })
  .openapi(reload, async (c) => {
    const { dataset: name, brainKey } = c.req.valid("param");
    const dataset = await datasetOf(c, name);
    await (await dataset.loadBrainResults(brainKey)).reload();
    return c.json(runJson(await dataset.getBrainInfo(brainKey)), 200);
  });

async function indexOf(
  context: RequestContext,
  { dataset, brainKey }: { dataset: string; brainKey: string },
) {
  return (await datasetOf(context, dataset)).loadBrainResults(brainKey);
}

/** Registers samples, changes their fields and tags, deletes them. */

import { z } from "@hono/zod-openapi";
import { assertMedia } from "../../access/allow-list.ts";
import { createRouter, datasetOf, datasetPath, json, route } from "../../router.ts";
import { sampleInput, sampleInputSchema } from "../../schemas/sample.ts";

/** Samples of one request: one transaction of the store. */
const MAX_SAMPLES = 1_000;

const idList = z.array(z.string().min(1)).min(1).max(MAX_SAMPLES);

const samplesSchema = z.strictObject({ samples: z.array(sampleInputSchema).min(1).max(MAX_SAMPLES) });

const add = route("write", {
  method: "post",
  path: "/datasets/{dataset}/samples",
  operationId: "addSamples",
  summary: "Register samples: all of them or, after an error, none",
  request: {
    params: datasetPath,
    body: json(samplesSchema, "The samples"),
  },
  responses: { 201: json(z.object({ ids: z.array(z.string()) }), "Their ids, in the order given") },
});

const tag = route("write", {
  method: "post",
  path: "/datasets/{dataset}/tags",
  operationId: "tagSamples",
  summary: "Add tags to samples, and remove tags from them",
  request: {
    params: datasetPath,
    body: json(
      z.strictObject({
        ids: idList,
        add: z.array(z.string()).default([]),
        remove: z.array(z.string()).default([]),
      }),
      "Samples and tags",
    ),
  },
  responses: { 204: { description: "The tags are set" } },
});

const remove = route("manage", {
  method: "post",
  path: "/datasets/{dataset}/samples/delete",
  operationId: "deleteSamples",
  summary: "Delete samples with their labels and vectors; ids that are not there are fine",
  request: { params: datasetPath, body: json(z.strictObject({ ids: idList }), "Which samples") },
  responses: { 200: json(z.object({ deleted: z.number().int() }), "How many there were") },
});

export const samples = createRouter()
  .openapi(add, async (c) => {
    const dataset = await datasetOf(c, c.req.valid("param").dataset);
    // As they came: the schema, which they fit, would leave out a field `__proto__` in silence.
    const { samples: given } = await c.req.json<z.infer<typeof samplesSchema>>();
    await assertMedia(
      c.get("allowed"),
      given.map(({ filepath }) => filepath),
    );
    const ids = await dataset.addSamples(given.map(sampleInput));
    return c.json({ ids }, 201);
  })
  .openapi(tag, async (c) => {
    const { ids, add, remove } = c.req.valid("json");
    const chosen = (await datasetOf(c, c.req.valid("param").dataset)).select(ids);
    if (add.length > 0) await chosen.tagSamples(add);
    if (remove.length > 0) await chosen.untagSamples(remove);
    return c.body(null, 204);
  })
  .openapi(remove, async (c) => {
    const dataset = await datasetOf(c, c.req.valid("param").dataset);
    return c.json({ deleted: await dataset.deleteSamples(c.req.valid("json").ids) }, 200);
  });

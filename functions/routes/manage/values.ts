/** Sets a field of samples, a value each, and reads and writes the vectors of a field. */

import { z } from "@hono/zod-openapi";
import type { Matrix } from "../../../core/index.ts";
import { createRouter, datasetOf, datasetPath, json, route } from "../../router.ts";
import {
  fieldValue,
  packedVectorsSchema,
  vectorsJson,
  vectorsOf,
  vectorsSchema,
} from "../../schemas/vectors.ts";

/** Values of one request: one transaction of the store. */
const MAX_VALUES = 1_000;

const fieldName = z.string().min(1).max(256);
const idList = z.array(z.string().min(1)).max(MAX_VALUES);

const setField = route("write", {
  method: "put",
  path: "/datasets/{dataset}/values",
  operationId: "setValues",
  summary: "Set a field of samples, a value each: all of them or, after an error, none",
  request: {
    params: datasetPath,
    body: json(
      z.strictObject({
        field: fieldName,
        values: z
          .array(
            z.strictObject({
              id: z.string().min(1),
              value: z
                .unknown()
                .openapi({ description: "null unsets; labels and vectors as when samples are added." }),
            }),
          )
          .min(1)
          .max(MAX_VALUES),
      }),
      "Values by id",
    ),
  },
  responses: { 204: { description: "They are set" } },
});

const readVectors = route("read", {
  method: "post",
  path: "/datasets/{dataset}/vectors",
  operationId: "getVectors",
  summary: "Vectors of a field, by the ids of samples or labels",
  request: {
    params: datasetPath,
    body: json(z.strictObject({ field: fieldName, ids: idList }), "Which vectors"),
  },
  responses: {
    200: json(
      z.object({ ids: z.array(z.string()), vectors: packedVectorsSchema }),
      "Those there are, in the order asked",
    ),
  },
});

const writeVectors = route("write", {
  method: "put",
  path: "/datasets/{dataset}/vectors",
  operationId: "setVectors",
  summary: "Keep a vector for each sample or label in a field",
  request: {
    params: datasetPath,
    body: json(
      z.strictObject({ field: fieldName, ids: idList.min(1), vectors: vectorsSchema }),
      "A vector for each id",
    ),
  },
  responses: { 204: { description: "They are kept" } },
});

export const values = createRouter()
  .openapi(setField, async (c) => {
    const { field, values: given } = c.req.valid("json");
    const dataset = await datasetOf(c, c.req.valid("param").dataset);
    await dataset.setValues(field, new Map(given.map(({ id, value }) => [id, fieldValue(value ?? null)])));
    return c.body(null, 204);
  })
  .openapi(readVectors, async (c) => {
    const { field, ids } = c.req.valid("json");
    const dataset = await datasetOf(c, c.req.valid("param").dataset);
    const found = await dataset.getVectors(field, ids);
    return c.json({ ids: found.ids, vectors: vectorsJson(found.vectors) }, 200);
  })
  .openapi(writeVectors, async (c) => {
    const { field, ids, vectors } = c.req.valid("json");
    const dataset = await datasetOf(c, c.req.valid("param").dataset);
    await dataset.setVectors(field, ids, vectorsOf(vectors) as Matrix);
    return c.body(null, 204);
  });

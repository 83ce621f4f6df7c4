/** Lists, makes, renames and deletes data sets. */

import { z } from "@hono/zod-openapi";
import { createRouter, datasetOf, datasetPath, json, route } from "../../router.ts";
import { datasetSchema, describeDataset } from "../../schemas/dataset.ts";

const nameSchema = z.string().min(1).max(256);

const list = route("read", {
  method: "get",
  path: "/datasets",
  operationId: "listDatasets",
  summary: "Names of all data sets",
  responses: { 200: json(z.object({ datasets: z.array(z.string()) }), "Their names, sorted") },
});

const create = route("write", {
  method: "post",
  path: "/datasets",
  operationId: "createDataset",
  summary: "Make a data set",
  request: { body: json(z.strictObject({ name: nameSchema }), "Its name") },
  responses: { 201: json(datasetSchema, "The new data set") },
});

const read = route("read", {
  method: "get",
  path: "/datasets/{dataset}",
  operationId: "getDataset",
  summary: "A data set, its size and its fields",
  request: { params: datasetPath },
  responses: { 200: json(datasetSchema, "The data set") },
});

const rename = route("manage", {
  method: "patch",
  path: "/datasets/{dataset}",
  operationId: "renameDataset",
  summary: "Give a data set another name",
  request: { params: datasetPath, body: json(z.strictObject({ name: nameSchema }), "The new name") },
  responses: { 200: json(datasetSchema, "The data set") },
});

const remove = route("manage", {
  method: "delete",
  path: "/datasets/{dataset}",
  operationId: "deleteDataset",
  summary: "Delete a data set with its samples, views and records of runs; collections of runs stay",
  request: { params: datasetPath },
  responses: { 204: { description: "It is gone" } },
});

export const datasets = createRouter()
  .openapi(list, async (c) => c.json({ datasets: await c.get("nearsight").listDatasets() }, 200))
  .openapi(create, async (c) => {
    const dataset = await c.get("nearsight").createDataset(c.req.valid("json").name);
    return c.json(await describeDataset(dataset), 201);
  })
  .openapi(read, async (c) => {
    const dataset = await datasetOf(c, c.req.valid("param").dataset);
    return c.json(await describeDataset(dataset), 200);
  })
  .openapi(rename, async (c) => {
    const { dataset: name } = c.req.valid("param");
    const dataset = await c.get("nearsight").renameDataset(name, c.req.valid("json").name);
    return c.json(await describeDataset(dataset), 200);
  })
  .openapi(remove, async (c) => {
    await c.get("nearsight").deleteDataset(c.req.valid("param").dataset);
    return c.body(null, 204);
  });

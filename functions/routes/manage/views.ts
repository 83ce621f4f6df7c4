/** Saved views: lists, reads, keeps and forgets them. */

import { z } from "@hono/zod-openapi";
import { type DatasetView, NearsightError } from "../../../core/index.ts";
import { createRouter, datasetOf, datasetPath, json, route } from "../../router.ts";
import { inlineViewSchema, viewJson, viewOf } from "../../schemas/view.ts";

const viewPath = datasetPath.extend({
  view: z.string().openapi({ param: { name: "view", in: "path" }, example: "sharp cats" }),
});

const list = route("read", {
  method: "get",
  path: "/datasets/{dataset}/views",
  operationId: "listSavedViews",
  summary: "Names of the saved views",
  request: { params: datasetPath },
  responses: { 200: json(z.object({ views: z.array(z.string()) }), "Their names") },
});

const read = route("read", {
  method: "get",
  path: "/datasets/{dataset}/views/{view}",
  operationId: "getSavedView",
  summary: "A saved view as JSON",
  request: { params: viewPath },
  responses: { 200: json(inlineViewSchema, "The view") },
});

const save = route("write", {
  method: "put",
  path: "/datasets/{dataset}/views/{view}",
  operationId: "saveView",
  summary: "Keep a view under a name, in place of one that has it",
  request: { params: viewPath, body: json(inlineViewSchema, "The view") },
  responses: { 204: { description: "It is kept" } },
});

const remove = route("write", {
  method: "delete",
  path: "/datasets/{dataset}/views/{view}",
  operationId: "deleteSavedView",
  summary: "Forget a saved view; fine if there is none",
  request: { params: viewPath },
  responses: { 204: { description: "It is gone" } },
});

export const savedViews = createRouter()
  .openapi(list, async (c) => {
    const dataset = await datasetOf(c, c.req.valid("param").dataset);
    return c.json({ views: await dataset.listSavedViews() }, 200);
  })
  .openapi(read, async (c) => {
    const { dataset, view } = c.req.valid("param");
    return c.json(viewJson(await (await datasetOf(c, dataset)).loadView(view)), 200);
  })
  .openapi(save, async (c) => {
    const { dataset: name, view } = c.req.valid("param");
    const given = c.req.valid("json");
    if (given.stages.length === 0) throw noStages(view);
    const dataset = await datasetOf(c, name);
    const stages = (await viewOf(c, dataset, given)) as DatasetView;
    await dataset.saveView(view, stages, { overwrite: true });
    return c.body(null, 204);
  })
  .openapi(remove, async (c) => {
    const { dataset, view } = c.req.valid("param");
    await (await datasetOf(c, dataset)).deleteSavedView(view);
    return c.body(null, 204);
  });

function noStages(view: string): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected at least one stage to save as '${view}' but found none`,
    hint: "Leave the view out of a request to mean the whole data set",
  });
}

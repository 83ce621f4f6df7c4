/** Lists, describes, renames, switches, evaluates and deletes brain runs. */

import { z } from "@hono/zod-openapi";
import { type BrainRunFilter, type EvaluateOptions, isNearsightError } from "../../../core/index.ts";
import { problemOf } from "../../problem.ts";
import { createRouter, datasetOf, datasetPath, json, route, runPath } from "../../router.ts";
import { runJson, runSchema } from "../../schemas/run.ts";
import { inlineViewSchema, viewJson } from "../../schemas/view.ts";

const flag = z.enum(["true", "false"]);
const keySchema = z.string().min(1).max(200);

const list = route("read", {
  method: "get",
  path: "/datasets/{dataset}/runs",
  operationId: "listBrainRuns",
  summary: "Brain runs, oldest first; those whose settings are as asked for",
  request: {
    params: datasetPath,
    query: z.strictObject({
      type: z.string().optional(),
      method: z.string().optional(),
      model: z.string().optional(),
      metric: z.string().optional(),
      patchesField: z.string().optional(),
      supportsPrompts: flag.optional(),
    }),
  },
  responses: { 200: json(z.object({ runs: z.array(runSchema) }), "The runs") },
});

const read = route("read", {
  method: "get",
  path: "/datasets/{dataset}/runs/{brainKey}",
  operationId: "getBrainInfo",
  summary: "What a run was made with, and how far it is",
  request: { params: runPath },
  responses: { 200: json(runSchema, "The run") },
});

const rename = route("manage", {
  method: "patch",
  path: "/datasets/{dataset}/runs/{brainKey}",
  operationId: "renameBrainRun",
  summary: "Give a run another key",
  request: { params: runPath, body: json(z.strictObject({ brainKey: keySchema }), "The new key") },
  responses: { 200: json(runSchema, "The run") },
});

const switchTo = route("manage", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/switch",
  operationId: "switchBrainRun",
  summary: "Put another run in the place of this one: both keep their collections and change their keys",
  request: { params: runPath, body: json(z.strictObject({ to: keySchema }), "The key of the other run") },
  responses: { 200: json(runSchema, "The run that is found under this key now") },
});

const evaluation = z
  .looseObject({
    k: z.number().int(),
    entries: z.number().int(),
    samples: z.number().int(),
    recall: z.number(),
    worstRecall: z.number(),
    distanceError: z.number(),
    exact: z.boolean(),
    lost: z.array(z.string()),
  })
  .openapi("Evaluation");

const evaluate = route("read", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/evaluate",
  operationId: "evaluateRun",
  summary: "Search with some of an index's own vectors and compare with an exact answer",
  request: {
    params: runPath,
    body: json(
      z.strictObject({
        k: z.number().int().min(1).max(1_000).default(10),
        samples: z.number().int().min(1).max(1_000).default(100),
        seed: z.number().int().optional().openapi({ description: "Equal seeds choose equal entries." }),
      }),
      "How",
    ),
  },
  responses: { 200: json(evaluation, "Recall, errors of distances, and times") },
});

const view = route("read", {
  method: "get",
  path: "/datasets/{dataset}/runs/{brainKey}/view",
  operationId: "getBrainView",
  summary: "The view that a run was made on",
  request: { params: runPath },
  responses: { 200: json(inlineViewSchema, "The view") },
});

const cleanUp = route("manage", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/cleanup",
  operationId: "cleanUpRun",
  summary: "Delete a run's collection; its record stays",
  request: {
    params: runPath,
    body: json(
      z.strictObject({
        force: z
          .boolean()
          .optional()
          .openapi({ description: "Also a collection that was there before the run." }),
      }),
      "How",
    ),
  },
  responses: { 200: json(runSchema, "The run") },
});

const remove = route("manage", {
  method: "delete",
  path: "/datasets/{dataset}/runs/{brainKey}",
  operationId: "deleteBrainRun",
  summary: "Delete a run's record, and with `cleanup=true` its collection",
  request: {
    params: runPath,
    query: z.strictObject({
      cleanup: flag.optional(),
      force: flag.optional().openapi({ description: "Also a collection that was there before the run." }),
    }),
  },
  responses: { 204: { description: "It is gone" } },
});

export const runs = createRouter()
  .openapi(list, async (c) => {
    const { supportsPrompts, ...texts } = c.req.valid("query");
    const dataset = await datasetOf(c, c.req.valid("param").dataset);
    const asked = supportsPrompts === undefined ? {} : { supportsPrompts: supportsPrompts === "true" };
    const keys = await dataset.listBrainRuns({ ...texts, ...asked } as BrainRunFilter);
    const found = await Promise.all(keys.map((key) => unlessGone(dataset.getBrainInfo(key))));
    return c.json({ runs: found.flatMap((info) => (info === null ? [] : [runJson(info)])) }, 200);
  })
  .openapi(read, async (c) => {
    const { dataset, brainKey } = c.req.valid("param");
    const { info, problem } = await c.get("builds").info(await datasetOf(c, dataset), brainKey);
    return c.json(
      { ...runJson(info), ...(problem === undefined ? {} : { problem: problemOf(problem) }) },
      200,
    );
  })
  .openapi(rename, async (c) => {
    const { dataset: name, brainKey } = c.req.valid("param");
    const { brainKey: newKey } = c.req.valid("json");
    const dataset = await datasetOf(c, name);
    await dataset.renameBrainRun(brainKey, newKey);
    return c.json(runJson(await dataset.getBrainInfo(newKey)), 200);
  })
  .openapi(switchTo, async (c) => {
    const { dataset: name, brainKey } = c.req.valid("param");
    const dataset = await datasetOf(c, name);
    await dataset.switchBrainRun(brainKey, c.req.valid("json").to);
    return c.json(runJson(await dataset.getBrainInfo(brainKey)), 200);
  })
  .openapi(evaluate, async (c) => {
    const { dataset, brainKey } = c.req.valid("param");
    const index = await (await datasetOf(c, dataset)).loadBrainResults(brainKey);
    const options = { ...c.req.valid("json"), signal: c.get("signal") } as EvaluateOptions;
    const found = await index.evaluate(options);
    return c.json({ ...found, lost: [...found.lost] }, 200);
  })
  .openapi(view, async (c) => {
    const { dataset, brainKey } = c.req.valid("param");
    return c.json(viewJson(await (await datasetOf(c, dataset)).loadBrainView(brainKey)), 200);
  })
  .openapi(cleanUp, async (c) => {
    const { dataset: name, brainKey } = c.req.valid("param");
    const dataset = await datasetOf(c, name);
    const { force = false } = c.req.valid("json");
    await (await dataset.loadBrainResults(brainKey)).cleanup({ force });
    return c.json(runJson(await dataset.getBrainInfo(brainKey)), 200);
  })
  .openapi(remove, async (c) => {
    const { dataset: name, brainKey } = c.req.valid("param");
    const dataset = await datasetOf(c, name);
    const { cleanup, force } = c.req.valid("query");
    if (cleanup === "true")
      await (await dataset.loadBrainResults(brainKey)).delete({ force: force === "true" });
    else await dataset.deleteBrainRun(brainKey);
    return c.body(null, 204);
  });

/** Null for a run that was deleted since it was listed. */
async function unlessGone<Value>(info: Promise<Value>): Promise<Value | null> {
  try {
    return await info;
  } catch (error) {
    if (isNearsightError(error, "RUN_NOT_FOUND")) return null;
    throw error;
  }
}

/** Starts, cancels and resumes builds of similarity indexes. */

import { z } from "@hono/zod-openapi";
import {
  type ComputeSimilarityOptions,
  type CopyRunOptions,
  type EmbeddingOptions,
  METRICS,
  NearsightError,
} from "../../../core/index.ts";
import { assertModel } from "../../access/allow-list.ts";
import { createRouter, datasetOf, datasetPath, json, route, runPath } from "../../router.ts";
import { INDEX_OPTIONS, newRunSchema, runJson, runSchema } from "../../schemas/run.ts";
import { viewIn, viewSchema } from "../../schemas/view.ts";

const start = route("write", {
  method: "post",
  path: "/datasets/{dataset}/runs",
  operationId: "computeSimilarity",
  summary: "Start to index the rows of a view; the run tells how far it is",
  request: { params: datasetPath, body: json(newRunSchema, "What to index, and how") },
  responses: { 202: json(runSchema, "The run, which goes on") },
});

const resume = route("write", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/resume",
  operationId: "resumeRun",
  summary: "Go on with a build that was stopped, index what is missing, try again what failed",
  request: {
    params: runPath,
    body: {
      ...json(
        z.strictObject({
          view: viewSchema,
          batchSize: z.number().int().min(1).optional(),
          numWorkers: z.number().int().min(1).optional(),
          skipFailures: z.boolean().optional(),
        }),
        "Which rows are to be there, and how they are embedded. Default: all",
      ),
      required: false,
    },
  },
  responses: { 202: json(runSchema, "The run, which goes on") },
});

const copy = route("write", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/copy",
  operationId: "copyRun",
  summary: "Start to copy a run to another backend, collection or metric, without embedding",
  request: {
    params: runPath,
    body: json(
      z.strictObject({
        to: z.string().min(1).openapi({ description: "The backend to copy to." }),
        brainKey: z.string().min(1).max(200).optional().openapi({
          description: "Of the copy. Default: the run's key, an underscore, and the backend's name.",
        }),
        metric: z.enum([...METRICS, "innerproduct"]).optional(),
        normalize: z.boolean().optional(),
        ...INDEX_OPTIONS,
      }),
      "Where to",
    ),
  },
  responses: { 202: json(runSchema, "The copy, which goes on") },
});

const cancel = route("write", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/cancel",
  operationId: "cancelRun",
  summary: "Stop a build; what is indexed stays, and it can be resumed",
  request: { params: runPath },
  responses: { 200: json(runSchema, "The run") },
});

export const builds = createRouter()
  .openapi(start, async (c) => {
    const { view, ...options } = c.req.valid("json");
    assertModel(c.get("allowed"), options.model);
    const samples = await viewIn(c, c.req.valid("param").dataset, view);
    const given = options as ComputeSimilarityOptions & { brainKey: string };
    return c.json(runJson(await c.get("builds").start(samples, given)), 202);
  })
  .openapi(resume, async (c) => {
    const { dataset, brainKey } = c.req.valid("param");
    const { view, ...options } = c.req.valid("json");
    const samples = await viewIn(c, dataset, view);
    return c.json(runJson(await c.get("builds").resume(samples, brainKey, options as EmbeddingOptions)), 202);
  })
  .openapi(copy, async (c) => {
    const { dataset, brainKey } = c.req.valid("param");
    const asked = c.req.valid("json");
    const options = { brainKey: `${brainKey}_${asked.to}`, ...asked } as CopyRunOptions & {
      brainKey: string;
    };
    return c.json(runJson(await c.get("builds").copy(await datasetOf(c, dataset), brainKey, options)), 202);
  })
  .openapi(cancel, async (c) => {
    const { dataset: name, brainKey } = c.req.valid("param");
    const dataset = await datasetOf(c, name);
    const wasRunning = await c.get("builds").cancel(dataset, brainKey);
    const info = await dataset.getBrainInfo(brainKey);
    if (!wasRunning && info.state === "building") throw builtElsewhere(brainKey);
    return c.json(runJson(info), 200);
  });

function builtElsewhere(brainKey: string): NearsightError {
  return new NearsightError({
    code: "RUN_BUSY",
    message: `Brain run '${brainKey}' is being built by another process`,
    hint: "Cancel it there, or try again when its lease has ended",
    details: { brainKey },
  });
}

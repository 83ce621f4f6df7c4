/** Tells a client what the service is and has, and makes data sets of the package. */

import { z } from "@hono/zod-openapi";
import { VERSION } from "../../../core/index.ts";
import { createRouter, json, route } from "../../router.ts";
import { datasetSchema, describeDataset } from "../../schemas/dataset.ts";

const service = route("read", {
  method: "get",
  path: "/service",
  operationId: "getService",
  summary: "What the service is: its version, its defaults, its models and the data sets of the package",
  responses: {
    200: json(
      z
        .object({
          service: z.literal("nearsight"),
          version: z.string(),
          defaultSimilarityBackend: z.string(),
          defaultVisualizationMethod: z.string(),
          models: z.array(
            z.object({
              name: z.string(),
              kind: z.string(),
              source: z.string(),
              dimension: z.number().int(),
              prompts: z.boolean(),
              size: z.number(),
              license: z.string(),
            }),
          ),
          zooDatasets: z.array(z.string()),
        })
        .openapi("Service"),
      "The service",
    ),
  },
});

const load = route("write", {
  method: "post",
  path: "/zoo/datasets/{name}",
  operationId: "loadZooDataset",
  summary: "Load a data set of the package, and make it first where it is not there yet",
  request: {
    params: z.object({
      name: z.string().openapi({ param: { name: "name", in: "path" }, example: "quickstart" }),
    }),
    body: json(
      z.strictObject({
        name: z.string().min(1).max(200).optional().openapi({ description: "Default: the zoo's." }),
        maxSamples: z.number().int().min(0).optional(),
      }),
      "How",
    ),
  },
  responses: { 200: json(datasetSchema, "The data set") },
});

export const serviceRoutes = createRouter()
  .openapi(service, (c) => {
    const { config, ...nearsight } = c.get("nearsight");
    const { defaultSimilarityBackend, defaultVisualizationMethod } = config;
    return c.json(
      {
        service: "nearsight" as const,
        version: VERSION,
        defaultSimilarityBackend,
        defaultVisualizationMethod,
        models: [...nearsight.listZooModels()],
        zooDatasets: [...nearsight.listZooDatasets()],
      },
      200,
    );
  })
  .openapi(load, async (c) => {
    const { name, maxSamples } = c.req.valid("json");
    const dataset = await c.get("nearsight").loadZooDataset(c.req.valid("param").name, {
      ...(name === undefined ? {} : { name }),
      ...(maxSamples === undefined ? {} : { maxSamples }),
    });
    return c.json(await describeDataset(dataset), 200);
  });

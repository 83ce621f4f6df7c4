/** Says how the service and its indexes are: figures for a monitor, and a check-up of one index. */

import { z } from "@hono/zod-openapi";
import { createRouter, datasetOf, json, route, runPath } from "../../router.ts";

const metrics = route("read", {
  method: "get",
  path: "/metrics",
  operationId: "getMetrics",
  summary: "Requests, their times and builds of this process, as Prometheus reads them",
  responses: { 200: { description: "The figures", content: { "text/plain": { schema: z.string() } } } },
});

const check = z
  .object({
    subject: z.string(),
    name: z.string(),
    status: z.enum(["ok", "warning", "error", "repaired"]),
    message: z.string(),
    hint: z.string().optional(),
    code: z.string().optional(),
  })
  .openapi("Check");

const doctor = route("manage", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/doctor",
  operationId: "checkRun",
  summary: "Compare an index with the store, and bring it back in step if asked to",
  request: {
    params: runPath,
    body: json(
      z.strictObject({
        deep: z.boolean().default(false).openapi({ description: "Compare every entry." }),
        media: z.boolean().default(false).openapi({ description: "Look for each file." }),
        repair: z.boolean().default(false),
      }),
      "How thoroughly",
    ),
  },
  responses: { 200: json(z.object({ healthy: z.boolean(), checks: z.array(check) }), "What was found") },
});

export const health = createRouter()
  .openapi(metrics, async (c) => {
    const { contentType, text } = c.get("metrics");
    return c.body(await text(), 200, { "content-type": contentType }) as never;
  })
  .openapi(doctor, async (c) => {
    const { dataset: name, brainKey } = c.req.valid("param");
    const dataset = await datasetOf(c, name);
    await dataset.getBrainInfo(brainKey);
    const asked = { ...c.req.valid("json"), dataset: name, brainKey, signal: c.get("signal") };
    const { healthy, checks } = await c.get("nearsight").doctor(asked);
    return c.json({ healthy, checks: [...checks] }, 200);
  });

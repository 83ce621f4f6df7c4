/** Data sets as the API tells of them. */

import { z } from "@hono/zod-openapi";
import type { Dataset } from "../../core/index.ts";

export const datasetSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    createdAt: z.string().openapi({ description: "ISO 8601" }),
    samples: z.number().int(),
    fields: z.array(z.object({ name: z.string(), type: z.string() })),
  })
  .openapi("Dataset");

export async function describeDataset(dataset: Dataset): Promise<z.infer<typeof datasetSchema>> {
  const { id, name, record } = dataset;
  const [samples, fields] = await Promise.all([dataset.count(), dataset.fields()]);
  return { id, name, createdAt: record.createdAt, samples, fields };
}

/** Samples and patches as the API gives them, and samples as it takes them. */

import { z } from "@hono/zod-openapi";
import type { Patch, Sample, SampleInput } from "../../core/index.ts";
import { fieldValue } from "./vectors.ts";

const distances = z
  .record(z.string(), z.number())
  .openapi({ description: "By the `distField` of the view's searches." });

export const sampleSchema = z
  .object({
    id: z.string(),
    filepath: z.string(),
    mediaType: z.string(),
    tags: z.array(z.string()),
    fields: z
      .record(z.string(), z.unknown())
      .openapi({ description: "Values and labels by field; vectors are left out." }),
    distances,
  })
  .openapi("Sample");

export const patchSchema = z
  .object({
    id: z.string().openapi({ description: "Of the label." }),
    sampleId: z.string(),
    filepath: z.string(),
    mediaType: z.string(),
    label: z.string(),
    boundingBox: z
      .array(z.number())
      .length(4)
      .nullable()
      .openapi({ description: "Left, top, width, height, each as a share of the picture." }),
    confidence: z.number().nullable(),
    tags: z.array(z.string()),
    attributes: z.record(z.string(), z.unknown()),
    distances,
  })
  .openapi("Patch");

/**
 * A sample to add: its file and any fields; labels as `{ _cls: "Classification" | "Detections", … }`, vectors as
 * `{ _cls: "Vector", … }` of packed vectors.
 */
export const sampleInputSchema = z
  .looseObject({
    filepath: z.string().min(1).openapi({
      description: "Below a media root of the service: a path, `s3://…` or `https://…`; or a data URL.",
    }),
    id: z.string().min(1).optional(),
    tags: z.array(z.string()).optional(),
    mediaType: z.string().optional(),
    uri: z.string().optional(),
  })
  .openapi("SampleInput");

/** A sample as the library takes it. VECTOR_INVALID */
export function sampleInput(json: z.infer<typeof sampleInputSchema>): SampleInput {
  const values = Object.entries(json).map(([name, value]) => [name, fieldValue(value)]);
  return Object.fromEntries(values) as SampleInput;
}

/** Rows are frozen plain objects; JSON is made of them as they are. */
export function sampleJson(sample: Sample): z.infer<typeof sampleSchema> {
  return sample as unknown as z.infer<typeof sampleSchema>;
}

export function rowJson(row: Sample | Patch) {
  return row as unknown as z.infer<typeof sampleSchema> | z.infer<typeof patchSchema>;
}

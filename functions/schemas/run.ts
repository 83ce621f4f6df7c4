/** Brain runs as the API tells of them, and what a similarity run is made with. */

import { z } from "@hono/zod-openapi";
import { type BrainRunInfo, METRICS } from "../../core/index.ts";
import { problemSchema } from "./problem.ts";
import { viewSchema } from "./view.ts";

const entries = z.object({
  pending: z.number().int(),
  indexed: z.number().int(),
  failed: z.number().int(),
  deleting: z.number().int(),
});

export const runSchema = z
  .object({
    key: z.string(),
    version: z.string(),
    timestamp: z.string().openapi({ description: "When it was made, ISO 8601." }),
    state: z.enum(["planned", "building", "ready", "partial", "cancelled", "failed", "deleting"]),
    reason: z.string().nullable(),
    config: z.looseObject({
      type: z.string(),
      method: z.string().openapi({ description: "The backend's name." }),
      collectionName: z.string(),
      metric: z.string(),
      dimension: z.number().int().nullable(),
      model: z.string().nullable(),
      patchesField: z.string().nullable(),
      supportsPrompts: z.boolean(),
    }),
    entries: entries.openapi({ description: "Entries by state: how far a build is." }),
    problem: problemSchema.optional().openapi({ description: "Why the last build in this process failed." }),
    failed: z
      .array(z.object({ id: z.string(), sampleId: z.string(), reason: z.string() }))
      .openapi({ description: "The first 1,000 that could not be indexed." }),
  })
  .openapi("Run");

export type RunJson = z.infer<typeof runSchema>;

export function runJson(info: BrainRunInfo): RunJson {
  return info as unknown as RunJson;
}

/** Options of the backends that say what to make; where a backend is, and who asks, is the service's own business. */
export const INDEX_OPTIONS = {
  collectionName: z.string().min(1).optional(),
  indexName: z.string().min(1).optional(),
  indexType: z.string().min(1).optional(),
  indexParams: z.record(z.string(), z.unknown()).optional(),
  searchParams: z.record(z.string(), z.unknown()).optional(),
  indexOptions: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  consistencyLevel: z.enum(["Session", "Strong", "Bounded", "Eventually"]).optional(),
};

export const newRunSchema = z
  .strictObject({
    brainKey: z.string().min(1).max(200),
    view: viewSchema,
    model: z
      .string()
      .min(1)
      .optional()
      .openapi({ description: "A model that the service allows, by name. Default: its own." }),
    embeddings: z
      .union([z.string().min(1), z.literal(false)])
      .optional()
      .openapi({ description: "A vector field; or false: open a collection, or wait for embeddings." }),
    modelFingerprint: z
      .string()
      .nullable()
      .optional()
      .openapi({ description: "With embeddings: false: of the model the vectors were made with." }),
    supportsPrompts: z.boolean().optional(),
    embeddingsField: z
      .string()
      .min(1)
      .optional()
      .openapi({ description: "Vector field to keep computed embeddings in as well." }),
    patchesField: z.string().min(1).optional(),
    roiField: z.string().min(1).optional(),
    backend: z.string().min(1).optional(),
    metric: z.enum([...METRICS, "innerproduct"]).optional(),
    normalize: z.boolean().optional(),
    filterFields: z.array(z.string()).optional(),
    lazy: z.boolean().optional(),
    batchSize: z.number().int().min(1).optional(),
    numWorkers: z.number().int().min(1).optional(),
    skipFailures: z.boolean().optional(),
    forceSquare: z.boolean().optional(),
    alpha: z.number().optional(),
    ...INDEX_OPTIONS,
  })
  .openapi("NewRun");

/** Embeds rows of a view and prompts, and tells of a model what its vectors are. */

import { z } from "@hono/zod-openapi";
import {
  type ComputeEmbeddingsOptions,
  type EmbeddingModel,
  type Embeddings,
  NearsightError,
  type SampleCollection,
  supportsPrompts,
} from "../../../core/index.ts";
import { assertModel } from "../../access/allow-list.ts";
import { createRouter, datasetOf, datasetPath, json, route, runPath } from "../../router.ts";
import { packedVectorsSchema, vectorsJson } from "../../schemas/vectors.ts";
import { viewIn, viewSchema } from "../../schemas/view.ts";

/** Rows of one request: half a minute of a model on one core. */
const MAX_ROWS = 256;
const MAX_PROMPTS = 100;

const modelName = z.string().min(1).max(1_000).openapi({ example: "nearsight-tiny" });

const cropping = {
  batchSize: z.number().int().min(1).optional(),
  numWorkers: z.number().int().min(1).optional(),
  skipFailures: z.boolean().optional(),
  forceSquare: z.boolean().optional(),
  alpha: z.number().optional(),
};

const embeddingsSchema = z
  .object({
    sampleIds: z.array(z.string()),
    labelIds: z.array(z.string()).nullable().openapi({ description: "null: whole samples were embedded." }),
    embeddings: packedVectorsSchema,
    failed: z.array(z.object({ id: z.string(), reason: z.string() })),
  })
  .openapi("Embeddings");

const embed = route("write", {
  method: "post",
  path: "/datasets/{dataset}/embeddings",
  operationId: "computeEmbeddings",
  summary: `Embed up to ${MAX_ROWS} rows of a view; kept in a field where one is named`,
  request: {
    params: datasetPath,
    body: json(
      z.strictObject({
        model: modelName,
        view: viewSchema,
        patchesField: z.string().min(1).optional(),
        embeddingsField: z.string().min(1).optional(),
        ...cropping,
      }),
      "What to embed, and how",
    ),
  },
  responses: { 200: json(embeddingsSchema, "Vectors in the order of the view") },
});

const embedForRun = route("write", {
  method: "post",
  path: "/datasets/{dataset}/runs/{brainKey}/embeddings/compute",
  operationId: "computeRunEmbeddings",
  summary: `Embed up to ${MAX_ROWS} rows of a view as a run does; writes nothing`,
  request: {
    params: runPath,
    body: json(
      z.strictObject({ model: modelName.optional(), view: viewSchema, ...cropping }),
      "What to embed, and how",
    ),
  },
  responses: { 200: json(embeddingsSchema, "Vectors in the order of the view") },
});

const modelSchema = z
  .object({
    name: z.string(),
    dimension: z.number().int(),
    fingerprint: z.string().openapi({ description: "Equal fingerprints give equal vectors." }),
    input: z.looseObject({}).openapi({ description: "How pictures are prepared for it." }),
    maxBatch: z.number().int(),
    prompts: z.boolean(),
  })
  .openapi("Model");

const load = route("write", {
  method: "post",
  path: "/models/load",
  operationId: "loadModel",
  summary: "Load a model, and fetch it first where it is not there yet",
  request: { body: json(z.strictObject({ model: modelName }), "Its name") },
  responses: { 200: json(modelSchema, "The model") },
});

const prompts = route("read", {
  method: "post",
  path: "/models/prompts",
  operationId: "embedPrompts",
  summary: "Embed texts in the space of a model's pictures",
  request: {
    body: json(
      z.strictObject({
        model: modelName,
        prompts: z.array(z.string()).min(1).max(MAX_PROMPTS),
      }),
      "Model and texts",
    ),
  },
  responses: { 200: json(z.object({ embeddings: packedVectorsSchema }), "A vector for each text") },
});

export const embeddings = createRouter()
  .openapi(embed, async (c) => {
    const { model, view, ...given } = c.req.valid("json");
    assertModel(c.get("allowed"), model);
    const rows = await viewIn(c, c.req.valid("param").dataset, view);
    await assertFew(rows);
    const options = { ...given, signal: c.get("signal") } as ComputeEmbeddingsOptions;
    return c.json(embeddingsJson(await rows.computeEmbeddings(model, options)), 200);
  })
  .openapi(embedForRun, async (c) => {
    const { dataset, brainKey } = c.req.valid("param");
    const { view, ...given } = c.req.valid("json");
    assertModel(c.get("allowed"), given.model);
    const rows = await viewIn(c, dataset, view);
    await assertFew(rows);
    const index = await (await datasetOf(c, dataset)).loadBrainResults(brainKey);
    const options = { ...given, signal: c.get("signal") } as ComputeEmbeddingsOptions;
    return c.json(embeddingsJson(await index.computeEmbeddings(rows, options)), 200);
  })
  .openapi(load, async (c) => {
    const { model } = c.req.valid("json");
    assertModel(c.get("allowed"), model);
    return c.json(modelJson(await c.get("nearsight").loadZooModel(model)), 200);
  })
  .openapi(prompts, async (c) => {
    const { model: name, prompts: texts } = c.req.valid("json");
    assertModel(c.get("allowed"), name);
    const model = await c.get("nearsight").loadZooModel(name);
    if (!supportsPrompts(model)) throw takesNoPrompts(model);
    return c.json({ embeddings: vectorsJson(await model.embedPrompts(texts)) }, 200);
  });

function embeddingsJson({ sampleIds, labelIds, embeddings: vectors, failed = [] }: Embeddings) {
  return {
    sampleIds: [...sampleIds],
    labelIds: labelIds === null ? null : [...labelIds],
    embeddings: vectorsJson(vectors),
    failed: [...failed],
  };
}

function modelJson(model: EmbeddingModel): z.infer<typeof modelSchema> {
  const { name, dimension, fingerprint, maxBatch } = model;
  const input = model.input as unknown as z.infer<typeof modelSchema>["input"];
  return { name, dimension, fingerprint, input, maxBatch, prompts: supportsPrompts(model) };
}

async function assertFew(rows: SampleCollection): Promise<void> {
  const count = await rows.count();
  if (count <= MAX_ROWS) return;
  throw new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `Expected at most ${MAX_ROWS} rows to embed in one request but the view has ${count}`,
    hint: "Ask for them in parts, or start a run",
    details: { limit: MAX_ROWS },
  });
}

function takesNoPrompts({ name }: EmbeddingModel): NearsightError {
  return new NearsightError({
    code: "PROMPTS_UNSUPPORTED",
    message: `The model '${name}' takes no prompts`,
    hint: "Use a model of images and text such as nearsight-tiny",
    details: { model: name },
  });
}

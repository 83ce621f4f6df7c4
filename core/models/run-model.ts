/** Runs the towers of a loaded model: pictures and prompts to vectors of one space. */

import { NearsightError, throwIfAborted } from "../errors.ts";
import { concatRows, type Matrix, matrix } from "../matrix.ts";
import type { ImageInputSpec, Tensor } from "../media/input-spec.ts";
import type { EmbedOptions } from "./model.ts";
import { invalid, type ModelGraph } from "./model-files.ts";
import type { OnnxFeed, OnnxSession } from "./onnx.ts";
import { type EmbeddingOutput, poolResult } from "./pooling.ts";
import type { EncodedPrompts, PromptEncoder } from "./tokenizer.ts";

/** One tower, ready to run. */
export interface Tower {
  readonly graph: ModelGraph;
  readonly session: OnnxSession;
  readonly output: EmbeddingOutput;
}

/** All that is needed to run a model. */
export interface ModelParts {
  readonly name: string;
  readonly dimension: number;
  readonly input: ImageInputSpec;
  readonly maxBatch: number;
  readonly image: Tower;
  readonly text: Tower | null;
  readonly prompts: PromptEncoder | null;
}

/** One vector per picture; checks shape and size of the batch first. */
export async function embedImages(
  parts: ModelParts,
  batch: Tensor,
  options: EmbedOptions = {},
): Promise<Matrix> {
  throwIfAborted(options.signal);
  const { input, maxBatch } = parts;
  const [items = 0, ...itemShape] = batch.shape;
  const expected = [3, input.height, input.width];
  if (itemShape.join() !== expected.join() || batch.data.length !== items * 3 * input.height * input.width) {
    throw new NearsightError({
      code: "DIMENSION_MISMATCH",
      message: `Expected a tensor of [items, ${expected.join(", ")}] for ${parts.name} but found [${batch.shape.join(", ")}] with ${batch.data.length} numbers`,
      hint: "Prepare pictures with imageTensor(image, model.input)",
    });
  }
  if (items === 0) return matrix(new Float32Array(0), parts.dimension);
  if (items > maxBatch) {
    throw new NearsightError({
      code: "LIMIT_EXCEEDED",
      message: `Expected at most ${maxBatch} items a call for ${parts.name} but found ${items}`,
      hint: "Give smaller batches, or use embedAll",
      details: { limit: maxBatch, found: items },
    });
  }
  return checkDimension(parts, await runImages(parts, batch, options));
}

/** Runs the image tower on a batch that fits it. */
export async function runImages(
  { image, prompts }: Pick<ModelParts, "image" | "prompts">,
  batch: Tensor,
  { handOver = false }: EmbedOptions = {},
): Promise<Matrix> {
  const feeds: Record<string, OnnxFeed> = {
    pixel_values: { type: "float32", data: batch.data, shape: batch.shape },
  };
  // A graph with both towers wants a prompt even if only its picture side is read.
  if (prompts !== null && takes(image.graph, "input_ids"))
    Object.assign(feeds, textFeeds(image.graph, await prompts.encode([""])));
  const { buffer } = batch.data;
  // Only a buffer that holds nothing else can go.
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === batch.data.byteLength;
  const given = handOver && isWhole ? [buffer] : [];
  return poolResult(await image.session.run(feeds, image.output.name, given), image.output);
}

/** One vector per prompt; INVALID_ARGUMENT for prompts without a word. */
export async function embedPrompts(
  parts: ModelParts,
  given: readonly string[],
  options: EmbedOptions = {},
): Promise<Matrix> {
  for (const prompt of given) {
    if (typeof prompt === "string" && prompt.trim() !== "") continue;
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected prompts to be texts with at least one word but found ${JSON.stringify(prompt)}`,
      hint: "Describe what you look for, such as 'a red bus'",
    });
  }
  const batches: Matrix[] = [];
  for (let start = 0; start < given.length; start += parts.maxBatch) {
    throwIfAborted(options.signal);
    batches.push(await runPrompts(parts, given.slice(start, start + parts.maxBatch)));
  }
  return concatRows(batches, parts.dimension);
}

async function runPrompts(parts: ModelParts, prompts: readonly string[]): Promise<Matrix> {
  const { text, input } = parts;
  if (text === null || parts.prompts === null)
    throw new Error("unreachable: embedPrompts exists only with a text tower");
  text.session.prepare();
  const encoded = await parts.prompts.encode(prompts);
  const feeds = textFeeds(text.graph, encoded);
  if (takes(text.graph, "pixel_values")) {
    const shape = [1, 3, input.height, input.width];
    feeds.pixel_values = { type: "float32", data: new Float32Array(3 * input.height * input.width), shape };
  }
  return checkDimension(
    parts,
    poolResult(await text.session.run(feeds, text.output.name), text.output, encoded.mask),
  );
}

/** The inputs a text graph may have besides the ids, given only where it has them. */
function textFeeds(graph: ModelGraph, { ids, mask, rows, length }: EncodedPrompts): Record<string, OnnxFeed> {
  const all: Record<string, () => BigInt64Array> = {
    input_ids: () => ids,
    attention_mask: () => mask,
    token_type_ids: () => new BigInt64Array(ids.length),
    position_ids: () => BigInt64Array.from(ids, (_, i) => BigInt(i % length)),
  };
  const feeds: Record<string, OnnxFeed> = {};
  for (const [name, make] of Object.entries(all)) {
    if (takes(graph, name)) feeds[name] = { type: "int64", data: make(), shape: [rows, length] };
  }
  return feeds;
}

function checkDimension(parts: ModelParts, vectors: Matrix): Matrix {
  if (vectors.dimension === parts.dimension) return vectors;
  throw invalid(
    `Expected vectors of ${parts.dimension} numbers from ${parts.name} but a run gave ${vectors.dimension}`,
    "Both towers must project into one space: name the outputs with the options output and textOutput",
  );
}

function takes(graph: ModelGraph, input: string): boolean {
  return graph.header.inputs.some(({ name }) => name === input);
}

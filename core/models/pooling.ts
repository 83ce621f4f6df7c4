/** Chooses the output of a graph that is the embedding, and makes one vector an item of it. */

import { type Matrix, matrix } from "../matrix.ts";
import { invalid, type JsonObject, type ModelGraph } from "./model-files.ts";
import type { OnnxResult } from "./onnx.ts";
import type { OnnxPort } from "./onnx-file.ts";

/** How one vector is made of many: the first token, or their mean. */
export type Pooling = "cls" | "mean";

/** The output to read and how. */
export interface EmbeddingOutput {
  readonly name: string;
  readonly pooling: Pooling;
  /** Numbers per vector, null where only a run can tell. */
  readonly dimension: number | null;
}

/** Best first; a projected embedding is in the space both towers share. */
const IMAGE_OUTPUTS = [
  "image_embeds",
  "image_features",
  "pooler_output",
  "sentence_embedding",
  "last_hidden_state",
];
const TEXT_OUTPUTS = [
  "text_embeds",
  "text_features",
  "pooler_output",
  "sentence_embedding",
  "last_hidden_state",
];

/** Models whose tokens have no class token in front. */
const NO_CLASS_TOKEN = /^(swin|swinv2|swin2sr|donut)/;

/** Picks the output of a tower. Throws MODEL_INVALID where it has only class scores or nothing known. */
export function chooseOutput(
  tower: "image" | "text",
  graph: ModelGraph,
  config: JsonObject,
  wanted: { output?: string | undefined; pooling?: Pooling | undefined },
): EmbeddingOutput {
  const { outputs } = graph.header;
  const names =
    wanted.output === undefined ? (tower === "image" ? IMAGE_OUTPUTS : TEXT_OUTPUTS) : [wanted.output];
  const port = names
    .map((name) => outputs.find((output) => output.name === name))
    .find((found) => found !== undefined);
  if (port === undefined) throw noOutput(graph, names, outputs);
  const family = String(config.model_type ?? "");
  const usual = tower === "text" || NO_CLASS_TOKEN.test(family) ? "mean" : "cls";
  return { name: port.name, pooling: wanted.pooling ?? usual, dimension: dimensionOf(port, config) };
}

/** One vector an item: 2-d results as they are, tokens pooled, feature maps averaged over their places. */
export function poolResult(
  { data, shape }: OnnxResult,
  output: EmbeddingOutput,
  mask?: BigInt64Array,
): Matrix {
  const [items = 0, second = 0, third = 1, fourth = 1] = shape;
  if (shape.length === 2) return matrix(data, second);
  if (shape.length === 4) return matrix(averagePlaces(data, items * second, third * fourth), second);
  if (shape.length !== 3)
    throw invalid(`Expected output ${output.name} to have 2, 3 or 4 dimensions but found ${shape.length}`);
  if (output.pooling === "cls") return matrix(firstTokens(data, items, second, third), third);
  return matrix(averageTokens(data, items, second, third, mask), third);
}

function firstTokens(data: Float32Array, items: number, tokens: number, width: number): Float32Array {
  const result = new Float32Array(items * width);
  for (let i = 0; i < items; i++)
    result.set(data.subarray(i * tokens * width, i * tokens * width + width), i * width);
  return result;
}

function averageTokens(
  data: Float32Array,
  items: number,
  tokens: number,
  width: number,
  mask?: BigInt64Array,
): Float32Array {
  const result = new Float32Array(items * width);
  for (let i = 0; i < items; i++) {
    const target = result.subarray(i * width, (i + 1) * width);
    let count = 0;
    for (let token = i * tokens; token < (i + 1) * tokens; token++) {
      if (mask !== undefined && mask[token] === 0n) continue;
      count++;
      for (let k = 0; k < width; k++) target[k] = (target[k] as number) + (data[token * width + k] as number);
    }
    for (let k = 0; k < width; k++) target[k] = (target[k] as number) / Math.max(1, count);
  }
  return result;
}

function averagePlaces(data: Float32Array, maps: number, places: number): Float32Array {
  return Float32Array.from({ length: maps }, (_, map) => {
    let sum = 0;
    for (let place = map * places; place < (map + 1) * places; place++) sum += data[place] as number;
    return sum / places;
  });
}

function dimensionOf(port: OnnxPort, config: JsonObject): number | null {
  const fixed = port.shape.length === 4 ? port.shape[1] : port.shape.at(-1);
  if (fixed !== null && fixed !== undefined) return fixed;
  const vision = (config.vision_config ?? {}) as JsonObject;
  const sizes = port.name.endsWith("_embeds")
    ? [config.projection_dim]
    : [config.hidden_size, vision.hidden_size];
  return sizes.find((size): size is number => Number.isInteger(size) && Number(size) > 0) ?? null;
}

function noOutput(graph: ModelGraph, names: readonly string[], outputs: readonly OnnxPort[]): Error {
  const found = outputs.map(({ name }) => name);
  const scores = found.some((name) => name.startsWith("logits"));
  return invalid(
    `Expected an output ${names.join(", ")} in ${graph.path} but found ${found.join(", ")}`,
    scores
      ? "This export only classifies. Export the model for feature extraction, or name the output with the option output if scores are what you want"
      : "Name the output with the option output",
  );
}

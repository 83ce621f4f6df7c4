/** Loads a model directory in the Hugging Face layout: CLIP, SigLIP, DINOv2, ViT and others by their configuration. */

import { createHash } from "node:crypto";
import { basename, join, resolve } from "node:path";
import { NearsightError } from "../errors.ts";
import type { ImageInputSpec } from "../media/input-spec.ts";
import type { EmbeddingModel } from "./model.ts";
import {
  findGraphs,
  hashFile,
  invalid,
  isDirectory,
  type JsonObject,
  type ModelDtype,
  type ModelGraph,
  readModelJson,
} from "./model-files.ts";
import { createSessions, type OnnxSessions } from "./onnx.ts";
import { chooseOutput, type Pooling } from "./pooling.ts";
import { parsePreprocessor } from "./preprocessor.ts";
import { embedImages, embedPrompts, type ModelParts, runImages, type Tower } from "./run-model.ts";
import { createPromptEncoder, type PromptEncoder } from "./tokenizer.ts";

/** Items per run at most, unless the graph or the caller says less. */
const MAX_BATCH = 64;

export interface ModelDirectoryOptions {
  /** Name in runs and messages. Default: the folder's name. */
  readonly name?: string | undefined;
  /** Precision of the weights. Default "fp32". */
  readonly dtype?: ModelDtype | undefined;
  /** How tokens become one vector. Default: the class token of pictures, the mean of text tokens. */
  readonly pooling?: Pooling | undefined;
  /** Output of the image graph. Default: the first of image_embeds, pooler_output, last_hidden_state and the like. */
  readonly output?: string | undefined;
  /** Output of the text graph. Default: the first of text_embeds, pooler_output, last_hidden_state and the like. */
  readonly textOutput?: string | undefined;
  /** Threads inside one run. Default: one for each core, at most 4. */
  readonly threads?: number | undefined;
  /** Items per run at most. Default 64, less where the graph is fixed. */
  readonly maxBatch?: number | undefined;
  /** SHA-256 by file, relative to the directory; CHECKSUM_MISMATCH where the weights differ. */
  readonly checksums?: Readonly<Record<string, string>> | undefined;
  /** SHA-256 by file where they were recorded and the files have not changed since: spares reading the weights. */
  readonly recorded?: Readonly<Record<string, string>> | undefined;
}

/**
 * Loads a model from a directory with config.json, preprocessor_config.json and onnx/vision_model.onnx (or
 * onnx/model.onnx); prompts work where it also has onnx/text_model.onnx and tokenizer.json.
 *
 * The weights are read once for the fingerprint, and each graph is loaded at its first run. Vectors are as the graph
 * gives them, not normalised. Throws MODEL_NOT_FOUND, MODEL_INVALID saying what is missing or wrong, CHECKSUM_MISMATCH.
 *
 * @example
 * const model = await loadModelDirectory("models/clip-vit-base-patch32");
 * const vectors = await model.embedPrompts?.(["a red bus"]);
 */
export async function loadModelDirectory(
  path: string,
  options: ModelDirectoryOptions = {},
): Promise<EmbeddingModel> {
  const directory = resolve(path);
  checkDirectory(directory);
  const config = await readModelJson(directory, "config.json");
  const input = await readPreprocessor(directory);
  const sessions = createSessions();
  // It is up when the weights have been read for the fingerprint.
  sessions.startThread();
  try {
    return await openModel(directory, config, input, sessions, options);
  } catch (error) {
    await sessions.close();
    throw error;
  }
}

async function openModel(
  directory: string,
  config: JsonObject,
  input: ImageInputSpec,
  sessions: OnnxSessions,
  options: ModelDirectoryOptions,
): Promise<EmbeddingModel> {
  const graphs = findGraphs(directory, options.dtype ?? "fp32");
  const image = openTower(sessions, "image", graphs.vision, config, options);
  const text = graphs.text === null ? null : openTower(sessions, "text", graphs.text, config, options, image);
  const tokens = graphs.text === null ? null : await readTokenizer(directory, config, graphs.text);
  const parts: Omit<ModelParts, "dimension"> = {
    name: options.name ?? basename(directory),
    input,
    maxBatch: maximumBatch(graphs.vision, options),
    image,
    text,
    prompts: tokens?.encoder ?? null,
  };
  checkInputs(parts);
  const fingerprint = await fingerprintOf(directory, parts, tokens?.json ?? null, options);
  const dimension = image.output.dimension ?? (await probeDimension(parts));
  return buildModel({ ...parts, dimension }, fingerprint, sessions);
}

function buildModel(parts: ModelParts, fingerprint: string, sessions: OnnxSessions): EmbeddingModel {
  const { name, dimension, input, maxBatch, image, text } = parts;
  const running = new Set<Promise<unknown>>();
  let closed = false;

  function call<Result>(run: () => Promise<Result>): Promise<Result> {
    if (closed) return Promise.reject(closedError(name));
    const result = run();
    const done = () => running.delete(result);
    running.add(result);
    result.then(done, done);
    return result;
  }

  const model: EmbeddingModel = {
    name,
    dimension,
    fingerprint,
    input,
    maxBatch,
    prepare() {
      if (!closed) image.session.prepare();
    },
    embed: (batch, options) => call(() => embedImages(parts, batch, options)),
    async close() {
      closed = true;
      // Freeing native memory under a run would end the process.
      await Promise.allSettled(running);
      await sessions.close();
    },
  };
  if (text === null) return model;
  return { ...model, embedPrompts: (prompts, options) => call(() => embedPrompts(parts, prompts, options)) };
}

function openTower(
  sessions: OnnxSessions,
  kind: "image" | "text",
  graph: ModelGraph,
  config: JsonObject,
  options: ModelDirectoryOptions,
  other?: Tower,
): Tower {
  const wanted = { output: kind === "image" ? options.output : options.textOutput, pooling: options.pooling };
  const output = chooseOutput(kind, graph, config, wanted);
  return {
    graph,
    output,
    session: other?.graph === graph ? other.session : sessions.open(graph.path, options),
  };
}

async function readPreprocessor(directory: string): Promise<ImageInputSpec> {
  const own = await readModelJson(directory, "preprocessor_config.json", true);
  if (own !== null) return parsePreprocessor(own, join(directory, "preprocessor_config.json"));
  // Newer exports keep it inside processor_config.json.
  const joint = await readModelJson(directory, "processor_config.json", true);
  if (typeof joint?.image_processor === "object" && joint.image_processor !== null) {
    return parsePreprocessor(joint.image_processor as JsonObject, join(directory, "processor_config.json"));
  }
  throw invalid(
    `Expected preprocessor_config.json in ${directory}, which says how pictures are resized and normalised, but it is missing`,
    "Copy it from the original model; without it the vectors would be wrong",
  );
}

async function readTokenizer(
  directory: string,
  config: JsonObject,
  graph: ModelGraph,
): Promise<{ encoder: PromptEncoder; json: string }> {
  const tokenizer = await readModelJson(directory, "tokenizer.json");
  const tokenizerConfig = (await readModelJson(directory, "tokenizer_config.json", true)) ?? {};
  const fixedLength = graph.header.inputs.find(({ name }) => name === "input_ids")?.shape[1] ?? null;
  const encoder = createPromptEncoder({ tokenizer, tokenizerConfig, config, fixedLength });
  return { encoder, json: textOf([tokenizer, tokenizerConfig, fixedLength], directory) };
}

/** Files can be nested deeper than can be written again. */
function textOf(value: unknown, directory: string): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw invalid(
      `Expected a tokenizer in ${directory} but tokenizer.json is nested too deep`,
      undefined,
      error,
    );
  }
}

async function fingerprintOf(
  directory: string,
  { input, image, text }: Omit<ModelParts, "dimension">,
  tokenizer: string | null,
  options: ModelDirectoryOptions,
): Promise<string> {
  const hash = createHash("sha256").update("nearsight model 1\n");
  const files = new Set([...image.graph.files, ...(text?.graph.files ?? [])]);
  for (const file of files) {
    const found = options.recorded?.[file] ?? (await hashFile(join(directory, file)));
    checkSum(directory, file, found, options.checksums?.[file]);
    hash.update(`${found}\n`);
  }
  const outputs = [image.output, text?.output].map((output) => output && [output.name, output.pooling]);
  return hash
    .update(JSON.stringify([input, outputs]))
    .update(tokenizer ?? "")
    .digest("hex");
}

function checkSum(directory: string, file: string, found: string, expected: string | undefined): void {
  if (expected === undefined || expected.toLowerCase() === found) return;
  throw new NearsightError({
    code: "CHECKSUM_MISMATCH",
    message: `Expected ${file} in ${directory} to have SHA-256 ${expected} but found ${found}`,
    hint: "Delete the folder and download the model again",
    details: { file, expected, found },
  });
}

async function probeDimension(parts: Omit<ModelParts, "dimension">): Promise<number> {
  const { width, height } = parts.input;
  const vectors = await runImages(parts, {
    data: new Float32Array(3 * width * height),
    shape: [1, 3, height, width],
  });
  return vectors.dimension;
}

/** Refuses graphs that cannot be fed: other sizes than the preprocessing makes, or inputs nobody knows. */
function checkInputs({ image, text, input }: Omit<ModelParts, "dimension">): void {
  const known = ["pixel_values", "input_ids", "attention_mask", "token_type_ids", "position_ids"];
  for (const tower of [image, text]) {
    const strange = tower?.graph.header.inputs.find(({ name }) => !known.includes(name));
    if (strange) throw invalid(`${tower?.graph.path} needs an input ${strange.name}, which is not supported`);
  }
  const pixels = image.graph.header.inputs.find(({ name }) => name === "pixel_values");
  if (pixels === undefined) throw invalid(`Expected an input pixel_values in ${image.graph.path}`);
  if (pixels.type !== 1)
    throw invalid(
      `${image.graph.path} takes half-precision pictures, which is not supported`,
      "Use dtype fp32",
    );
  const [, , height = null, width = null] = pixels.shape;
  if ((height ?? input.height) !== input.height || (width ?? input.width) !== input.width) {
    throw invalid(
      `${image.graph.path} takes pictures of ${width} x ${height} but the preprocessing makes ${input.width} x ${input.height}`,
      "Correct size and crop_size in preprocessor_config.json",
    );
  }
}

function maximumBatch(graph: ModelGraph, options: ModelDirectoryOptions): number {
  const fixed = graph.header.inputs.find(({ name }) => name === "pixel_values")?.shape[0];
  return Math.max(1, Math.min(options.maxBatch ?? MAX_BATCH, fixed ?? MAX_BATCH));
}

function checkDirectory(directory: string): void {
  if (isDirectory(directory)) return;
  throw new NearsightError({
    code: "MODEL_NOT_FOUND",
    message: `Expected a model directory at ${directory} but there is none`,
    hint: "Give the folder that holds config.json and onnx/",
  });
}

function closedError(name: string): NearsightError {
  return new NearsightError({
    code: "CLOSED",
    message: `The model ${name} was closed before this call`,
    hint: "Load the model again",
  });
}

/** Finds and reads the files of a model directory, trusting none of them. */

import { createHash } from "node:crypto";
import { existsSync, realpathSync, statSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { NearsightError } from "../errors.ts";
import { type OnnxHeader, readOnnxHeader } from "./onnx-file.ts";

/** Which precision of the weights to load; each has its own files. */
export type ModelDtype = "fp32" | "fp16" | "q8" | "int8" | "uint8" | "q4" | "q4f16" | "bnb4";

/** What the hub's exporters append to file names. */
const SUFFIXES: Readonly<Record<ModelDtype, string>> = {
  fp32: "",
  fp16: "_fp16",
  q8: "_quantized",
  int8: "_int8",
  uint8: "_uint8",
  q4: "_q4",
  q4f16: "_q4f16",
  bnb4: "_bnb4",
};

/** Settings are small; vocabularies of multilingual models take some 35 MB. */
export const MAX_JSON_BYTES = 128 * 1024 * 1024;

/** Read at a time for a sum: what a core's cache holds. */
const HASHED_BYTES = 256 * 1024;

/** A graph of the directory and the files its weights lie in. */
export interface ModelGraph {
  readonly path: string;
  readonly header: OnnxHeader;
  /** Paths relative to the directory: the graph and the weights kept beside it. */
  readonly files: readonly string[];
}

/** The graphs of a directory: one a tower, or one for both. */
export interface ModelGraphs {
  readonly vision: ModelGraph;
  readonly text: ModelGraph | null;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** Names a graph may have, in order of preference, relative to the directory. */
export function graphNames(tower: "vision_model" | "text_model" | "model", dtype: ModelDtype): string[] {
  const suffix = SUFFIXES[dtype];
  if (suffix === undefined) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected dtype to be one of ${Object.keys(SUFFIXES).join(", ")} but found ${dtype}`,
      hint: "Leave dtype out for fp32",
    });
  }
  return [`onnx/${tower}${suffix}.onnx`, `${tower}${suffix}.onnx`];
}

/** True for a folder that can be looked into; false for whatever else a path may name, or none. */
export function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Reads a JSON file of the directory, or null where an optional one is absent. Throws MODEL_INVALID. */
export async function readModelJson(
  directory: string,
  name: string,
  optional: true,
): Promise<JsonObject | null>;
export async function readModelJson(directory: string, name: string): Promise<JsonObject>;
export async function readModelJson(
  directory: string,
  name: string,
  optional = false,
): Promise<JsonObject | null> {
  const path = join(directory, name);
  if (!existsSync(path)) {
    if (optional) return null;
    throw invalid(
      `Expected the file ${name} in the model directory ${directory}, which has none`,
      FILES_HINT,
    );
  }
  const size = fileSize(path);
  if (size > MAX_JSON_BYTES)
    throw invalid(`Expected at most ${MAX_JSON_BYTES} bytes in ${path} but found ${size}`);
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch (error) {
    throw invalid(
      `Expected JSON in ${path}: ${error instanceof Error ? error.message : error}`,
      undefined,
      error,
    );
  }
  throw invalid(`Expected a JSON object in ${path}`);
}

/** Bytes of a file; MODEL_INVALID for folders, and for pipes and devices, which may never end. */
function fileSize(path: string): number {
  const found = statSync(path);
  if (found.isFile()) return found.size;
  throw invalid(`Expected a file at ${path} but found a folder or a device`);
}

/** Finds the graphs for one precision and reads their headers. Throws MODEL_INVALID where none embeds pictures. */
export function findGraphs(directory: string, dtype: ModelDtype): ModelGraphs {
  const vision = firstGraph(directory, graphNames("vision_model", dtype));
  if (vision !== null) return { vision, text: firstGraph(directory, graphNames("text_model", dtype)) };
  const both = firstGraph(directory, graphNames("model", dtype));
  if (both === null) {
    const names = [...graphNames("vision_model", dtype), ...graphNames("model", dtype)];
    throw invalid(
      `Expected one of ${names.join(", ")} in ${directory}, which has none (dtype ${dtype})`,
      FILES_HINT,
    );
  }
  const takes = (name: string) => both.header.inputs.some((input) => input.name === name);
  if (!takes("pixel_values")) {
    const found = both.header.inputs.map(({ name }) => name).join(", ");
    throw invalid(
      `Expected an input pixel_values in ${both.path} but found ${found}`,
      "Export the model for pictures",
    );
  }
  return { vision: both, text: takes("input_ids") ? both : null };
}

/** SHA-256 of a file, in hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  // A stream takes new memory for each piece, at as much time as the sum itself.
  const buffer = Buffer.allocUnsafe(HASHED_BYTES);
  const file = await open(path);
  try {
    let bytesRead: number;
    do {
      ({ bytesRead } = await file.read(buffer, 0, HASHED_BYTES));
      hash.update(buffer.subarray(0, bytesRead));
    } while (bytesRead > 0);
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

function firstGraph(directory: string, names: readonly string[]): ModelGraph | null {
  const name = names.find((candidate) => existsSync(join(directory, candidate)));
  if (name === undefined) return null;
  const path = join(directory, name);
  fileSize(path);
  const header = readOnnxHeader(path);
  const folder = name.includes("/") ? "onnx/" : "";
  const beside = header.externalFiles.map((file) => folder + checkBeside(directory, folder, file, path));
  return { path, header, files: [name, ...beside] };
}

/** Weights outside the model's own folder are refused: a downloaded graph must not read other files. */
function checkBeside(directory: string, folder: string, file: string, path: string): string {
  const plain = !/^([\\/]|[a-z]:)/i.test(file) && !file.split(/[\\/]/).includes("..") && !file.includes("\0");
  if (!plain)
    throw invalid(`Expected weights beside ${path} but it points to '${file}'`, "Do not use this model");
  const weights = join(directory, folder, file);
  if (existsSync(weights)) {
    assertInside(weights, directory, path);
    fileSize(weights);
    return file;
  }
  throw invalid(
    `Expected the weights file ${folder}${file}, which ${path} needs, but it is missing`,
    FILES_HINT,
  );
}

/** The hub's own cache keeps a graph and its weights elsewhere, side by side: links may lead there, and nowhere else. */
function assertInside(weights: string, directory: string, graph: string): void {
  const target = realpathSync(weights);
  for (const folder of [realpathSync(directory), dirname(realpathSync(graph))]) {
    const way = relative(folder, target);
    if (way !== ".." && !way.startsWith(`..${sep}`)) return;
  }
  throw invalid(
    `Expected weights beside ${graph} but ${weights} is a link to ${target}`,
    "Do not use this model",
  );
}

const FILES_HINT =
  "A model directory holds config.json, preprocessor_config.json and onnx/vision_model.onnx or onnx/model.onnx; with prompts also onnx/text_model.onnx and tokenizer.json";

/** MODEL_INVALID about a model's files. */
export function invalid(message: string, hint?: string, cause?: unknown): NearsightError {
  return new NearsightError({
    code: "MODEL_INVALID",
    message,
    hint: hint ?? "Download the model again, or correct the file",
    cause,
  });
}

/** Loads and runs ONNX graphs on the calling thread: the only place that loads onnxruntime-node. */

import { availableParallelism } from "node:os";
import type * as OnnxRuntime from "onnxruntime-node";
import { NearsightError, wrapError } from "../errors.ts";
import type { OnnxFeed, OnnxOptions, OnnxResult } from "./onnx.ts";

/** More threads inside one run gain little and keep the next pictures from being prepared. */
const MOST_THREADS = 4;

let loading: Promise<typeof OnnxRuntime> | undefined;

/** A session that computes on the thread that calls it. */
export interface RuntimeSession {
  /** See `OnnxSession`. */
  run(feeds: Readonly<Record<string, OnnxFeed>>, output: string): Promise<OnnxResult>;
  /** Frees the native memory. */
  close(): Promise<void>;
}

/** Loads a model file; its runs throw what went wrong. */
export function openRuntimeSession(path: string, options: OnnxOptions = {}): RuntimeSession {
  const session = createSession(path, options);
  session.catch(() => undefined);
  return {
    run: async (feeds, output) => runSession(await session, path, feeds, output),
    async close() {
      await session.then((open) => open.release()).catch(() => undefined);
    },
  };
}

/** Loads the runtime; who uses it then hears what went wrong. */
export async function preloadRuntime(): Promise<void> {
  await loadRuntime().catch(() => undefined);
}

async function createSession(path: string, options: OnnxOptions): Promise<OnnxRuntime.InferenceSession> {
  const runtime = await loadRuntime();
  try {
    return await runtime.InferenceSession.create(path, {
      intraOpNumThreads: options.threads ?? Math.min(MOST_THREADS, availableParallelism()),
      interOpNumThreads: 1,
      executionMode: "sequential",
      // Threads that wait in a loop take the cores that prepare the next pictures.
      extra: { session: { intra_op: { allow_spinning: "0" } } },
      graphOptimizationLevel: "all",
      // 3 = errors only: warnings of the native library would go straight to the terminal.
      logSeverityLevel: 3,
    });
  } catch (error) {
    throw nativeError(error, `${path} could not be loaded as an ONNX model`, "load");
  }
}

async function runSession(
  session: OnnxRuntime.InferenceSession,
  path: string,
  feeds: Readonly<Record<string, OnnxFeed>>,
  output: string,
): Promise<OnnxResult> {
  const { Tensor } = await loadRuntime();
  const tensors = Object.entries(feeds).map(([name, feed]) => [name, toTensor(Tensor, feed)] as const);
  try {
    const results = await session.run(Object.fromEntries(tensors), [output]);
    const result = results[output];
    if (result === undefined) throw new Error(`it gave no output ${output}`);
    const copy = { data: toFloat32(result), shape: result.dims.map(Number) };
    result.dispose();
    return copy;
  } catch (error) {
    throw nativeError(error, `${path} could not be run`, "run");
  } finally {
    for (const [, tensor] of tensors) tensor.dispose();
  }
}

function toTensor(Tensor: typeof OnnxRuntime.Tensor, feed: OnnxFeed): OnnxRuntime.Tensor {
  return feed.type === "float32"
    ? new Tensor("float32", feed.data, feed.shape)
    : new Tensor("int64", feed.data, feed.shape);
}

function toFloat32(tensor: OnnxRuntime.Tensor): Float32Array {
  if (tensor.type === "float32") return (tensor.data as Float32Array).slice();
  if (tensor.type === "float64") return Float32Array.from(tensor.data as Float64Array);
  if (tensor.type !== "float16") throw new Error(`its output is ${tensor.type}, not floating point`);
  // Newer Node releases give a Float16Array, older ones the bits.
  if (!(tensor.data instanceof Uint16Array)) return Float32Array.from(tensor.data as Iterable<number>);
  return Float32Array.from(tensor.data, halfToNumber);
}

/** IEEE 754 half precision: 1 sign bit, 5 of exponent, 10 of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function loadRuntime(): Promise<typeof OnnxRuntime> {
  loading ??= importRuntime();
  return loading;
}

async function importRuntime(): Promise<typeof OnnxRuntime> {
  try {
    const module = await import("onnxruntime-node");
    // The package is CommonJS: some loaders put its exports on `default` only.
    return module.InferenceSession === undefined
      ? (module as unknown as { default: typeof OnnxRuntime }).default
      : module;
  } catch (error) {
    loading = undefined;
    throw new NearsightError({
      code: "PACKAGE_MISSING",
      message: "Running models needs the package onnxruntime-node, which could not be loaded",
      hint: "Run: npm install onnxruntime-node --onnxruntime-node-install=skip (its install script fetches GPU files, which closed networks refuse and a CPU does not need)",
      cause: error,
    });
  }
}

function nativeError(error: unknown, what: string, stage: "load" | "run"): NearsightError {
  const reason = error instanceof Error ? error.message : String(error);
  return wrapError(error, {
    code: "MODEL_INVALID",
    message: `${what}: ${reason}`,
    hint: "Check that the file is whole and fits the model's configuration, or download it again",
    details: { stage },
  });
}

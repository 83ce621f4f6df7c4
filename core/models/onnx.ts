/** Runs ONNX graphs, each in a worker thread of its own: the runtime blocks the thread that it computes on. */

import { startWorker, type WorkerClient, workerUrl } from "../worker.ts";

/** One input of a run. */
export type OnnxFeed =
  | { readonly type: "float32"; readonly data: Float32Array; readonly shape: readonly number[] }
  | { readonly type: "int64"; readonly data: BigInt64Array; readonly shape: readonly number[] };

/** One output of a run, as float32 whatever the graph gives. */
export interface OnnxResult {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export interface OnnxOptions {
  /** Threads inside one run. Default: one for each core, at most 4. */
  readonly threads?: number | undefined;
}

/** A graph ready to run; its file is loaded at the first run and shared by all. */
export interface OnnxSession {
  /**
   * Runs the graph and returns the one output asked for. Buffers in `given` move to the thread and are empty then;
   * the others are copied. Throws MODEL_INVALID with the runtime's reason.
   */
  run(
    feeds: Readonly<Record<string, OnnxFeed>>,
    output: string,
    given?: readonly ArrayBuffer[],
  ): Promise<OnnxResult>;
  /** Frees the native memory; no run may be under way, and none may follow. */
  close(): Promise<void>;
}

/** What the worker thread opens. */
export interface SessionSetup {
  readonly path: string;
  readonly options: OnnxOptions;
}

/** One run, as it is sent to the worker thread. */
export interface RunCall {
  readonly feeds: Readonly<Record<string, OnnxFeed>>;
  readonly output: string;
}

/** A session on a model file, which is read only when it is first run. Runs are done one after the other. */
export function openSession(path: string, options: OnnxOptions = {}): OnnxSession {
  let worker: WorkerClient | undefined;
  return {
    run(feeds, output, given = []) {
      worker ??= startWorker(workerUrl("onnx-worker", import.meta.url), {
        path,
        options,
      } satisfies SessionSetup);
      return worker.call<OnnxResult>("run", { feeds, output } satisfies RunCall, given);
    },
    async close() {
      await worker?.close();
    },
  };
}

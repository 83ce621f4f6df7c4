/** Runs ONNX graphs, each in a worker thread of its own: the runtime blocks the thread that it computes on. */

import { codeUrl } from "../location.ts";
import { startWorker, type WorkerClient } from "../worker.ts";

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

/** A graph ready to run; its file is loaded once. */
export interface OnnxSession {
  /** Begins to load the file, for a run that will follow; what goes wrong is thrown by that run. */
  prepare(): void;
  /**
   * Runs the graph and returns the one output asked for. Buffers in `given` move to the thread and are empty then;
   * the others are copied. Throws MODEL_INVALID with the runtime's reason.
   */
  run(
    feeds: Readonly<Record<string, OnnxFeed>>,
    output: string,
    given?: readonly ArrayBuffer[],
  ): Promise<OnnxResult>;
}

/** The sessions of one model. */
export interface OnnxSessions {
  /** A session on a model file, read when it is prepared or first run. Runs are done one after the other. */
  open(path: string, options?: OnnxOptions): OnnxSession;
  /** Starts a thread for the first session that will need one. */
  startThread(): void;
  /** Ends all threads and frees the native memory; no run may be under way, and none may follow. */
  close(): Promise<void>;
}

/** What a thread opens. */
export interface SessionSetup {
  readonly path: string;
  readonly options: OnnxOptions;
}

/** One run, as it is sent to the thread. */
export interface RunCall {
  readonly feeds: Readonly<Record<string, OnnxFeed>>;
  readonly output: string;
}

/** Sessions that have a thread each, started when the session is first used. */
export function createSessions(): OnnxSessions {
  const threads: WorkerClient[] = [];
  const idle: WorkerClient[] = [];

  function startThread(): WorkerClient {
    const thread = startWorker(codeUrl("models/onnx-worker"));
    threads.push(thread);
    return thread;
  }

  function openIn(thread: WorkerClient, setup: SessionSetup): WorkerClient {
    thread.call("open", setup).catch(() => undefined); // every run throws it
    return thread;
  }

  return {
    open(path, options = {}) {
      let thread: WorkerClient | undefined;
      const opened = () => {
        thread ??= openIn(idle.pop() ?? startThread(), { path, options });
        return thread;
      };
      return {
        prepare: () => void opened(),
        run: (feeds, output, given = []) =>
          opened().call<OnnxResult>("run", { feeds, output } satisfies RunCall, given),
      };
    },
    startThread() {
      const thread = startThread();
      // As a call, which the end of the process waits for: the native library aborts it where its loading is cut off.
      thread.call("load").catch(() => undefined);
      idle.push(thread);
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

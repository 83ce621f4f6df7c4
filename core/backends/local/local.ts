/** The embedded backend: one SQLite file per collection, exact search in a worker thread. */

import { availableParallelism, totalmem } from "node:os";
import { resolve } from "node:path";
import { NearsightError } from "../../errors.ts";
import { codeUrl } from "../../location.ts";
import { startWorker, type WorkerClient } from "../../worker.ts";
import type { Backend, Capabilities } from "../backend.ts";
import { METRICS } from "../metric.ts";
import { localCollection } from "./collection.ts";
import { fileNameOf } from "./names.ts";
import type { Calls, WorkerSetup } from "./protocol.ts";
import { headerOf } from "./spec.ts";

export interface LocalOptions {
  /** Where the index files are; made when the first index is. */
  readonly folder: string;
  /** Search with WebAssembly SIMD where the machine has it. @default true */
  readonly simd?: boolean;
  /**
   * Bytes that indexes may take in memory. Those unused for longest are let go of; of one that is larger still,
   * only a quarter is held and the rest read from its file. @default half of the machine's memory
   */
  readonly memoryLimit?: number;
  /** Threads a search may use. @default one for each processor, at most 8 */
  readonly threads?: number;
}

/** What `client()` gives: there is no SDK, only files. */
export interface LocalClient {
  /** The absolute path of the folder that holds one SQLite file per index. */
  readonly folder: string;
}

/** Calls the worker thread by the names of its handlers. */
export type Call = <Method extends keyof Calls>(
  method: Method,
  argument: Parameters<Calls[Method]>[0],
  transfer?: readonly ArrayBuffer[],
) => Promise<ReturnType<Calls[Method]>>;

const CAPABILITIES: Capabilities = {
  metrics: METRICS,
  defaultMetric: "cosine",
  vectorTypes: ["float32", "bits"],
  maxK: null,
  reverse: true,
  radius: true,
  exact: true,
};

/**
 * Keeps indexes as files in a folder and searches them exactly, without a server. Several processes may share
 * the folder. The vectors of an index are held in memory from its first search on: 2 KB each at 512 numbers.
 * Errors: STORE_UNUSABLE, STORE_BUSY, STORE_TOO_NEW, INDEX_CORRUPT.
 *
 * @example
 * const backend = localBackend({ folder: "indexes" });
 * const collection = await backend.create({ name: "pets", dimension: 512, metric: "cosine" });
 */
export function localBackend(options: LocalOptions): Backend<LocalClient> {
  const folder = resolve(options.folder);
  let worker: WorkerClient | undefined;
  let closed = false;

  const call: Call = (method, argument, transfer) => {
    if (closed) return Promise.reject(closedError());
    worker ??= startWorker(codeUrl("backends/local/worker"), {
      folder,
      simd: options.simd ?? true,
      memoryLimit: options.memoryLimit ?? defaultMemoryLimit(),
      threads: options.threads ?? availableParallelism(),
    } satisfies WorkerSetup);
    return worker.call(method, argument, transfer);
  };

  return {
    name: "local",
    capabilities: CAPABILITIES,
    async create(spec) {
      fileNameOf(spec.name);
      await call("create", {
        name: spec.name,
        header: headerOf(spec),
        meta: JSON.stringify(spec.meta ?? {}),
      });
      return localCollection(spec.name, call);
    },
    async open(name) {
      fileNameOf(name);
      await call("open", { name });
      return localCollection(name, call);
    },
    list: (prefix = "") => call("list", { prefix }),
    async client() {
      if (closed) throw closedError();
      return { folder };
    },
    async close() {
      closed = true;
      await worker?.close();
    },
  };
}

/** A container may have less memory than its machine. */
function defaultMemoryLimit(): number {
  const allowed = process.constrainedMemory?.() ?? 0;
  return Math.min(totalmem(), allowed > 0 ? allowed : totalmem()) / 2;
}

function closedError(): NearsightError {
  return new NearsightError({
    code: "CLOSED",
    message: "Expected an open local backend but it was closed before this call",
    hint: "Make a new one with localBackend()",
  });
}

/** Keeps embeddings on disk by what they were computed from; whatever befalls the file costs only time. */

import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isNearsightError } from "../errors.ts";
import { codeUrl } from "../location.ts";
import { startWorker, type WorkerClient } from "../worker.ts";

/** The cache's file inside its folder. */
const CACHE_FILE = "embeddings.db";

/** Look-ups sent to the worker at a time, at most. */
const KEYS_PER_CALL = 256;

export interface EmbeddingCacheOptions {
  /** Made when the first vector is looked up. */
  readonly folder: string;
  /** Size of the file at most; what was not used for longest goes first. 0 keeps nothing. */
  readonly maxBytes: number;
  readonly warn: (message: string) => void;
}

/** A vector under its key: 64 hexadecimal digits. */
export interface CachedVector {
  readonly key: string;
  readonly vector: Float32Array;
}

/** Any number of processes share one file. No call throws: one warning, then everything is a miss. */
export interface OpenEmbeddingCache {
  /** The vector of a key, or null. Look-ups made at the same time travel together. */
  get(key: string): Promise<Float32Array | null>;
  /** Keeps vectors, all of them or none. */
  put(vectors: readonly CachedVector[]): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly key: string;
  readonly answer: (vector: Float32Array | null) => void;
}

/**
 * A cache in `embeddings.db` of the folder, opened on first use.
 *
 * @example
 * const cache = openEmbeddingCache({ folder: "cache", maxBytes: 2 ** 30, warn: console.warn });
 * const vector = await cache.get(key);
 */
export function openEmbeddingCache({ folder, maxBytes, warn }: EmbeddingCacheOptions): OpenEmbeddingCache {
  const path = join(resolve(folder), CACHE_FILE);
  let worker: Promise<WorkerClient> | undefined;
  let isOff = maxBytes <= 0;
  let isClosed = false;
  let waiting: Waiting[] = [];
  let isSending = false;

  async function start(): Promise<WorkerClient> {
    await mkdir(resolve(folder), { recursive: true });
    return startWorker(codeUrl("store/embedding-cache-worker"), { path, maxBytes });
  }

  /** The worker's answer; null where the cache is, or has just become, of no use. */
  async function ask<Result>(method: string, argument: unknown): Promise<Result | null> {
    if (isOff || isClosed) return null;
    try {
      worker ??= start();
      return await (await worker).call<Result>(method, argument);
    } catch (error) {
      // Another process writes for long: this batch is missed, the next may be luckier.
      if (!isNearsightError(error, "STORE_BUSY")) turnOff(error);
      return null;
    }
  }

  function turnOff(error: unknown): void {
    if (isOff || isClosed) return;
    isOff = true;
    const reason = error instanceof Error ? error.message : String(error);
    warn(
      `Embeddings are computed without their cache ${path}: ${reason}. Delete the file, choose another folder with NEARSIGHT_CACHE, or set NEARSIGHT_EMBEDDING_CACHE_BYTES=0`,
    );
  }

  async function send(): Promise<void> {
    if (isSending) return;
    isSending = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, KEYS_PER_CALL);
      waiting = waiting.slice(KEYS_PER_CALL);
      const found = await ask<(Uint8Array | null)[]>(
        "get",
        batch.map(({ key }) => key),
      );
      batch.forEach(({ answer }, i) => {
        answer(toVector(found?.[i] ?? null));
      });
    }
    isSending = false;
  }

  return {
    get(key) {
      if (isOff || isClosed) return Promise.resolve(null);
      return new Promise((answer) => {
        waiting.push({ key, answer });
        void send();
      });
    },
    async put(vectors) {
      if (vectors.length > 0) await ask("put", vectors);
    },
    async close() {
      isClosed = true;
      await worker?.then(
        (client) => client.close(),
        () => undefined,
      );
    },
  };
}

/** Float32, little endian, as it was put; null for a length that no vector has. */
function toVector(bytes: Uint8Array | null): Float32Array | null {
  if (bytes === null || bytes.byteLength % Float32Array.BYTES_PER_ELEMENT !== 0) return null;
  return new Float32Array(bytes.slice().buffer);
}

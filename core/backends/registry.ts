/** The backends known by name: what `open()` uses unless it is given others. */

import { NearsightError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import { localBackend } from "./local/local.ts";

/** What a backend needs to know besides its own options. */
export interface BackendPlace {
  /** Folder of the installation's store. */
  readonly home: string;
}

/** Makes a connected backend. */
export interface BackendDriver {
  readonly name: string;
  /** Options that say where the backend is or who asks; they are never stored with a run. */
  readonly connectionOptions: readonly string[];
  /** Options that say what to make. */
  readonly indexOptions: readonly string[];
  connect(place: BackendPlace, options: Readonly<Record<string, unknown>>): Promise<Backend>;
}

/** The embedded default: files under the store's folder, no server. */
export const local: BackendDriver = {
  name: "local",
  connectionOptions: ["memoryLimit", "threads"],
  indexOptions: [],
  connect: async ({ home }, { memoryLimit, threads }) =>
    localBackend({
      folder: `${home}/indexes`,
      ...(memoryLimit === undefined ? {} : { memoryLimit: limitOf("memoryLimit", memoryLimit) }),
      ...(threads === undefined ? {} : { threads: limitOf("threads", threads) }),
    }),
};

/** Backends that can be chosen by name. */
export const BACKENDS: readonly BackendDriver[] = [local];

function limitOf(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new NearsightError({
    code: "CONFIG_INVALID",
    message: `Expected a whole number above 0 for ${name} of backend 'local' but found ${String(value)}`,
    hint: `Correct FIFTYONE_BRAIN_SIMILARITY_LOCAL_${name === "threads" ? "THREADS" : "MEMORY_LIMIT"}, or leave it out`,
    details: { option: name },
  });
}

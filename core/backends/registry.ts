/** The backends known by name: what `open()` uses unless it is given others. */

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
  connectionOptions: [],
  indexOptions: [],
  connect: async ({ home }) => localBackend({ folder: `${home}/indexes` }),
};

/** Backends that can be chosen by name. */
export const BACKENDS: readonly BackendDriver[] = [local];

/** Stores in temporary folders. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { openSqliteStore } from "../../../core/store/sqlite-store.ts";
import type { MetadataStore } from "../../../core/store/store.ts";

export * from "./helpers-data.ts";

export const EVERYTHING = { offset: 0, limit: Number.MAX_SAFE_INTEGER } as const;

/** A store for the tests of one file, in a folder that is removed after them. */
export function useStore(): { readonly store: MetadataStore; readonly folder: string } {
  const state: { store?: MetadataStore; folder?: string } = {};
  beforeAll(async () => {
    state.folder = await mkdtemp(join(tmpdir(), "nearsight-store-"));
    state.store = await openSqliteStore({ folder: state.folder });
  });
  afterAll(async () => {
    await state.store?.close();
    if (state.folder !== undefined) await rm(state.folder, { recursive: true });
  });
  return {
    get store() {
      if (state.store === undefined) throw new Error("The store is opened before the tests");
      return state.store;
    },
    get folder() {
      return state.folder ?? "";
    },
  };
}

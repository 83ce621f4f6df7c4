/** Stores in temporary folders, and short ways to fill them. */

import { afterAll, beforeAll } from "vitest";
import { openSqliteStore } from "../../../core/store/sqlite-store.ts";
import type { MetadataStore } from "../../../core/store/store.ts";
import { temporaryFolder } from "../../support/temporary.ts";

export * from "./records.ts";

export const EVERYTHING = { offset: 0, limit: Number.MAX_SAFE_INTEGER } as const;

/** A store for the tests of one file, in a folder that is removed after them. */
export function useStore(): { readonly store: MetadataStore; readonly folder: string } {
  const folder = temporaryFolder();
  let store: MetadataStore | undefined;
  beforeAll(async () => {
    store = await openSqliteStore({ folder });
  });
  afterAll(() => store?.close());
  return {
    get store() {
      if (store === undefined) throw new Error("The store is opened before the tests");
      return store;
    },
    folder,
  };
}

/** The states of a run's entries, by their ids. */
export async function entryStates(store: MetadataStore, runId: string): Promise<Record<string, string>> {
  const entries = await store.entries.list(runId, {});
  return Object.fromEntries(entries.map(({ entryId, state }) => [entryId, state]));
}

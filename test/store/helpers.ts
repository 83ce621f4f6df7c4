/** Stores of their own for test files, on the database of the test project, and short ways to fill them. */

import { afterAll, beforeAll } from "vitest";
import type { MetadataStore } from "../../core/store/store.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { placeOf } from "../support/temporary-store.ts";
import { openAt } from "./places.ts";

export * from "./records.ts";

export const EVERYTHING = { offset: 0, limit: Number.MAX_SAFE_INTEGER } as const;

/** A store for the tests of one file, removed after them; `place` is what `openAt` takes. */
export function useStore(): { readonly store: MetadataStore; readonly place: string } {
  const place = placeOf(temporaryFolder());
  let store: MetadataStore | undefined;
  beforeAll(async () => {
    store = await openAt(place);
  });
  afterAll(() => store?.close());
  return {
    get store() {
      if (store === undefined) throw new Error("The store is opened before the tests");
      return store;
    },
    place,
  };
}

/** The states of a run's entries, by their ids. */
export async function entryStates(store: MetadataStore, runId: string): Promise<Record<string, string>> {
  const entries = await store.entries.list(runId, {});
  return Object.fromEntries(entries.map(({ entryId, state }) => [entryId, state]));
}

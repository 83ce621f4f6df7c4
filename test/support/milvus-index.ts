/** Waits until a Milvus server searches its finished index of a collection and nothing else. */

import { setTimeout as pause } from "node:timers/promises";
import type { MilvusClient } from "@zilliz/milvus2-sdk-node";
import { expect } from "vitest";
import type { Backend, Collection } from "../../core/backends/backend.ts";

const LOOK_AGAIN_MS = 500;

/** Returns once all entries are indexed, the segments of the index loaded, and none beside them is left. */
export async function waitForIndex(
  backend: Backend<MilvusClient>,
  collection: Collection,
  entries: number,
): Promise<void> {
  const client = await backend.client();
  for (let done = false; !done; ) {
    const { infos } = await client.getQuerySegmentInfo({ collectionName: collection.name });
    const indexed = infos.filter(({ index_name: index }) => index !== "");
    const rows = indexed.reduce((sum, { num_rows: count }) => sum + Number(count), 0);
    done = indexed.length === infos.length && rows >= entries;
    if (!done) await pause(LOOK_AGAIN_MS);
  }
  const facts = await collection.facts?.();
  expect(facts).toMatchObject({ state: "Finished" });
  expect(Number(facts?.indexedRows)).toBeGreaterThanOrEqual(entries);
}

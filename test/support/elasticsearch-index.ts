/** Has Elasticsearch finish an index: one graph of all entries, for several small ones would be searched better. */

import type { Client, estypes } from "@elastic/elasticsearch";
import type { Backend } from "../../core/backends/backend.ts";

type Stats = estypes.IndicesStatsIndexStats;

const MERGE_MS = 600_000;

/** Merges the index to one segment; throws unless that holds so many vectors and nothing is left to merge. */
export async function finishIndex(backend: Backend<Client>, index: string, entries: number): Promise<void> {
  const client = await backend.client();
  await client.indices.forcemerge({ index, max_num_segments: 1 }, { requestTimeout: MERGE_MS });
  const { indices } = await client.indices.stats({
    index,
    metric: ["docs", "segments", "merge", "dense_vector"],
  });
  // The SDK's types lack the vectors.
  const found: (Stats & { dense_vector?: { value_count?: number } }) | undefined =
    indices?.[index]?.primaries;
  const facts = {
    entries: found?.docs?.count,
    vectors: found?.dense_vector?.value_count,
    segments: found?.segments?.count,
    merging: found?.merges?.current,
  };
  const expected = { entries, vectors: entries, segments: 1, merging: 0 };
  if (JSON.stringify(facts) === JSON.stringify(expected)) return;
  throw new Error(`Expected ${JSON.stringify(expected)} of ${index} but found ${JSON.stringify(facts)}`);
}

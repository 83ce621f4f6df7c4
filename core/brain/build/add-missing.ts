/** Adds to an index what its view has and it lacks. */

import type { AddedReport, EmbeddingOptions } from "../../dataset/brain-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { failedEntries } from "../entries.ts";
import { withLease } from "../lease.ts";
import type { OpenIndex } from "../open-index.ts";
import { queryModel } from "../query/query.ts";
import { extendRun } from "./build.ts";
import { checkEmbeddingOptions } from "./check-embedding.ts";

/** Embeds and writes the rows of `samples` that are not indexed; see `SimilarityIndex.addMissing`. */
export async function addMissing(
  index: OpenIndex,
  samples: SampleCollection,
  options: EmbeddingOptions,
): Promise<AddedReport> {
  checkEmbeddingOptions(options);
  const { context, run } = index;
  const model = await queryModel(index);
  const before = (await context.store.entries.counts(run.id)).indexed;
  const indexed = await withLease(context, run, options.signal, async (lease) => {
    const held = { ...options, signal: lease.signal };
    const outcome = await extendRun(index, samples, model, held, lease.epoch);
    const state = outcome.failed > 0 ? "partial" : "ready";
    return { state, reason: outcome.reason, result: outcome.indexed };
  });
  await index.refresh();
  return { added: indexed - before, failed: await failedEntries(context, run.id) };
}

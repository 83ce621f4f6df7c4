/** Builds that several processes do together: the parts that go through a queue, and what becomes of them. */

import type { ComputeSimilarityOptions, EmbeddingOptions } from "./brain-port.ts";
import type { SampleCollection } from "./sample-collection.ts";

/** Names a part of a build by its place; plain JSON, so that it fits any queue. */
export interface BatchRef {
  readonly runId: string;
  /** The build it belongs to: another one that begins makes it void. */
  readonly epoch: number;
  /** The entries after this place, up to and with `through`, in planning order. */
  readonly after: number;
  readonly through: number;
}

/** Takes parts of a build to whoever does them: at least once each, in any order. */
export interface BuildQueue {
  send(batches: readonly BatchRef[]): Promise<void>;
}

/**
 * What became of a part. `done`: its entries are settled. `ended`: so are all of the run, which is `ready`, `partial`
 * or `failed` now. `superseded`: another build, or a deletion, made it void.
 */
export type BatchOutcome = "done" | "ended" | "superseded";

export interface PlanOptions extends Pick<EmbeddingOptions, "signal"> {
  readonly queue: BuildQueue;
  /** Entries of a part at most. Default 500. */
  readonly batchEntries?: number;
}

/** Builds of runs by way of a queue. */
export interface QueuedBuildsPort {
  /**
   * Records a run as `computeSimilarity` does, and sends its parts; `runBatch` does them. Vectors have to come from a
   * model or a stored field. Errors are those of `computeSimilarity`, and RUN_BUSY.
   *
   * @example
   * await ns.planSimilarity(dataset, { brainKey: "images" }, { queue: { send: async (batches) => push(batches) } });
   */
  planSimilarity(
    samples: SampleCollection,
    options: ComputeSimilarityOptions & { readonly brainKey: string },
    plan: PlanOptions,
  ): Promise<void>;
  /** Plans what a run's view has and the run lacks, what failed, and what changed. RUN_NOT_FOUND, RUN_BUSY. */
  planMissing(samples: SampleCollection, brainKey: string, plan: PlanOptions): Promise<void>;
  /**
   * Does one part. Whoever is stopped in it leaves it to be done again: all that is thrown means that it is not done.
   *
   * @example
   * const outcome = await ns.runBatch(JSON.parse(message));
   */
  runBatch(batch: BatchRef, options?: EmbeddingOptions): Promise<BatchOutcome>;
  /** Gives a part up that could not be done: what is pending of it has failed with this reason. */
  giveUpBatch(batch: BatchRef, reason: string): Promise<BatchOutcome>;
  /** Stops the build of a run, wherever its parts are; what is indexed stays. False where none is under way. */
  cancelBuild(samples: SampleCollection, brainKey: string): Promise<boolean>;
}

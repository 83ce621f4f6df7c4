/**
 * Writes batches to a collection and settles their entries in the store. Where making writes visible costs a call of
 * its own, several batches become visible together, and none counts as indexed before.
 */

import type { Batch, Collection } from "../backends/backend.ts";
import type { Matrix } from "../matrix.ts";
import type { SettledEntries } from "../store/store-runs.ts";
import { type Failure, normalized, nothing, once } from "./entries.ts";
import { currentValues } from "./fields/write-values.ts";
import { leaseLost } from "./lease.ts";
import type { OpenIndex } from "./open-index.ts";

/** Vectors, and what they were made from. */
export type SourcedBatch = Batch & Pick<SettledEntries, "sourceVersions">;

/** What became of batches: entries that were refused, and those that were deleted while they were written. */
export interface WriteOutcome {
  readonly failed: readonly Failure[];
  readonly unwanted: readonly string[];
}

export interface Writer {
  /**
   * Starts to write a batch, whose arrays have to stay as they are and whose entries are those of no other batch, and
   * waits while too many are on their way. Tells what is known by now of this batch and earlier ones.
   */
  write(batch: SourcedBatch): Promise<WriteOutcome>;
  /** Waits for all batches and settles them, also where one failed, which it then throws; tells the rest. */
  finish(): Promise<WriteOutcome>;
  /** Waits until no batch is on its way any more; who gives up has to. */
  idle(): Promise<void>;
}

/** A killed builder writes what it had not settled again: no more than it wrote in about this time. */
const SETTLE_AFTER_MS = 5_000;
/** Making writes visible has a server finish what it would do later in larger parts: it gets this share of the time. */
const PUBLISHING_SHARE = 0.05;
/** Batches on their way to a server at once: while it works on one, the next is made and sent. */
const BATCHES_AT_ONCE = 2;

/** Starts to write; with an `epoch`, only as long as the lease of that epoch is held. */
export function startWriter(index: OpenIndex, epoch?: number): Writer {
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  let written: SettledEntries[] = [];
  let failed: Failure[] = [];
  let due = performance.now() + SETTLE_AFTER_MS;

  async function send(collection: Collection, batch: SourcedBatch, together: boolean): Promise<void> {
    const visible = together ? "eventually" : "now";
    const { fieldChanges, ...values } = await currentValues(index, batch);
    const report = await collection.upsert(once({ ...stored(index, batch), ...values }), { visible });
    const refused = new Set(report.failed.map(({ id }) => id));
    const indexed = batch.ids.filter((id) => !refused.has(id));
    written.push({ indexed, failed: report.failed, sourceVersions: batch.sourceVersions, fieldChanges });
    failed.push(...report.failed);
  }

  function start(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => underWay.delete(done));
    underWay.add(done);
  }

  async function makeRoom(most: number): Promise<void> {
    while (underWay.size > most) await Promise.race(underWay);
    throwFailure();
  }

  function throwFailure(): void {
    if (failure !== undefined) throw failure.error;
  }

  /** Settles what is written, which has to be visible. */
  async function settle(batches: readonly SettledEntries[]): Promise<string[]> {
    const unwanted: string[] = [];
    for (const entries of batches) {
      unwanted.push(...(await index.context.store.entries.settle(index.run.id, entries, epoch)));
    }
    return unwanted;
  }

  async function publish(together: boolean): Promise<WriteOutcome> {
    const [batches, told] = [written, failed];
    [written, failed] = [[], []];
    const begun = performance.now();
    if (together && batches.length > 0) {
      await (await index.collection())?.upsert(nothing(), { visible: "now" });
    }
    const ended = performance.now();
    due = ended + Math.max(SETTLE_AFTER_MS, (ended - begun) / PUBLISHING_SHARE);
    return { failed: told, unwanted: await settle(batches) };
  }

  return {
    async write(batch) {
      if (epoch !== undefined) await assertHeld(index, epoch);
      const together = await publishes(index);
      const collection = await index.collectionFor(batch.vectors);
      await makeRoom(BATCHES_AT_ONCE - 1);
      start(send(collection, batch, together));
      if (!together) await makeRoom(0);
      return !together || performance.now() >= due ? publish(together) : NOTHING;
    },
    async finish() {
      await Promise.all(underWay);
      const outcome = await publish(await publishes(index));
      throwFailure();
      return outcome;
    },
    async idle() {
      await Promise.all(underWay);
    },
  };
}

const NOTHING: WriteOutcome = { failed: [], unwanted: [] };

async function publishes(index: OpenIndex): Promise<boolean> {
  return (await index.backend()).capabilities.publishes ?? false;
}

function stored(index: OpenIndex, { ids, sampleIds, vectors }: Batch): Batch {
  return {
    ids,
    sampleIds,
    vectors: index.run.config.normalized ? normalized(vectors as Matrix) : vectors,
  };
}

/** Keeps a builder that lost its lease from writing another batch. */
export async function assertHeld({ context, run }: OpenIndex, epoch: number): Promise<void> {
  if ((await context.store.runs.epoch(run.id)) !== epoch) throw leaseLost(run);
}

/** Makes sample, entries and vectors of one key match what is at its address now, whatever was heard of it. */

import type { Dataset } from "../dataset/dataset.ts";
import { toNewSample } from "../dataset/sample-input.ts";
import type { KeyOutcome, MatchOutcome } from "../dataset/sync-port.ts";
import { isNearsightError, NearsightError } from "../errors.ts";
import { idOfAddress } from "../ids.ts";
import { mediaSource } from "../media/source.ts";
import type { SyncContext } from "./context.ts";
import { type HeldKey, type Settled, withKey } from "./key-lease.ts";

/** What was done with a key; a medium that no index can take is done with, too. */
interface Looked {
  readonly outcome: KeyOutcome;
  readonly failure?: MatchOutcome["failed"][number] | undefined;
}

/**
 * See `Dataset.reconcile`. Two calls for one key meet in its lease, so that the later one looks at the key after the
 * earlier one has ended; how often and in what order they come does not matter.
 */
export async function reconcile(
  context: SyncContext,
  dataset: Dataset,
  uri: string,
  { signal }: { readonly signal?: AbortSignal },
): Promise<KeyOutcome> {
  const { outcome, failure } = await withKey(context.store, dataset.id, uri, signal, async (held) =>
    (await isThere(context, held)) ? matchMedium(context, dataset, held) : remove(context, dataset, held),
  );
  if (failure !== undefined) throw notIndexed(uri, failure);
  return outcome;
}

async function isThere({ sources }: SyncContext, { lease: { uri }, signal }: HeldKey): Promise<boolean> {
  try {
    await mediaSource(uri, { sources }).stat(uri, { sources, signal });
    return true;
  } catch (error) {
    if (isNearsightError(error, "MEDIA_NOT_FOUND")) return false;
    throw error;
  }
}

async function matchMedium(
  { indexes }: SyncContext,
  dataset: Dataset,
  held: HeldKey,
): Promise<Settled<Looked>> {
  const { lease, store, signal } = held;
  const { uri } = lease;
  const known = await store.addresses.get(dataset.id, uri);
  const sampleId = known ?? idOfAddress(dataset.id, uri);
  if (known === null) {
    const { sample } = toNewSample({ id: sampleId, filepath: uri, uri }, new Set());
    await store.samples.add(dataset.id, [sample]);
  }
  held.begin();
  const isUncertain = lease.unsettledUntil > 0;
  const matched = await indexes.match({ store, dataset, sampleId, uri, isUncertain, signal });
  const change = matched.written > 0 ? "updated" : "unchanged";
  const outcome = known === null ? "added" : change;
  return { result: { outcome, failure: matched.failed[0] }, isCertain: matched.isCertain };
}

async function remove({ indexes }: SyncContext, dataset: Dataset, held: HeldKey): Promise<Settled<Looked>> {
  const { lease, store, signal } = held;
  const { uri } = lease;
  const known = await store.addresses.get(dataset.id, uri);
  const isUncertain = lease.unsettledUntil > 0;
  if (known === null && !isUncertain) return { result: { outcome: "unchanged" }, isCertain: true };
  held.begin();
  const sampleId = known ?? idOfAddress(dataset.id, uri);
  await indexes.remove({ store, dataset, sampleId, uri, isUncertain, signal });
  return { result: { outcome: known === null ? "unchanged" : "deleted" }, isCertain: true };
}

function notIndexed(uri: string, { brainKey, reason }: { brainKey: string; reason: string }): NearsightError {
  return new NearsightError({
    code: "WRITE_PARTIAL",
    message: `'${uri}' could not be indexed in '${brainKey}': ${reason}`,
    hint: "Replace the file; its entry stays failed until then",
    details: { uri, brainKey },
  });
}

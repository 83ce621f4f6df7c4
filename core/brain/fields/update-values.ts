/** Writes values of filter fields again where samples have changed since. */

import type { Collection } from "../../backends/backend.ts";
import { throwIfAborted } from "../../errors.ts";
import { dropVectors, nothing, once } from "../entries.ts";
import type { OpenIndex } from "../open-index.ts";
import { selectIds } from "../query/fetch-vectors.ts";
import { assertHeld } from "../writer.ts";
import { currentValues, writeAlone } from "./write-values.ts";

/** Entries that become visible, and count as written, together. */
const PAGE = 10_000;

/** What the work is done under; see `writeAlone`. */
type Held = { readonly epoch?: number; readonly signal?: AbortSignal | undefined };

/** Brings the values beside the vectors up to date and gives how many entries were written. */
export async function updateFilterFields(index: OpenIndex, signal: AbortSignal | undefined): Promise<number> {
  const { entries } = index.context.store;
  return writeAlone(index, signal, async (held) => {
    let written = 0;
    let after = -1;
    while (true) {
      const page = await entries.outdated(index.run.id, { after, limit: PAGE });
      const collection = await index.collection();
      if (page.length === 0 || collection === null) return written;
      const ids = page.map(({ entryId }) => entryId);
      written += await writeAgain(index, collection, ids, held);
      after = page.at(-1)?.sequence ?? after;
    }
  });
}

/** The vectors come from the collection itself: under the lease nobody replaces them meanwhile. */
async function writeAgain(
  index: OpenIndex,
  collection: Collection,
  ids: readonly string[],
  { epoch, signal }: Held,
): Promise<number> {
  const changes = new Map<string, number>();
  const done: string[] = [];
  for await (const batch of collection.fetch(selectIds(ids))) {
    throwIfAborted(signal);
    if (epoch !== undefined) await assertHeld(index, epoch);
    const { fieldChanges = [], ...values } = await currentValues(index, batch);
    const written = await collection.upsert(once({ ...batch, ...values }), { visible: "eventually", signal });
    const refused = new Set(written.failed.map(({ id }) => id));
    done.push(...batch.ids.filter((id) => !refused.has(id)));
    for (const [id, count] of fieldChanges) changes.set(id, count);
  }
  await collection.upsert(nothing(), { visible: "now", signal });
  const unwanted = await index.context.store.entries.settleFields(index.run.id, done, changes, epoch);
  await dropVectors(index, unwanted);
  return done.length - unwanted.length;
}

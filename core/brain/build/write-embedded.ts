/** Writes vectors to a collection as they are embedded, and settles their entries, those that failed too. */

import { throwIfAborted } from "../../errors.ts";
import { dropVectors, type Failure } from "../entries.ts";
import type { OpenIndex } from "../open-index.ts";
import { startWriter, type Writer } from "../writer.ts";
import type { EmbeddedRows } from "./embed-media.ts";

/**
 * Writes vectors as they come, while the next ones are embedded: who is killed embeds two batches at most again, and on
 * a server those that the writer had not settled. `told` learns of each batch, and of what failed only later.
 */
export async function writeEmbedded(
  index: OpenIndex,
  batches: AsyncIterable<EmbeddedRows>,
  { epoch, signal }: { epoch?: number | undefined; signal?: AbortSignal | undefined },
  told: (batch: { readonly rows: number; readonly failed: readonly Failure[] }) => void,
): Promise<void> {
  const writer = startWriter(index, epoch);
  try {
    for await (const batch of batches) {
      throwIfAborted(signal);
      const failed = await writeRows(index, writer, batch, epoch);
      told({ rows: batch.ids.length + batch.failed.length, failed });
    }
    const rest = await writer.finish();
    await dropVectors(index, rest.unwanted);
    if (rest.failed.length > 0) told({ rows: 0, failed: rest.failed });
  } finally {
    await writer.idle();
  }
}

/** Gives what failed of these rows, and of earlier ones where that is only known now. */
async function writeRows(
  index: OpenIndex,
  writer: Writer,
  rows: EmbeddedRows,
  epoch: number | undefined,
): Promise<readonly Failure[]> {
  const refused: Failure[] = [];
  if (rows.ids.length > 0) {
    const { failed, unwanted } = await writer.write(rows);
    await dropVectors(index, unwanted);
    refused.push(...failed);
  }
  if (rows.failed.length > 0) {
    await index.context.store.entries.settle(index.run.id, { indexed: [], failed: rows.failed }, epoch);
  }
  return [...rows.failed, ...refused];
}

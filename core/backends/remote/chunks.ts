/** Cuts what goes to a server into parts it takes: ids by number, entries by number and bytes. */

import { Buffer } from "node:buffer";
import type { Batch, Selection } from "../backend.ts";
import { takeBatch } from "../parts.ts";

/** The ids of a selection in lists of at most `size`, each id once. */
export function selectedChunks(selection: Selection, size: number, bytes?: number): AsyncGenerator<string[]> {
  return idChunks(selection.ids(), size, bytes);
}

/** Ids in lists of at most `size` and, where it is given, at most `bytes` of UTF-8, each id once. */
export async function* idChunks(
  pages: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  size: number,
  bytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<string[]> {
  const seen = new Set<string>();
  let chunk: string[] = [];
  let length = 0;
  for await (const page of pages) {
    for (const id of page) {
      if (seen.has(id)) continue;
      seen.add(id);
      const idBytes = Buffer.byteLength(id);
      if (chunk.length > 0 && (chunk.length >= size || length + idBytes > bytes)) {
        yield chunk;
        chunk = [];
        length = 0;
      }
      chunk.push(id);
      length += idBytes;
    }
  }
  if (chunk.length > 0) yield chunk;
}

/** Largest part of a write. */
export interface PartLimits {
  readonly rows: number;
  readonly bytes: number;
}

/** A batch in parts within the limits, each id once in a part: of doubled ids in a batch the last wins. */
export function* parts(batch: Batch, { rows, bytes }: PartLimits): Generator<Batch> {
  const kept = lastRows(batch.ids);
  if (kept.length === 0) return;
  const size = Math.max(1, Math.min(rows, Math.floor(bytes / Math.max(1, batch.vectors.row(0).byteLength))));
  for (let first = 0; first < kept.length; first += size) {
    const chosen = kept.slice(first, first + size);
    yield chosen.length === batch.ids.length ? batch : takeBatch(batch, chosen);
  }
}

/** The last row of each id, in the order of rows. */
function lastRows(ids: readonly string[]): number[] {
  const last = new Map(ids.map((id, row) => [id, row]));
  return [...last.values()].sort((a, b) => a - b);
}

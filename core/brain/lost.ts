/** Tells of vectors that got lost: entries that count as indexed and that their collection no longer has. */

import { NearsightError } from "../errors.ts";
import type { OpenIndex } from "./open-index.ts";

const REPAIR = "doctor({ repair: true }), then addMissing(), make them again";

/** Warns that entries are in no answer because their vectors are gone. */
export function warnOfLost(index: OpenIndex, ids: readonly string[]): void {
  if (ids.length > 0) index.context.warn(`${messageOf(index, ids)}; ${REPAIR}`);
}

/** The error where such an entry itself is needed. */
export function vectorsLost(index: OpenIndex, ids: readonly string[]): NearsightError {
  return new NearsightError({
    code: "ID_NOT_FOUND",
    message: messageOf(index, ids),
    hint: `Look at the index with doctor(): ${REPAIR}`,
    details: { brainKey: index.run.key, ids: ids.slice(0, 10) },
  });
}

function messageOf({ run }: OpenIndex, ids: readonly string[]): string {
  const { backend, collectionName } = run.config;
  return `${ids.length} entries of index '${run.key}' have no vector in '${collectionName}' of ${backend} any more, such as '${ids[0]}'`;
}

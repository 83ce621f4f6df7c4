/** Reads stored vectors by id, in the order asked. */

import { createHash } from "node:crypto";
import type { Collection, Selection } from "../../backends/backend.ts";
import { type Matrix, stackRows, type VectorData } from "../../matrix.ts";

/** Ids per page of a selection. */
const SELECTION_PAGE = 5_000;

/** A selection of known ids. Equal ids give equal keys. */
export function selectIds(ids: readonly string[]): Selection {
  const hash = createHash("sha1");
  for (const page of pagesOfIds(ids)) hash.update(`${page.join("\0")}\0`);
  return {
    size: ids.length,
    key: hash.digest("hex"),
    async *ids() {
      yield* pagesOfIds(ids);
    },
  };
}

function* pagesOfIds(ids: readonly string[]): Generator<readonly string[]> {
  for (let i = 0; i < ids.length; i += SELECTION_PAGE) yield ids.slice(i, i + SELECTION_PAGE);
}

/** The vectors of those ids that the collection holds, in the order asked. */
export async function getVectors(
  collection: Collection,
  ids: readonly string[],
): Promise<{ ids: string[]; sampleIds: string[]; vectors: Matrix<VectorData> }> {
  const rows = new Map<string, { sampleId: string; vector: VectorData }>();
  let dimension = 0;
  for await (const batch of collection.fetch(selectIds([...new Set(ids)]))) {
    dimension = batch.vectors.dimension;
    batch.ids.forEach((id, i) => {
      rows.set(id, { sampleId: batch.sampleIds[i] ?? id, vector: batch.vectors.row(i) });
    });
  }
  const found = ids.filter((id) => rows.has(id));
  return {
    ids: found,
    sampleIds: found.map((id) => rows.get(id)?.sampleId ?? id),
    vectors: stackRows(
      found.flatMap((id) => rows.get(id)?.vector ?? []),
      dimension,
    ),
  };
}

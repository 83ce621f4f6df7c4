/** Reads stored vectors by id, in the order asked. */

import { createHash } from "node:crypto";
import type { Batch, Collection, Selection } from "../../backends/backend.ts";
import { emptyLike, type Matrix, matrix, takeRows, type VectorData } from "../../matrix.ts";

/** Ids per page of a selection. */
const SELECTION_PAGE = 5_000;

/** A collection that holds so many times what is wanted is not read as a whole. */
const FOREIGN_SHARE = 2;

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

/** Vectors with whom they belong to, row by row. */
export interface FoundVectors {
  readonly ids: string[];
  readonly sampleIds: string[];
  readonly vectors: Matrix<VectorData>;
}

/** The vectors of those ids that the collection holds, in the order asked. */
export function getVectors(collection: Collection, ids: readonly string[]): Promise<FoundVectors> {
  const wanted = [...new Set(ids)];
  return gathered(collection.fetch(selectIds(wanted)), wanted, ids);
}

/** The same where the ids are most of the collection: it is read in its own order, which is quicker for a server. */
export async function getMostVectors(collection: Collection, ids: readonly string[]): Promise<FoundVectors> {
  const { size } = await collection.describe();
  return size > FOREIGN_SHARE * ids.length
    ? getVectors(collection, ids)
    : gathered(collection.fetch(), ids, ids);
}

/** Puts each vector where it belongs as it comes in; of what nobody wants nothing is kept. */
async function gathered(
  batches: AsyncIterable<Batch>,
  wanted: readonly string[],
  ids: readonly string[],
): Promise<FoundVectors> {
  const placeOf = new Map(wanted.map((id, place) => [id, place]));
  const sampleIds = new Array<string | undefined>(wanted.length);
  let rows: Matrix<VectorData> = matrix(new Float32Array(0), 0);
  for await (const { ids: found, sampleIds: owners, vectors } of batches) {
    if (rows.rows === 0) rows = emptyLike(vectors, wanted.length);
    found.forEach((id, i) => {
      const place = placeOf.get(id);
      if (place === undefined) return;
      rows.row(place).set(vectors.row(i));
      sampleIds[place] = owners[i] ?? id;
    });
  }
  const isThere = (id: string) => sampleIds[placeOf.get(id) ?? -1] !== undefined;
  const there = ids.filter(isThere);
  const places = there.map((id) => placeOf.get(id) ?? 0);
  const isComplete = there.length === wanted.length && ids.length === wanted.length;
  return {
    ids: there,
    sampleIds: places.map((place) => sampleIds[place] ?? ""),
    vectors: isComplete ? rows : takeRows(rows, places),
  };
}

/** Vector fields in the store: float32 blobs, one row per sample or label. */

import { sql } from "kysely";
import { NearsightError } from "../errors.ts";
import { type Matrix, matrix } from "../matrix.ts";
import { build, type Step, type StoreDatabase } from "./database.ts";
import { datasetIsThere } from "./datasets.ts";
import { FieldCollector } from "./fields.ts";
import { bytesAt, textRows } from "./json-sql.ts";
import { vectorOf } from "./look-up.ts";
import type { VectorColumn, VectorStore } from "./store.ts";

const BYTES = Float32Array.BYTES_PER_ELEMENT;

export function vectorStore(database: StoreDatabase): VectorStore {
  return {
    async put(datasetId, field, ownerIds, vectors) {
      const steps = vectorSteps(datasetId, { field, ownerIds, vectors });
      if (steps.length > 0)
        await database.write({ dataset: datasetId }, [datasetIsThere(datasetId), ...steps]);
    },
    async get(datasetId, field, ownerIds) {
      const rows = await database.read<{ id: string; vector: Uint8Array }>(
        sql<{
          id: string;
          vector: Uint8Array;
        }>`select item.value as id, v.vector as vector from ${textRows(ownerIds)}
          ${vectorOf(datasetId, field, sql`item.value`)}
          order by item.key`,
      );
      const dimension =
        rows[0] === undefined
          ? ((await this.dimension(datasetId, field)) ?? 0)
          : rows[0].vector.byteLength / BYTES;
      const bytes = new Uint8Array(rows.length * dimension * BYTES);
      rows.forEach((row, i) => {
        bytes.set(row.vector, i * dimension * BYTES);
      });
      return { ids: rows.map((row) => row.id), vectors: matrix(new Float32Array(bytes.buffer), dimension) };
    },
    async dimension(datasetId, field) {
      const [row] = await database.read<{ dimension: number }>(
        build
          .selectFrom("sample_vectors")
          .select("dimension")
          .where("dataset_id", "=", datasetId)
          .where("field", "=", field)
          .limit(1),
      );
      return row?.dimension ?? null;
    },
  };
}

/** The steps that keep one field's vectors; DIMENSION_MISMATCH. */
export function vectorSteps(datasetId: string, column: VectorColumn): Step[] {
  const { field } = column;
  assertRows(column.ownerIds, column.vectors);
  const { ids: ownerIds, vectors } = lastOfEach(column.ownerIds, column.vectors);
  if (ownerIds.length === 0) return [];
  const { dimension } = vectors;
  const fields = new FieldCollector();
  fields.add(field, "vector");
  // A copy: what a view covers of a larger buffer, and so that nothing of the caller's crosses the thread.
  const bytes = new Uint8Array(vectors.data.slice().buffer);
  const length = dimension * BYTES;
  return [
    ...fields.steps(datasetId),
    {
      query: sql`select dimension from sample_vectors where dataset_id = ${datasetId} and field = ${field}
        and dimension <> ${dimension} limit 1`,
      guard: {
        stopOn: "rows",
        refuse: ([row]) => wrongDimension(field, Number(row?.dimension), dimension),
      },
    },
    {
      query: sql`insert into sample_vectors (dataset_id, field, owner_id, dimension, vector)
        select ${datasetId}, ${field}, item.value, ${dimension},
          ${bytesAt(bytes, length)}
        from ${textRows(ownerIds)} where true
        on conflict (dataset_id, owner_id, field) do update set vector = excluded.vector`,
    },
  ];
}

/** Rows whose id comes again later are left out: a statement may write each row once only. */
export function lastOfEach(
  ids: readonly string[],
  vectors: Matrix,
): { readonly ids: readonly string[]; readonly vectors: Matrix } {
  const places = new Map(ids.map((id, i) => [id, i]));
  if (places.size === ids.length) return { ids, vectors };
  const data = new Float32Array(places.size * vectors.dimension);
  [...places.values()].forEach((place, i) => {
    data.set(vectors.row(place), i * vectors.dimension);
  });
  return { ids: [...places.keys()], vectors: matrix(data, vectors.dimension) };
}

function assertRows(ownerIds: readonly string[], vectors: Matrix): void {
  if (ownerIds.length === vectors.rows) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected as many vectors as ids, ${ownerIds.length}, but found ${vectors.rows}`,
    hint: "Give one vector per id, in the same order",
  });
}

function wrongDimension(field: string, expected: number, found: number): NearsightError {
  return new NearsightError({
    code: "DIMENSION_MISMATCH",
    message: `Expected vectors of ${expected} numbers for field '${field}' but found ${found}`,
    hint: "Keep vectors of another model in another field",
    details: { field, expected, found },
  });
}

/** Answers of Milvus as columns: texts, vectors and hits. */

import { type Matrix, matrix, type VectorData } from "../../matrix.ts";
import type { Batch, Columns } from "../backend.ts";
import type { Metric } from "../metric.ts";
import type { Layout } from "./schema.ts";
import type { Message, WireAnswer } from "./wire.ts";

interface TextColumn {
  readonly field_name: string;
  readonly scalars?: { readonly string_data?: { readonly data: readonly string[] } };
}

/** The texts of one field of an answer; none where it has no rows. */
export function textsOf(columns: unknown, field: string): readonly string[] {
  const column = ((columns ?? []) as readonly TextColumn[]).find((one) => one.field_name === field);
  return column?.scalars?.string_data?.data ?? [];
}

/** The entries of an answer that has ids, sample ids and vectors. */
export function batchOf({ message, vectors }: WireAnswer, layout: Layout): Batch {
  const { fields } = layout;
  const ids = textsOf(message.fields_data, fields.id);
  const sampleIds = fields.sampleId === null ? ids : textsOf(message.fields_data, fields.sampleId);
  return { ids, sampleIds, vectors: vectorsOf(vectors.get(fields.vector), layout) };
}

function vectorsOf(bytes: Buffer | undefined, { dimension, vectorType }: Layout): Matrix<VectorData> {
  // A copy: the bytes lie anywhere in the answer, float32 numbers begin at multiples of four.
  const copy = new Uint8Array(bytes ?? []);
  return matrix<VectorData>(vectorType === "bits" ? copy : new Float32Array(copy.buffer), dimension);
}

interface SearchResults {
  readonly topks: readonly string[];
  readonly scores: readonly number[];
  readonly ids?: { readonly str_id?: { readonly data: readonly string[] } } | null;
  readonly fields_data: readonly TextColumn[];
}

/** Hits of each query of a search, in the server's order, which is by score but not by id. */
export function hitsOf(message: Message, { metric, fields }: Layout, queries: number): Columns[] {
  const results = message.results as SearchResults | null;
  const ids = results?.ids?.str_id?.data ?? [];
  const sampleIds = fields.sampleId === null ? ids : textsOf(results?.fields_data, fields.sampleId);
  const found: Columns[] = [];
  let first = 0;
  for (let query = 0; query < queries; query++) {
    const end = first + Number(results?.topks[query] ?? 0);
    found.push({
      ids: ids.slice(first, end),
      sampleIds: sampleIds.slice(first, end),
      distances: distancesOf(results?.scores.slice(first, end) ?? [], metric),
    });
    first = end;
  }
  return found;
}

/** Scores as distances: Milvus gives the cosine and the inner product, and euclidean distances squared. */
function distancesOf(scores: readonly number[], metric: Metric): Float32Array {
  switch (metric) {
    case "cosine":
      return Float32Array.from(scores, (score) => 1 - score);
    case "dotproduct":
      return Float32Array.from(scores, (score) => 0 - score);
    case "euclidean":
      return Float32Array.from(scores, (score) => Math.sqrt(Math.max(0, score)));
    case "jaccard":
    case "hamming":
      return Float32Array.from(scores);
  }
}

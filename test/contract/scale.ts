/** Seeded data of a size that servers index, and the exact ranking of each of its queries. */

import type { Batch, Columns, Selection } from "../../core/backends/backend.ts";
import { distanceOf } from "../../core/backends/metric.ts";
import { type Matrix, matrix, takeRows, type VectorData } from "../../core/matrix.ts";
import { seededRandom } from "../../core/random.ts";
import { at, type Truth } from "./answers.ts";

/** Entries: above what Milvus (16,384) and Elasticsearch (10,000) give in one answer. */
export const SCALE = 20_480;
export const SCALE_DIMENSION = 16;
/** Queries, none of them an entry. */
const QUERIES = 20;

/** `random` is the hardest for an index; `clustered` is like embeddings of pictures. */
export type Kind = "random" | "clustered";

/** Data of one kind, compared by cosine. */
export interface Scale {
  readonly batch: Batch;
  readonly queries: Matrix<VectorData>;
  /** The entries in order for a query, by row. */
  ranking(query: number): Uint32Array;
  /** What is true of each entry for a query. */
  truth(query: number): Truth;
  /** The first `k` hits of a query among the rows that `among` keeps. */
  hits(query: number, options: HitsOptions): Columns;
}

export interface HitsOptions {
  readonly k: number | null;
  readonly among?: (row: number) => boolean;
  readonly reverse?: boolean;
  readonly maxDistance?: number;
}

const made = new Map<Kind, Scale>();

/** The data of a kind, made once. */
export function scaleOf(kind: Kind): Scale {
  const known = made.get(kind) ?? makeScale(kind);
  made.set(kind, known);
  return known;
}

function makeScale(kind: Kind): Scale {
  const all = kind === "random" ? randomRows(SCALE + QUERIES) : clusteredRows(SCALE + QUERIES);
  const ids = Array.from({ length: SCALE }, (_, row) => `${kind[0]}${String(row).padStart(5, "0")}`);
  const batch: Batch = {
    ids,
    sampleIds: ids.map((id) => `sample-${id}`),
    vectors: matrix(all.data.slice(0, SCALE * SCALE_DIMENSION), SCALE_DIMENSION),
  };
  const queries = matrix<VectorData>(all.data.slice(SCALE * SCALE_DIMENSION), SCALE_DIMENSION);
  const rankings = Array.from({ length: QUERIES }, (_, query) => rank(batch.vectors, queries.row(query)));
  const truth = (query: number): Truth => {
    const { distances } = at(rankings, query);
    return (id) => {
      const row = Number(id.slice(1));
      if (ids[row] !== id) return undefined;
      return { sampleId: at(batch.sampleIds, row), distance: at(distances, row) };
    };
  };
  return {
    batch,
    queries,
    ranking: (query) => at(rankings, query).order,
    truth,
    hits(query, { k, among = () => true, reverse = false, maxDistance = Number.POSITIVE_INFINITY }) {
      const { order, distances } = at(rankings, query);
      const near = order.filter((row) => among(row) && at(distances, row) <= maxDistance);
      const rows = [...(reverse ? near.toReversed() : near).slice(0, k ?? undefined)];
      return {
        ids: rows.map((row) => at(ids, row)),
        sampleIds: rows.map((row) => at(batch.sampleIds, row)),
        distances: Float32Array.from(rows, (row) => at(distances, row)),
      };
    },
  };
}

/** The rows by distance, ties by row as by id, and the distance of each row. */
function rank(rows: Matrix<VectorData>, query: VectorData): { order: Uint32Array; distances: Float32Array } {
  const distances = Float32Array.from({ length: rows.rows }, (_, row) =>
    distanceOf("cosine", query, rows.row(row)),
  );
  const order = Uint32Array.from(distances.keys());
  order.sort((a, b) => at(distances, a) - at(distances, b) || a - b);
  return { order, distances };
}

function randomRows(count: number): Matrix {
  const normal = normals(51);
  return matrix(Float32Array.from({ length: count * SCALE_DIMENSION }, normal), SCALE_DIMENSION);
}

/** Clusters of unequal width around a common offset; entry `row` is of cluster `row % CLUSTERS`. */
const CLUSTERS = 200;

function clusteredRows(count: number): Matrix {
  const normal = normals(52);
  const centres = Float32Array.from({ length: CLUSTERS * SCALE_DIMENSION }, () => 0.5 + normal());
  const data = new Float32Array(count * SCALE_DIMENSION);
  for (let row = 0; row < count; row++) {
    const cluster = row % CLUSTERS;
    const width = 0.1 + (0.3 * cluster) / CLUSTERS;
    for (let i = 0; i < SCALE_DIMENSION; i++) {
      data[row * SCALE_DIMENSION + i] = at(centres, cluster * SCALE_DIMENSION + i) + width * normal();
    }
  }
  return matrix(data, SCALE_DIMENSION);
}

/** Normally distributed numbers (Box and Muller). */
function normals(seed: number): () => number {
  const random = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Some of the queries as a matrix. */
export function someQueries({ queries }: Scale, count: number): Matrix<VectorData> {
  return takeRows(
    queries,
    Array.from({ length: count }, (_, i) => i),
  );
}

/** A selection of many ids, in pages as a store gives them. */
export function selectMany(ids: readonly string[], key: string): Selection {
  async function* pages(): AsyncIterable<readonly string[]> {
    for (let first = 0; first < ids.length; first += 1000) yield ids.slice(first, first + 1000);
  }
  return { size: ids.length, key, ids: pages };
}

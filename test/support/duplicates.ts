/** Duplicates and unique entries by the plain definitions, and backends of several kinds to find them on. */

import type { Backend, Capabilities, Collection } from "../../core/backends/backend.ts";
import { distanceOf, type Metric } from "../../core/backends/metric.ts";
import { type BackendDriver, local } from "../../core/backends/registry.ts";
import { neighborhoods } from "../../core/brain/compare/neighbors.ts";
import type { Matrix, VectorData } from "../../core/matrix.ts";
import { referenceBackend } from "../contract/reference-backend.ts";

/** Hits of one call that the server below gives at most. */
const SERVER_LIMIT = 10;

/** An exact backend in memory that has no way to find all neighbours, and a limit on `k`. */
const server = driverOf("server", { maxK: SERVER_LIMIT }, (collection) => ({
  search(queries, options) {
    if (options.k === null || options.k > SERVER_LIMIT) throw new Error(`k is ${options.k}`);
    return collection.search(queries, options);
  },
}));

/** How often the backend below was read to the end of its neighbours. */
export const ENDED = { streams: 0 };

/** A backend that finds all neighbours, the last entries first. */
const backwards = driverOf("backwards", {}, (collection, backend) => ({
  async *neighbors(options) {
    const parts = [];
    for await (const part of neighborhoods(backend, collection, options)) parts.unshift(part);
    yield* parts;
    ENDED.streams++;
  },
}));

/** One driver of each kind. */
export const DRIVERS: readonly BackendDriver[] = [local, server, backwards];

function driverOf(
  name: string,
  capabilities: Partial<Capabilities>,
  change: (collection: Collection, backend: Backend) => Partial<Collection>,
): BackendDriver {
  return {
    name,
    connectionOptions: [],
    indexOptions: [],
    async connect() {
      const backend = referenceBackend();
      const changed = (collection: Collection) => ({ ...collection, ...change(collection, backend) });
      return {
        ...backend,
        name,
        capabilities: { ...backend.capabilities, ...capabilities },
        create: async (spec) => changed(await backend.create(spec)),
        open: async (collection) => changed(await backend.open(collection)),
      };
    },
  };
}

/** The distance of two rows as float32, which is what backends give. */
export function pairDistance(metric: Metric, vectors: Matrix<VectorData>, a: number, b: number): number {
  return Math.fround(distanceOf(metric, vectors.row(a), vectors.row(b)));
}

/** Rows that are kept: each that is farther than `thresh` from all kept before. */
export function greedyRows(vectors: Matrix<VectorData>, metric: Metric, thresh: number): number[] {
  const kept: number[] = [];
  const limit = Math.fround(thresh);
  for (let row = 0; row < vectors.rows; row++) {
    if (kept.every((other) => pairDistance(metric, vectors, other, row) > limit)) kept.push(row);
  }
  return kept;
}

/** Rows in the order of choice: the first one, then each time the one farthest from all chosen. */
export function farthestRows(vectors: Matrix<VectorData>, metric: Metric, count: number): number[] {
  const chosen: number[] = [];
  while (chosen.length < Math.min(count, vectors.rows)) {
    let best = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < vectors.rows; row++) {
      if (chosen.includes(row)) continue;
      const nearest = Math.min(
        ...chosen.map((other) => distanceOf(metric, vectors.row(other), vectors.row(row))),
      );
      if (best !== -1 && nearest <= most) continue;
      best = row;
      most = nearest;
    }
    chosen.push(best);
  }
  return chosen;
}

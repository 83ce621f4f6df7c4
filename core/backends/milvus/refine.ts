/** Exact distances for hits of an index that compares short codes in place of vectors. */

import type { Matrix, VectorData } from "../../matrix.ts";
import type { Columns } from "../backend.ts";
import { distanceOf } from "../metric.ts";
import { inOrder } from "../remote/ranking.ts";
import type { Access } from "./access.ts";
import { readIds } from "./read.ts";

/** A hit: of which query, and which of its hits. */
interface Place {
  readonly query: number;
  readonly hit: number;
}

/** The hits of each query with distances from their vectors, in the order of these. */
export async function refined(
  access: Access,
  queries: Matrix<VectorData>,
  found: readonly Columns[],
  signal: AbortSignal | undefined,
): Promise<Columns[]> {
  const { metric } = await access.layout();
  const places = placesOf(found);
  const distances = found.map((hits) => hits.distances.slice());
  for await (const { ids, vectors } of readIds(access, [...places.keys()], signal)) {
    ids.forEach((id, row) => {
      for (const { query, hit } of places.get(id) ?? []) {
        const exact = distanceOf(metric, queries.row(query), vectors.row(row));
        distances[query]?.fill(exact, hit, hit + 1);
      }
    });
  }
  return found.map((hits, query) => inOrder({ ...hits, distances: distances[query] ?? hits.distances }));
}

function placesOf(found: readonly Columns[]): Map<string, Place[]> {
  const places = new Map<string, Place[]>();
  found.forEach(({ ids }, query) => {
    ids.forEach((id, hit) => {
      const place = { query, hit };
      const others = places.get(id);
      if (others === undefined) places.set(id, [place]);
      else others.push(place);
    });
  });
  return places;
}

/** The nearest neighbours of every vector, exact where the backend is, as layouts want them: by row, with distances. */

import type { Backend, Batch, Collection, NeighborOptions } from "../../backends/backend.ts";
import { neighborhoods } from "../compare/neighbors.ts";
import type { Pace } from "./pace.ts";
import type { VectorStream } from "./vector-stream.ts";

/** `width` neighbours a row, nearest first, the row itself left out; -1 and infinity where there are fewer. */
export interface NeighborGraph {
  readonly rows: number;
  readonly width: number;
  readonly neighbors: Int32Array;
  readonly distances: Float32Array;
}

/** Finds the neighbours of `ids` among each other in a collection that holds them all. */
export async function neighborGraph(
  backend: Backend,
  collection: Collection,
  ids: readonly string[],
  options: NeighborOptions & { k: number },
  turn: Pace,
): Promise<NeighborGraph> {
  const width = options.k;
  const positions = new Map(ids.map((id, i) => [id, i]));
  const neighbors = new Int32Array(ids.length * width).fill(-1);
  const distances = new Float32Array(ids.length * width).fill(Number.POSITIVE_INFINITY);
  for await (const part of neighborhoods(backend, collection, options)) {
    part.ids.forEach((id, i) => {
      const row = positions.get(id);
      if (row === undefined) return;
      let place = row * width;
      for (let hit = part.starts[i] ?? 0; hit < (part.starts[i + 1] ?? 0); hit++) {
        const neighbor = positions.get(part.neighbors.ids[hit] ?? "");
        if (neighbor === undefined) continue;
        neighbors[place] = neighbor;
        distances[place++] = part.neighbors.distances[hit] ?? 0;
      }
    });
    await turn();
  }
  return { rows: ids.length, width, neighbors, distances };
}

/** The pages of a stream as a collection takes them. */
export async function* batchesOf(stream: VectorStream): AsyncGenerator<Batch> {
  let start = 0;
  for await (const vectors of stream.pages()) {
    const rows = stream.identities.slice(start, start + vectors.rows);
    start += vectors.rows;
    yield { ids: rows.map((row) => row.id), sampleIds: rows.map((row) => row.sampleId), vectors };
  }
}

/** Splits entries into kept ones and duplicates, in one pass over the neighbours in the order of the entries. */

/** Which entries are kept so far, and the kept entry nearest to each other one. */
export class Partition {
  /** By place: the place of the nearest kept entry, its own for a kept one, -1 where that is open. */
  readonly nearest: Int32Array;
  /** The distance to it. */
  readonly distances: Float32Array;
  kept = 0;

  constructor(size: number) {
    this.nearest = new Int32Array(size).fill(-1);
    this.distances = new Float32Array(size);
  }

  /** True for an entry near one that is kept. */
  isDuplicate(place: number): boolean {
    const nearest = this.nearest[place] ?? -1;
    return nearest !== -1 && nearest !== place;
  }

  /**
   * Keeps an entry, unless it is a duplicate, and makes its neighbours from `start` to `end` duplicates.
   * To be called in the order of the places, each with all neighbours within the threshold.
   */
  take(place: number, neighbors: Uint32Array, distances: Float32Array, start: number, end: number): void {
    if (this.isDuplicate(place)) return;
    this.nearest[place] = place;
    this.kept++;
    for (let hit = start; hit < end; hit++) this.#assign(neighbors[hit] ?? 0, place, distances[hit] ?? 0);
  }

  /** Ends the pass: what is still open has no neighbour and is kept. */
  keepRest(): void {
    this.nearest.forEach((nearest, place) => {
      if (nearest === -1) this.take(place, NONE, NO_DISTANCES, 0, 0);
    });
  }

  /** A kept entry stays so: rounding may make it near from the other side only. Of equal ones the first is nearest. */
  #assign(place: number, to: number, distance: number): void {
    const nearest = this.nearest[place] ?? -1;
    if (nearest === place || (nearest !== -1 && distance >= (this.distances[place] ?? 0))) return;
    this.nearest[place] = to;
    this.distances[place] = distance;
  }
}

const NONE = new Uint32Array(0);
const NO_DISTANCES = new Float32Array(0);

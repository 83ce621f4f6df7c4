/** A tree of points in 1 to 3 dimensions that sums the forces between all of them approximately (Barnes and Hut, 1986). */

/** Cells are not split further than this: what is closer together counts as one place. */
const DEEPEST = 48;

/** Cells of the tree in flat arrays; used again for each step. */
export interface ForceTree {
  /** Sorts the points, [rows, dims] in one array, into cells. */
  build(points: Float64Array): void;
  /**
   * Adds the repulsion q²·(point - other) of all others to `force`, q being 1 / (1 + distance²), and gives the
   * sum of q. A cell whose side is below `theta` times its distance counts as one place.
   */
  repel(row: number, theta: number, force: Float64Array): number;
}

export function forceTree(rows: number, dims: number): ForceTree {
  const fanOut = 2 ** dims;
  let capacity = Math.max(64, 2 * rows);
  /** Index of the first of a cell's children, or 0 for a leaf. */
  let children = new Int32Array(capacity);
  let counts = new Int32Array(capacity);
  let centres = new Float64Array(capacity * dims);
  let masses = new Float64Array(capacity * dims);
  let sides = new Float64Array(capacity);
  let used = 0;
  let points: Float64Array = new Float64Array(0);
  const stack = new Int32Array(DEEPEST * fanOut + fanOut);

  function more(): void {
    if (used + fanOut <= capacity) return;
    capacity = 2 * capacity + fanOut;
    children = grown(children, new Int32Array(capacity));
    counts = grown(counts, new Int32Array(capacity));
    centres = grown(centres, new Float64Array(capacity * dims));
    masses = grown(masses, new Float64Array(capacity * dims));
    sides = grown(sides, new Float64Array(capacity));
  }

  function split(cell: number): void {
    more();
    children[cell] = used;
    const side = (sides[cell] as number) / 2;
    for (let child = 0; child < fanOut; child++, used++) {
      children[used] = 0;
      counts[used] = 0;
      sides[used] = side;
      for (let d = 0; d < dims; d++) {
        masses[used * dims + d] = 0;
        centres[used * dims + d] =
          (centres[cell * dims + d] as number) + ((child >> d) & 1 ? side / 2 : -side / 2);
      }
    }
  }

  /** The child of a cell in which a place lies. */
  function childAt(cell: number, places: Float64Array, offset: number): number {
    let child = children[cell] as number;
    for (let d = 0; d < dims; d++) {
      if ((places[offset + d] as number) > (centres[cell * dims + d] as number)) child += 1 << d;
    }
    return child;
  }

  /** Counts a place in a cell; `masses` holds the mean of the places counted. */
  function count(cell: number, places: Float64Array, offset: number, weight: number): void {
    const total = (counts[cell] as number) + weight;
    counts[cell] = total;
    for (let d = 0; d < dims; d++) {
      const mean = masses[cell * dims + d] as number;
      masses[cell * dims + d] = mean + (((places[offset + d] as number) - mean) * weight) / total;
    }
  }

  function insert(row: number): void {
    const offset = row * dims;
    let cell = 0;
    for (let depth = 0; ; depth++) {
      const before = counts[cell] as number;
      if (children[cell] === 0 && before > 0 && depth < DEEPEST) {
        // A leaf with a place already: that one moves into a child first.
        const held = masses.slice(cell * dims, (cell + 1) * dims);
        split(cell);
        count(childAt(cell, held, 0), held, 0, before);
      }
      count(cell, points, offset, 1);
      if (children[cell] === 0) return;
      cell = childAt(cell, points, offset);
    }
  }

  return {
    build(next) {
      points = next;
      used = 1;
      children[0] = 0;
      counts[0] = 0;
      let side = 0;
      for (let d = 0; d < dims; d++) {
        let low = Number.POSITIVE_INFINITY;
        let high = Number.NEGATIVE_INFINITY;
        for (let i = d; i < points.length; i += dims) {
          low = Math.min(low, points[i] as number);
          high = Math.max(high, points[i] as number);
        }
        masses[d] = 0;
        centres[d] = (low + high) / 2;
        side = Math.max(side, high - low);
      }
      sides[0] = side;
      for (let row = 0; row < rows; row++) insert(row);
    },
    repel(row, theta, force) {
      const offset = row * dims;
      const limit = theta * theta;
      let total = 0;
      let top = 0;
      stack[top++] = 0;
      while (top > 0) {
        const cell = stack[--top] as number;
        const weight = counts[cell] as number;
        if (weight === 0) continue;
        let squared = 0;
        for (let d = 0; d < dims; d++) {
          const apart = (points[offset + d] as number) - (masses[cell * dims + d] as number);
          squared += apart * apart;
        }
        const side = sides[cell] as number;
        const child = children[cell] as number;
        if (child !== 0 && side * side >= limit * squared) {
          for (let i = 0; i < fanOut; i++) stack[top++] = child + i;
          continue;
        }
        const q = 1 / (1 + squared);
        const strength = weight * q;
        total += strength;
        for (let d = 0; d < dims; d++) {
          const apart = (points[offset + d] as number) - (masses[cell * dims + d] as number);
          force[offset + d] = (force[offset + d] as number) + strength * q * apart;
        }
      }
      // The point met itself at distance 0.
      return total - 1;
    },
  };
}

function grown<Values extends Int32Array | Float64Array>(from: Values, to: Values): Values {
  to.set(from);
  return to;
}

/** The convex outline of a picture's opaque pixels. */

/** Pixels at least this opaque (of 255) count as part of a drawing. */
export const OPAQUE = 32;

type Point = readonly [number, number];

/** Left, top, width and height of the opaque pixels of an RGBA picture. */
export function opaqueBounds(
  rgba: Uint8Array,
  width: number,
  height: number,
): [number, number, number, number] {
  let left = width;
  let top = height;
  let right = -1;
  let bottom = -1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if ((rgba[(y * width + x) * 4 + 3] ?? 0) < OPAQUE) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  return [left, top, right - left + 1, bottom - top + 1];
}

function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/** Half of the outline: the points of a chain that turns one way, dents under half a pixel filled. */
function chain(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (const point of points) {
    while (kept.length > 1) {
      const [a, b] = kept.slice(-2) as [Point, Point];
      if (turn(a, b, point) > 0) break;
      kept.pop();
    }
    kept.push(point);
  }
  return kept.slice(0, -1);
}

/** Points of the hull further than `tolerance` pixels from the line through their neighbours. */
function simplify(hull: readonly Point[], tolerance: number): Point[] {
  const kept = [...hull];
  for (let index = 0; kept.length > 4 && index < kept.length; ) {
    const before = kept.at(index - 1) as Point;
    const after = kept[(index + 1) % kept.length] as Point;
    const here = kept[index] as Point;
    const length = Math.hypot(after[0] - before[0], after[1] - before[1]);
    if (Math.abs(turn(before, after, here)) / length < tolerance) kept.splice(index, 1);
    else index++;
  }
  return kept;
}

/** The convex outline of the opaque pixels as x0, y0, x1, y1, ..., whole pixels, corners of pixels included. */
export function convexHull(rgba: Uint8Array, width: number, height: number): number[] {
  const points: Point[] = [];
  for (let y = 0; y < height; y++) {
    const row: number[] = [];
    for (let x = 0; x < width; x++) if ((rgba[(y * width + x) * 4 + 3] ?? 0) >= OPAQUE) row.push(x);
    if (row.length === 0) continue;
    const [first, last] = [row[0] ?? 0, (row.at(-1) ?? 0) + 1];
    points.push([first, y], [first, y + 1], [last, y], [last, y + 1]);
  }
  points.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const hull = [...chain(points), ...chain(points.toReversed())];
  return simplify(hull, 0.4).flat();
}

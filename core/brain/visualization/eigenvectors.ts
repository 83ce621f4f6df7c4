/** The leading eigenvectors of a symmetric matrix: Jacobi rotations where it is small, Krylov blocks elsewhere. */

import { seededRandom } from "../../random.ts";
import type { Pace } from "./pace.ts";

/** Up to this many rows all eigenvectors are found at once. */
const SMALL = 128;

/** Vectors kept beside the wanted ones: they let close eigenvalues settle. */
const SPARE = 6;

/** Times a block is multiplied before its best directions are taken again. */
const BLOCKS = 8;
const ROUNDS = 500;

/** Residual, in shares of the largest eigenvalue, at which a vector has settled. */
const SETTLED = 1e-11;

export interface Eigenvectors {
  /** Largest first. */
  readonly values: Float64Array;
  /** Of length 1 each, in the order of the values. */
  readonly vectors: readonly Float64Array[];
}

/** The `count` largest of a positive semidefinite matrix of `size` rows; the matrix is not changed. */
export async function leadingEigenvectors(
  matrix: Float64Array,
  size: number,
  count: number,
  turn: Pace,
): Promise<Eigenvectors> {
  if (size <= SMALL || count >= SMALL) return first(jacobi(matrix, size), count);
  const random = seededRandom(51);
  const width = count + SPARE;
  let block: Float64Array[] = Array.from({ length: width }, () =>
    Float64Array.from({ length: size }, () => random() - 0.5),
  );
  for (let round = 0; ; round++) {
    const { basis, images } = await krylov(matrix, block, random, turn);
    const found = projected(basis, images, width);
    if (round === ROUNDS || found.residuals.slice(0, count).every((one) => one <= SETTLED)) {
      return first(found, count);
    }
    block = [...found.vectors];
  }
}

function first({ values, vectors }: Eigenvectors, count: number): Eigenvectors {
  return { values: values.slice(0, count), vectors: vectors.slice(0, count) };
}

/** An orthonormal basis of the block and its products with the matrix, and the basis multiplied. */
async function krylov(
  matrix: Float64Array,
  block: readonly Float64Array[],
  random: () => number,
  turn: Pace,
): Promise<{ basis: Float64Array[]; images: Float64Array[] }> {
  const basis: Float64Array[] = [];
  const images: Float64Array[] = [];
  let next = block;
  for (let step = 0; step < BLOCKS; step++) {
    const products: Float64Array[] = [];
    for (const vector of next) {
      if (basis.length === matrix.length / vector.length) return { basis, images };
      const direction = newDirection(vector, basis, random);
      basis.push(direction);
      const image = multiplied(matrix, direction);
      images.push(image);
      products.push(image);
      await turn();
    }
    next = products;
  }
  return { basis, images };
}

/** The part of a vector that is orthogonal to the basis, of length 1; another direction where none is left. */
function newDirection(
  vector: Float64Array,
  basis: readonly Float64Array[],
  random: () => number,
): Float64Array {
  let candidate = vector.slice();
  for (;;) {
    const length = Math.sqrt(dot(candidate, candidate));
    // Twice: once leaves errors of rounding where the candidate lies almost inside the basis.
    for (let pass = 0; pass < 2; pass++) {
      for (const known of basis) subtract(candidate, known, dot(candidate, known));
    }
    const rest = Math.sqrt(dot(candidate, candidate));
    if (rest > 1e-12 * length) return candidate.map((value) => value / rest);
    candidate = Float64Array.from(vector, () => random() - 0.5);
  }
}

/** The best eigenvectors inside the span of the basis, with their residuals. */
function projected(
  basis: readonly Float64Array[],
  images: readonly Float64Array[],
  count: number,
): Eigenvectors & { residuals: number[] } {
  const size = basis.length;
  const small = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = dot(basis[i] as Float64Array, images[j] as Float64Array);
      small[i * size + j] = value;
      small[j * size + i] = value;
    }
  }
  const { values, vectors } = first(jacobi(small, size), count);
  const largest = Math.max(values[0] ?? 0, Number.MIN_VALUE);
  const full = vectors.map((weights) => combined(basis, weights));
  const residuals = vectors.map((weights, i) => {
    const image = combined(images, weights);
    subtract(image, full[i] as Float64Array, values[i] as number);
    return Math.sqrt(dot(image, image)) / largest;
  });
  return { values, vectors: full, residuals };
}

/** Every eigenvector of a small symmetric matrix (cyclic Jacobi), largest eigenvalue first. */
function jacobi(matrix: Float64Array, size: number): Eigenvectors {
  const a = matrix.slice();
  const rows = Array.from({ length: size }, (_, i) => {
    const row = new Float64Array(size);
    row[i] = 1;
    return row;
  });
  for (let sweep = 0; sweep < 60 && offDiagonal(a, size) > 0; sweep++) {
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(a, rows, size, p, q);
  }
  const order = rows.map((_, i) => i).sort((i, j) => at(a, j * size + j) - at(a, i * size + i));
  return {
    values: Float64Array.from(order, (i) => at(a, i * size + i)),
    vectors: order.map((i) => rows[i] as Float64Array),
  };
}

/** The largest entry off the diagonal; 0 where rounding hides it beside the diagonal. */
function offDiagonal(a: Float64Array, size: number): number {
  let most = 0;
  let diagonal = 0;
  for (let i = 0; i < size; i++) {
    diagonal = Math.max(diagonal, Math.abs(at(a, i * size + i)));
    for (let j = 0; j < i; j++) most = Math.max(most, Math.abs(at(a, i * size + j)));
  }
  return most > 1e-16 * diagonal ? most : 0;
}

/** Turns the plane of axes `p` and `q` so that their common entry becomes 0. */
function rotate(a: Float64Array, rows: readonly Float64Array[], size: number, p: number, q: number): void {
  const shared = at(a, p * size + q);
  if (shared === 0) return;
  const theta = (at(a, q * size + q) - at(a, p * size + p)) / (2 * shared);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    const kp = at(a, k * size + p);
    const kq = at(a, k * size + q);
    a[k * size + p] = c * kp - s * kq;
    a[k * size + q] = s * kp + c * kq;
  }
  turnRows(a.subarray(p * size, (p + 1) * size), a.subarray(q * size, (q + 1) * size), c, s);
  turnRows(rows[p] as Float64Array, rows[q] as Float64Array, c, s);
}

function turnRows(left: Float64Array, right: Float64Array, c: number, s: number): void {
  for (let k = 0; k < left.length; k++) {
    const l = at(left, k);
    const r = at(right, k);
    left[k] = c * l - s * r;
    right[k] = s * l + c * r;
  }
}

function multiplied(matrix: Float64Array, vector: Float64Array): Float64Array {
  const size = vector.length;
  return vector.map((_, i) => dot(matrix.subarray(i * size, (i + 1) * size), vector));
}

function combined(vectors: readonly Float64Array[], weights: Float64Array): Float64Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0);
  vectors.forEach((vector, i) => {
    subtract(sum, vector, -at(weights, i));
  });
  return sum;
}

/** `target -= factor * vector` */
function subtract(target: Float64Array, vector: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] = at(target, i) - factor * at(vector, i);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += at(a, i) * at(b, i);
  return sum;
}

function at(values: Float64Array, i: number): number {
  return values[i] as number;
}

// The distance kernel in AssemblyScript; `tools/build-kernel.ts` compiles it into kernel.wasm.ts.
// Rows are `stride` bytes apart, padded with zeros to 16 bytes, so that no loop needs a scalar tail.

export { clearRow, encodeQuery, encodeRow, queryOfRow, scanPanels } from "./codes";
export { joinPanels } from "./join";

/** Writes the inner product of one query with each of `count` rows, as float32, to `out`. */
export function dotProducts(query: usize, rows: usize, stride: usize, count: usize, out: usize): void {
  const unrolled = stride & ~63;
  for (let row: usize = 0; row < count; row++) {
    let sum0 = f32x4.splat(0);
    let sum1 = f32x4.splat(0);
    let sum2 = f32x4.splat(0);
    let sum3 = f32x4.splat(0);
    let at: usize = 0;
    for (; at < unrolled; at += 64) {
      const a = query + at;
      const b = rows + at;
      sum0 = f32x4.add(sum0, f32x4.mul(v128.load(a), v128.load(b)));
      sum1 = f32x4.add(sum1, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
      sum2 = f32x4.add(sum2, f32x4.mul(v128.load(a, 32), v128.load(b, 32)));
      sum3 = f32x4.add(sum3, f32x4.mul(v128.load(a, 48), v128.load(b, 48)));
    }
    for (; at < stride; at += 16) {
      sum0 = f32x4.add(sum0, f32x4.mul(v128.load(query + at), v128.load(rows + at)));
    }
    store<f32>(out, total(f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3))));
    rows += stride;
    out += 4;
  }
}

/** The same for four queries that lie `stride` bytes apart: each row is read once; outputs `outStride` bytes apart. */
export function dotProducts4(
  queries: usize, rows: usize, stride: usize, count: usize, out: usize, outStride: usize,
): void {
  const query1 = queries + stride;
  const query2 = query1 + stride;
  const query3 = query2 + stride;
  for (let row: usize = 0; row < count; row++) {
    let sum0 = f32x4.splat(0);
    let sum1 = f32x4.splat(0);
    let sum2 = f32x4.splat(0);
    let sum3 = f32x4.splat(0);
    for (let at: usize = 0; at < stride; at += 16) {
      const value = v128.load(rows + at);
      sum0 = f32x4.add(sum0, f32x4.mul(v128.load(queries + at), value));
      sum1 = f32x4.add(sum1, f32x4.mul(v128.load(query1 + at), value));
      sum2 = f32x4.add(sum2, f32x4.mul(v128.load(query2 + at), value));
      sum3 = f32x4.add(sum3, f32x4.mul(v128.load(query3 + at), value));
    }
    store<f32>(out, total(sum0));
    store<f32>(out + outStride, total(sum1));
    store<f32>(out + 2 * outStride, total(sum2));
    store<f32>(out + 3 * outStride, total(sum3));
    rows += stride;
    out += 4;
  }
}

/** Writes the squared euclidean distance of one query to each of `count` rows, as float32, to `out`. */
export function squaredDistances(query: usize, rows: usize, stride: usize, count: usize, out: usize): void {
  const unrolled = stride & ~31;
  for (let row: usize = 0; row < count; row++) {
    let sum0 = f32x4.splat(0);
    let sum1 = f32x4.splat(0);
    let at: usize = 0;
    for (; at < unrolled; at += 32) {
      const a = query + at;
      const b = rows + at;
      const difference0 = f32x4.sub(v128.load(a), v128.load(b));
      const difference1 = f32x4.sub(v128.load(a, 16), v128.load(b, 16));
      sum0 = f32x4.add(sum0, f32x4.mul(difference0, difference0));
      sum1 = f32x4.add(sum1, f32x4.mul(difference1, difference1));
    }
    if (at < stride) {
      const difference = f32x4.sub(v128.load(query + at), v128.load(rows + at));
      sum0 = f32x4.add(sum0, f32x4.mul(difference, difference));
    }
    store<f32>(out, total(f32x4.add(sum0, sum1)));
    rows += stride;
    out += 4;
  }
}

/** Writes the Jaccard distance of one packed query to each of `count` packed rows, as float32, to `out`. */
export function jaccardDistances(query: usize, rows: usize, stride: usize, count: usize, out: usize): void {
  for (let row: usize = 0; row < count; row++) {
    store<f32>(out, <f32>jaccardDistance(query, rows, stride));
    rows += stride;
    out += 4;
  }
}

/** Writes the number of bits in which one packed query differs from each of `count` packed rows to `out`. */
export function hammingDistances(query: usize, rows: usize, stride: usize, count: usize, out: usize): void {
  for (let row: usize = 0; row < count; row++) {
    store<f32>(out, <f32>hammingDistance(query, rows, stride));
    rows += stride;
    out += 4;
  }
}

/** The inner product of two float32 vectors, summed in double precision. */
export function exactDot(a: usize, b: usize, stride: usize): f64 {
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  for (let at: usize = 0; at < stride; at += 16) {
    const left = v128.load(a + at);
    const right = v128.load(b + at);
    sum0 = f64x2.add(sum0, f64x2.mul(f64x2.promote_low_f32x4(left), f64x2.promote_low_f32x4(right)));
    sum1 = f64x2.add(sum1, f64x2.mul(f64x2.promote_low_f32x4(upper(left)), f64x2.promote_low_f32x4(upper(right))));
  }
  const sum = f64x2.add(sum0, sum1);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/**
 * Writes `exactDot` of one vector and each of the rows listed, to the last bit, as float64 to `out`. Four rows at
 * a time keep the processor busy where the sums of one would wait for each other.
 */
export function exactDots(vector: usize, rows: usize, stride: usize, list: usize, count: usize, out: usize): void {
  for (; count >= 4; count -= 4) {
    const row0 = rows + <usize>load<u32>(list) * stride;
    const row1 = rows + <usize>load<u32>(list, 4) * stride;
    const row2 = rows + <usize>load<u32>(list, 8) * stride;
    const row3 = rows + <usize>load<u32>(list, 12) * stride;
    let low0 = f64x2.splat(0);
    let low1 = f64x2.splat(0);
    let low2 = f64x2.splat(0);
    let low3 = f64x2.splat(0);
    let high0 = f64x2.splat(0);
    let high1 = f64x2.splat(0);
    let high2 = f64x2.splat(0);
    let high3 = f64x2.splat(0);
    for (let at: usize = 0; at < stride; at += 16) {
      const low = promoted(vector + at);
      const high = promoted(vector + at + 8);
      low0 = f64x2.add(low0, f64x2.mul(low, promoted(row0 + at)));
      high0 = f64x2.add(high0, f64x2.mul(high, promoted(row0 + at + 8)));
      low1 = f64x2.add(low1, f64x2.mul(low, promoted(row1 + at)));
      high1 = f64x2.add(high1, f64x2.mul(high, promoted(row1 + at + 8)));
      low2 = f64x2.add(low2, f64x2.mul(low, promoted(row2 + at)));
      high2 = f64x2.add(high2, f64x2.mul(high, promoted(row2 + at + 8)));
      low3 = f64x2.add(low3, f64x2.mul(low, promoted(row3 + at)));
      high3 = f64x2.add(high3, f64x2.mul(high, promoted(row3 + at + 8)));
    }
    store<f64>(out, both(f64x2.add(low0, high0)));
    store<f64>(out, both(f64x2.add(low1, high1)), 8);
    store<f64>(out, both(f64x2.add(low2, high2)), 16);
    store<f64>(out, both(f64x2.add(low3, high3)), 24);
    list += 16;
    out += 32;
  }
  for (; count > 0; count--) {
    store<f64>(out, exactDot(vector, rows + <usize>load<u32>(list) * stride, stride));
    list += 4;
    out += 8;
  }
}

/** Two float32 numbers in double precision. */
// @ts-ignore: decorator
@inline
function promoted(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

// @ts-ignore: decorator
@inline
function both(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** The squared euclidean distance of two float32 vectors, summed in double precision. */
export function exactSquaredDistance(a: usize, b: usize, stride: usize): f64 {
  let sum = f64x2.splat(0);
  for (let at: usize = 0; at < stride; at += 16) {
    const left = v128.load(a + at);
    const right = v128.load(b + at);
    const low = f64x2.sub(f64x2.promote_low_f32x4(left), f64x2.promote_low_f32x4(right));
    const high = f64x2.sub(f64x2.promote_low_f32x4(upper(left)), f64x2.promote_low_f32x4(upper(right)));
    sum = f64x2.add(sum, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** The Jaccard distance of two packed bit vectors; 0 for two empty ones. */
export function jaccardDistance(a: usize, b: usize, stride: usize): f64 {
  let both = i32x4.splat(0);
  let either = i32x4.splat(0);
  for (let at: usize = 0; at < stride; at += 16) {
    const left = v128.load(a + at);
    const right = v128.load(b + at);
    both = i32x4.add(both, ones(v128.and(left, right)));
    either = i32x4.add(either, ones(v128.or(left, right)));
  }
  const union = count(either);
  return union == 0 ? 0 : 1 - <f64>count(both) / <f64>union;
}

/** The number of bits in which two packed vectors differ. */
export function hammingDistance(a: usize, b: usize, stride: usize): f64 {
  let differing = i32x4.splat(0);
  for (let at: usize = 0; at < stride; at += 16) {
    differing = i32x4.add(differing, ones(v128.xor(v128.load(a + at), v128.load(b + at))));
  }
  return <f64>count(differing);
}

function ones(bits: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(bits)));
}

function count(sums: v128): u32 {
  return i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
}

function total(sums: v128): f32 {
  return (
    f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1) + (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3))
  );
}

function upper(values: v128): v128 {
  return v128.shuffle<u64>(values, values, 1, 1);
}

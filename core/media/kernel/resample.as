// The two passes of resampling 8-bit RGB in fixed point. Compiled by tools/build-kernel.ts.
//
// A weight is a 32-bit number, in two parts of 16 bits that SIMD multiplies by pairs: its lowest 15 bits, and the rest.
// Sums of both wrap around as 32-bit sums of whole products do, so that the result is the same to the bit.

/** The fraction has 22 bits. */
const HALF: i32 = 1 << 21;

/**
 * Resamples `rows` rows of pixels across: column by column, the source's byte offset is in `offsets` (uint32) and
 * `quads` times four weights are in `weights` (int16: four low parts, four high ones). Writes one byte too many.
 */
export function across(
  source: usize, sourceStride: usize, rows: u32, offsets: usize, weights: usize, columns: u32, quads: u32,
  target: usize, targetStride: usize,
): void {
  // Two rows share their weights; an odd last row is its own neighbour.
  for (let row: u32 = 0; row < rows; row += 2) {
    const isLast = row + 1 == rows;
    const nextSource = isLast ? 0 : sourceStride;
    const nextTarget = isLast ? 0 : targetStride;
    let weight = weights;
    for (let column: u32 = 0; column < columns; column++) {
      let at = source + load<u32>(offsets + (column << 2));
      let low0 = i32x4.splat(HALF);
      let low1 = i32x4.splat(HALF);
      let high0 = i32x4.splat(0);
      let high1 = i32x4.splat(0);
      const end = weight + (quads << 4);
      for (; weight < end; weight += 16) {
        const lows0 = v128.load32_splat(weight);
        const lows1 = v128.load32_splat(weight, 4);
        const highs0 = v128.load32_splat(weight, 8);
        const highs1 = v128.load32_splat(weight, 12);
        let first = neighbours(at);
        let second = neighbours(at + 6);
        low0 = i32x4.add(low0, i32x4.add(i32x4.dot_i16x8_s(first, lows0), i32x4.dot_i16x8_s(second, lows1)));
        high0 = i32x4.add(high0, i32x4.add(i32x4.dot_i16x8_s(first, highs0), i32x4.dot_i16x8_s(second, highs1)));
        first = neighbours(at + nextSource);
        second = neighbours(at + nextSource + 6);
        low1 = i32x4.add(low1, i32x4.add(i32x4.dot_i16x8_s(first, lows0), i32x4.dot_i16x8_s(second, lows1)));
        high1 = i32x4.add(high1, i32x4.add(i32x4.dot_i16x8_s(first, highs0), i32x4.dot_i16x8_s(second, highs1)));
        at += 12;
      }
      const words = i16x8.narrow_i32x4_s(levels(low0, high0), levels(low1, high1));
      const bytes = i8x16.narrow_i16x8_u(words, words);
      const to = target + column * 3;
      v128.store32_lane(to, bytes, 0);
      v128.store32_lane(to + nextTarget, bytes, 1);
    }
    source += sourceStride << 1;
    target += targetStride << 1;
  }
}

/**
 * The sum of rows by `pairs` times two weights (int16: two low parts, two high ones): `length` bytes, written in
 * pieces of 16.
 */
export function down(
  rows: usize, stride: usize, weights: usize, pairs: u32, target: usize, length: usize,
): void {
  for (let i: usize = 0; i < length; i += 16) {
    let low0 = i32x4.splat(HALF);
    let low1 = i32x4.splat(HALF);
    let low2 = i32x4.splat(HALF);
    let low3 = i32x4.splat(HALF);
    let high0 = i32x4.splat(0);
    let high1 = i32x4.splat(0);
    let high2 = i32x4.splat(0);
    let high3 = i32x4.splat(0);
    let at = rows + i;
    let weight = weights;
    for (let pair: u32 = 0; pair < pairs; pair++) {
      const first = v128.load(at);
      const second = v128.load(at + stride);
      const left = v128.shuffle<u8>(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const right = v128.shuffle<u8>(first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const bytes0 = i16x8.extend_low_i8x16_u(left);
      const bytes1 = i16x8.extend_high_i8x16_u(left);
      const bytes2 = i16x8.extend_low_i8x16_u(right);
      const bytes3 = i16x8.extend_high_i8x16_u(right);
      const lows = v128.load32_splat(weight);
      const highs = v128.load32_splat(weight, 4);
      low0 = i32x4.add(low0, i32x4.dot_i16x8_s(bytes0, lows));
      low1 = i32x4.add(low1, i32x4.dot_i16x8_s(bytes1, lows));
      low2 = i32x4.add(low2, i32x4.dot_i16x8_s(bytes2, lows));
      low3 = i32x4.add(low3, i32x4.dot_i16x8_s(bytes3, lows));
      high0 = i32x4.add(high0, i32x4.dot_i16x8_s(bytes0, highs));
      high1 = i32x4.add(high1, i32x4.dot_i16x8_s(bytes1, highs));
      high2 = i32x4.add(high2, i32x4.dot_i16x8_s(bytes2, highs));
      high3 = i32x4.add(high3, i32x4.dot_i16x8_s(bytes3, highs));
      at += stride << 1;
      weight += 8;
    }
    const left = i16x8.narrow_i32x4_s(levels(low0, high0), levels(low1, high1));
    const right = i16x8.narrow_i32x4_s(levels(low2, high2), levels(low3, high3));
    v128.store(target + i, i8x16.narrow_i16x8_u(left, right));
  }
}

/** Red, green and blue of a pixel and of the one after it, in turns, as 16-bit numbers; the last two are not theirs. */
// @ts-ignore: decorator
@inline
function neighbours(at: usize): v128 {
  const both = v128.shuffle<u8>(
    v128.load64_zero(at), v128.load64_zero(at, 3), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
  );
  return i16x8.extend_low_i8x16_u(both);
}

// @ts-ignore: decorator
@inline
function levels(low: v128, high: v128): v128 {
  return i32x4.shr_s(i32x4.add(low, i32x4.shl(high, 15)), 22);
}

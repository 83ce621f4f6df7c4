// Vectors as 8-bit codes, for a first pass that moves a quarter of the bytes; compiled together with kernel.as.
//
// A vector is turned by a fixed rotation (signs flipped, then Hadamard transforms), which spreads outliers over
// all its numbers and changes no inner product, and rounded to whole numbers from -127 to 127 times a scale.
// What the rounding lost is measured, so every inner product of codes comes with a bound on its error.
//
// Codes lie in panels of 16 rows: 4 numbers of row 0, 4 of row 1, ... 4 of row 15, then the next 4 of row 0.
// A vector register then holds 4 numbers of 4 rows, one instruction multiplies them with 4 numbers of a query,
// and the sums of 4 rows end up side by side without being added up across a register. Behind the codes of a
// panel follow the factors of its 16 rows, 64 bytes each:
export const SCALE: usize = 0; // float32: code 1 stands for this
export const SUM: usize = 64; // float32: the sum of all codes
export const NORM: usize = 128; // float32: the length of the vector
export const HALF: usize = 192; // float32: half its squared length for euclidean, else 0; NaN for a row that is free
export const HEAD_SUM: usize = 256; // float32: the sum of the first codes, those of a head
export const TAIL: usize = 320; // float32: the length of the rest of the vector
/** Heads of three sizes have both of these, one head after the other: 4, 7 and 10 sixteenths of the numbers. */
export const HEADS: usize = 3;
export const HEAD_FACTORS: usize = 128;
export const FACTORS: usize = HEAD_SUM + HEADS * HEAD_FACTORS;

/** Where a head ends; `unit` is a sixteenth of the numbers. */
// @ts-ignore: decorator
@inline
export function headEnd(unit: usize, number: usize): usize {
  return unit * (4 + 3 * number);
}

/** What rounding half the square, and the distance that is reported, may add or take away: a share of it. */
const HALF_ROUNDING: f32 = 1e-6;

/** acc + a . b in each group of 4: `a` from -127 to 127, `b` from 0 to 127, where all processors agree. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(acc: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, acc);
  const low = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(a), i16x8.extend_low_i8x16_s(b));
  const high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(a), i16x8.extend_high_i8x16_s(b));
  // The relaxed instruction adds neighbouring pairs of pairs: [0 1 2 3] [4 5 6 7] ...
  const even = v128.shuffle<i32>(low, high, 0, 2, 4, 6);
  const odd = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
  return i32x4.add(acc, i32x4.add(even, odd));
}

/** Rotates `length` float32 numbers in place, a multiple of 16; they should be near 1. */
function rotate(values: usize, length: usize): void {
  // Four streams of xorshift numbers, whose highest bits are the signs to flip.
  let bits = i32x4(0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667);
  const sign = i32x4.splat(0x80000000);
  for (let i: usize = 0; i < length; i += 4) {
    bits = v128.xor(bits, i32x4.shl(bits, 13));
    bits = v128.xor(bits, i32x4.shr_u(bits, 17));
    bits = v128.xor(bits, i32x4.shl(bits, 5));
    const at = values + (i << 2);
    v128.store(at, v128.xor(v128.load(at), v128.and(bits, sign)));
  }
  // Lengths that are no power of 2 are transformed in pieces: 768 as 512 and 256.
  while (length > 0) {
    const piece = (<usize>1) << (31 - clz<u32>(<u32>length));
    hadamard(values, piece);
    values += piece << 2;
    length -= piece;
  }
}

/** The Walsh-Hadamard transform of a power of 2 of numbers, 16 or more, scaled so that lengths stay. */
function hadamard(values: usize, length: usize): void {
  const end = values + (length << 2);
  const scale = f32x4.splat(<f32>(1 / Math.sqrt(<f64>length)));
  const second = f32x4(1, -1, 1, -1);
  const upper = f32x4(1, 1, -1, -1);
  for (let at = values; at < end; at += 16) {
    let four = f32x4.mul(v128.load(at), scale);
    four = f32x4.add(v128.shuffle<f32>(four, four, 1, 0, 3, 2), f32x4.mul(four, second));
    four = f32x4.add(v128.shuffle<f32>(four, four, 2, 3, 0, 1), f32x4.mul(four, upper));
    v128.store(at, four);
  }
  for (let half: usize = 16; half < end - values; half <<= 1) {
    for (let block = values; block < end; block += half << 1) {
      for (let at = block; at < block + half; at += 16) {
        const left = v128.load(at);
        const right = v128.load(at + half);
        v128.store(at, f32x4.add(left, right));
        v128.store(at + half, f32x4.sub(left, right));
      }
    }
  }
}

function largest(values: usize, length: usize): f32 {
  let most = f32x4.splat(0);
  for (let i: usize = 0; i < length; i += 4) most = f32x4.max(most, f32x4.abs(v128.load(values + (i << 2))));
  return max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
}

/** Copies a vector divided by its largest number, which keeps what follows in range, and rotates it. */
function prepare(source: usize, work: usize, length: usize): f32 {
  const most = largest(source, length);
  if (most == 0) return 0;
  const divisor = f32x4.splat(most);
  for (let i: usize = 0; i < length; i += 4) {
    v128.store(work + (i << 2), f32x4.div(v128.load(source + (i << 2)), divisor));
  }
  rotate(work, length);
  return most;
}

// @ts-ignore: decorator
@inline
function total(sums: v128): f64 {
  return <f64>f32x4.extract_lane(sums, 0) + <f64>f32x4.extract_lane(sums, 1)
    + <f64>f32x4.extract_lane(sums, 2) + <f64>f32x4.extract_lane(sums, 3);
}

/** The sum of the squares of the numbers from `first` up to `end`. */
function squares(values: usize, first: usize, end: usize): f64 {
  let sum = f32x4.splat(0);
  for (let i = first; i < end; i += 4) {
    const four = v128.load(values + (i << 2));
    sum = f32x4.add(sum, f32x4.mul(four, four));
  }
  return total(sum);
}

/**
 * Encodes the `length` numbers at `source` as row `lane` of a panel. `norm` is the vector's length; factors are
 * divided by it if `relative`. `unit` says where heads end, 0 for none. `work` takes `length` numbers. The shares of the length that rounding lost, with 8
 * bits and with 7, raise the two float32 numbers at `losses`.
 */
export function encodeRow(
  source: usize, length: usize, unit: usize, panel: usize, lane: usize,
  norm: f64, relative: bool, euclidean: bool, work: usize, losses: usize,
): void {
  const most = prepare(source, work, length);
  const peak = most == 0 ? <f32>0 : largest(work, length);
  const toCode = f32x4.splat(peak == 0 ? 0 : 127 / peak);
  const step = f32x4.splat(peak / 127);
  let lost8 = f32x4.splat(0);
  let lost7 = f32x4.splat(0);
  let whole = f32x4.splat(0);
  let sum: i32 = 0;
  let head: usize = 0;
  let end: usize = unit == 0 ? length : headEnd(unit, head);
  const at = panel + (length << 4) + (lane << 2);
  let to = panel + (lane << 2);
  for (let i: usize = 0; i < length; i += 4) {
    const values = most == 0 ? f32x4.splat(0) : v128.load(work + (i << 2));
    const rounded = f32x4.nearest(f32x4.mul(values, toCode));
    const codes = i32x4.trunc_sat_f32x4_s(rounded);
    const shorts = i16x8.narrow_i32x4_s(codes, codes);
    store<u32>(to, i32x4.extract_lane(i8x16.narrow_i16x8_s(shorts, shorts), 0));
    to += 64;
    const left8 = f32x4.sub(values, f32x4.mul(rounded, step));
    lost8 = f32x4.add(lost8, f32x4.mul(left8, left8));
    const halves = i32x4.shr_s(i32x4.add(codes, i32x4.splat(128)), 1);
    const middle = f32x4.sub(f32x4.convert_i32x4_s(i32x4.shl(halves, 1)), f32x4.splat(127.5));
    const left7 = f32x4.sub(values, f32x4.mul(middle, step));
    lost7 = f32x4.add(lost7, f32x4.mul(left7, left7));
    whole = f32x4.add(whole, f32x4.mul(values, values));
    sum += i32x4.extract_lane(codes, 0) + i32x4.extract_lane(codes, 1)
      + i32x4.extract_lane(codes, 2) + i32x4.extract_lane(codes, 3);
    if (i + 4 == end) {
      store<f32>(at + head * HEAD_FACTORS, <f32>sum, HEAD_SUM);
      end = ++head < HEADS ? headEnd(unit, head) : length;
    }
  }
  const scale = <f64>most / (relative ? norm : 1);
  // Sums of so many float32 squares may come out too small by a little less than this.
  const rounding = 1 + <f64>length * 3e-8;
  store<f32>(at, <f32>(scale * <f64>peak / 127), SCALE);
  store<f32>(at, <f32>sum, SUM);
  store<f32>(at, <f32>(relative ? 1 : norm), NORM);
  store<f32>(at, <f32>(euclidean ? norm * norm / 2 : 0), HALF);
  for (head = 0; head < HEADS && unit != 0; head++) {
    const tail = most == 0 ? 0 : Math.sqrt(squares(work, headEnd(unit, head), length));
    store<f32>(at + head * HEAD_FACTORS, <f32>(scale * tail * rounding), TAIL);
  }
  if (most == 0) return;
  const size = total(whole);
  store<f32>(losses, max(load<f32>(losses), <f32>(Math.sqrt(total(lost8) / size) * rounding)));
  store<f32>(losses, max(load<f32>(losses, 4), <f32>(Math.sqrt(total(lost7) / size) * rounding)), 4);
}

/** Marks row `lane` of a panel as free: no search finds it. */
export function clearRow(length: usize, panel: usize, lane: usize): void {
  store<f32>(panel + (length << 4) + (lane << 2), NaN, HALF);
}

/**
 * Writes the query at `source` as two digits of 7 bits for each number, `length` high ones and then the low ones.
 * Gives what one unit of the low digit stands for; the share lost goes to the float32 at `lost`.
 */
export function encodeQuery(source: usize, length: usize, work: usize, digits: usize, lost: usize): f64 {
  const most = prepare(source, work, length);
  store<f32>(lost, 0);
  if (most == 0) {
    memory.fill(digits, 64, length);
    memory.fill(digits + length, 0, length);
    return 0;
  }
  const peak = largest(work, length);
  let loss: f64 = 0;
  let size: f64 = 0;
  for (let i: usize = 0; i < length; i++) {
    const value = load<f32>(work + (i << 2));
    const code = <i32>nearest<f64>(<f64>value * 8191 / <f64>peak);
    const left = <f64>value - <f64>code * <f64>peak / 8191;
    loss += left * left;
    size += <f64>value * <f64>value;
    store<u8>(digits + i, (code + 8192) >> 7);
    store<u8>(digits + length + i, (code + 8192) & 127);
  }
  store<f32>(lost, <f32>Math.sqrt(loss / size));
  return <f64>most * <f64>peak / 8191;
}

/** Writes row `lane` of a panel as a query of 7 bits, one byte for each number. */
export function queryOfRow(length: usize, panel: usize, lane: usize, to: usize): void {
  let from = panel + (lane << 2);
  for (let i: usize = 0; i < length; i += 4) {
    // x ^ 0x80 is x + 128 as an unsigned byte.
    store<u32>(to + i, ((load<u32>(from) ^ 0x80808080) >> 1) & 0x7f7f7f7f);
    from += 64;
  }
}

/** Writes the rows among 4 whose `upper` reaches `limit`, as (row, upper, lower), and gives the end of the list. */
// @ts-ignore: decorator
@inline
export function keep(upper: v128, width: v128, limit: v128, row: u32, out: usize): usize {
  let passed = i32x4.bitmask(f32x4.ge(upper, limit));
  if (passed == 0) return out;
  const lower = f32x4.sub(upper, width);
  if (passed & 1) out = write(out, row, f32x4.extract_lane(upper, 0), f32x4.extract_lane(lower, 0));
  if (passed & 2) out = write(out, row + 1, f32x4.extract_lane(upper, 1), f32x4.extract_lane(lower, 1));
  if (passed & 4) out = write(out, row + 2, f32x4.extract_lane(upper, 2), f32x4.extract_lane(lower, 2));
  if (passed & 8) out = write(out, row + 3, f32x4.extract_lane(upper, 3), f32x4.extract_lane(lower, 3));
  return out;
}

function write(out: usize, row: u32, upper: f32, lower: f32): usize {
  store<u32>(out, row);
  store<f32>(out, upper, 4);
  store<f32>(out, lower, 8);
  return out + 12;
}

/**
 * Compares one query with `count` panels. What is compared is q.x - `sign` * half the square of x; a row is
 * written to `out` where that may reach `limit`. `error` bounds what is lost for a row of length 1.
 * Gives the number of rows written; the first row has number `first`.
 */
export function scanPanels(
  digits: usize, length: usize, unit: f32, panel: usize, count: usize, first: u32,
  error: f32, sign: f32, limit: f32, out: usize,
): usize {
  const start = out;
  const low = digits + length;
  const limits = f32x4.splat(limit);
  for (let end = first + (<u32>count << 4); first < end; first += 16) {
    let high0 = i32x4.splat(0);
    let high1 = i32x4.splat(0);
    let high2 = i32x4.splat(0);
    let high3 = i32x4.splat(0);
    let low0 = i32x4.splat(0);
    let low1 = i32x4.splat(0);
    let low2 = i32x4.splat(0);
    let low3 = i32x4.splat(0);
    for (let i: usize = 0; i < length; i += 4) {
      const highs = v128.load32_splat(digits + i);
      const lows = v128.load32_splat(low + i);
      const rows0 = v128.load(panel);
      const rows1 = v128.load(panel, 16);
      const rows2 = v128.load(panel, 32);
      const rows3 = v128.load(panel, 48);
      high0 = multiplyAdd(high0, rows0, highs);
      low0 = multiplyAdd(low0, rows0, lows);
      high1 = multiplyAdd(high1, rows1, highs);
      low1 = multiplyAdd(low1, rows1, lows);
      high2 = multiplyAdd(high2, rows2, highs);
      low2 = multiplyAdd(low2, rows2, lows);
      high3 = multiplyAdd(high3, rows3, highs);
      low3 = multiplyAdd(low3, rows3, lows);
      panel += 64;
    }
    out = keepScanned(high0, low0, panel, unit, error, sign, limits, first, out);
    out = keepScanned(high1, low1, panel + 16, unit, error, sign, limits, first + 4, out);
    out = keepScanned(high2, low2, panel + 32, unit, error, sign, limits, first + 8, out);
    out = keepScanned(high3, low3, panel + 48, unit, error, sign, limits, first + 12, out);
    panel += FACTORS;
  }
  return (out - start) / 12;
}

// @ts-ignore: decorator
@inline
function keepScanned(
  high: v128, low: v128, factors: usize, unit: f32, error: f32, sign: f32, limits: v128, row: u32, out: usize,
): usize {
  // Codes were counted from -8192: 64 of the high digit.
  const sums = f32x4.mul(v128.load(factors, SUM), f32x4.splat(64));
  const highs = f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(high), sums), f32x4.splat(128));
  const product = f32x4.mul(f32x4.add(highs, f32x4.convert_i32x4_s(low)), f32x4.splat(unit));
  const half = v128.load(factors, HALF);
  const slack = slackOf(factors, f32x4.splat(error), half);
  const value = f32x4.sub(f32x4.mul(product, v128.load(factors, SCALE)), f32x4.mul(half, f32x4.splat(sign)));
  return keep(f32x4.add(value, slack), f32x4.add(slack, slack), limits, row, out);
}

/** What a value may be off by: `error` for each unit of the row's length, and rounding. */
// @ts-ignore: decorator
@inline
export function slackOf(factors: usize, error: v128, half: v128): v128 {
  return f32x4.add(f32x4.mul(v128.load(factors, NORM), error), f32x4.mul(half, f32x4.splat(HALF_ROUNDING)));
}

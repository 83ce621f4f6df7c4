// Many rows as 7-bit queries against panels of 8-bit codes; compiled together with kernel.as.

import {
  FACTORS, HALF, HEAD_FACTORS, HEAD_SUM, HEADS, headEnd, keep, multiplyAdd, SCALE, slackOf, SUM, TAIL,
} from "./codes";

/** Behind its codes each query has these factors, float32 each. */
const QUERY_SCALE: usize = 0;
const QUERY_ERROR: usize = 4; // for a row of length 1
const QUERY_LIMIT: usize = 8;
const QUERY_TAILS: usize = 12; // lengths of what follows its heads
const QUERY_FACTORS: usize = 24;

/**
 * Compares an even number of 7-bit queries with `count` panels. A pair is written to `out` as (number of the
 * query << 16 | row of the call, upper, lower) where q.x - half the square of x may reach the query's limit.
 * The first numbers alone rule out most pairs: what the rest adds is at most the product of its lengths. That is
 * looked at where each head ends; `unit` says where, 0 for no heads.
 */
export function joinPanels(
  queries: usize, queryCount: u32, length: usize, unit: usize, panel: usize, count: usize, out: usize,
): usize {
  const start = out;
  const queryBytes = length + QUERY_FACTORS;
  const panelBytes = (length << 4) + FACTORS;
  for (let p: usize = 0; p < count; p++) {
    const factors = panel + (length << 4);
    let query = queries;
    for (let q: u32 = 0; q < queryCount; q += 2) {
      const other = query + queryBytes;
      const left = query + length;
      const right = other + length;
      let a0 = i32x4.splat(0);
      let a1 = i32x4.splat(0);
      let a2 = i32x4.splat(0);
      let a3 = i32x4.splat(0);
      let b0 = i32x4.splat(0);
      let b1 = i32x4.splat(0);
      let b2 = i32x4.splat(0);
      let b3 = i32x4.splat(0);
      let from: usize = 0;
      let head: usize = 0;
      let to = unit == 0 ? length : headEnd(unit, 0);
      let at = panel;
      while (true) {
        for (let i = from; i < to; i += 4) {
          const lefts = v128.load32_splat(query + i);
          const rights = v128.load32_splat(other + i);
          const rows0 = v128.load(at);
          const rows1 = v128.load(at, 16);
          const rows2 = v128.load(at, 32);
          const rows3 = v128.load(at, 48);
          a0 = multiplyAdd(a0, rows0, lefts);
          b0 = multiplyAdd(b0, rows0, rights);
          a1 = multiplyAdd(a1, rows1, lefts);
          b1 = multiplyAdd(b1, rows1, rights);
          a2 = multiplyAdd(a2, rows2, lefts);
          b2 = multiplyAdd(b2, rows2, rights);
          a3 = multiplyAdd(a3, rows3, lefts);
          b3 = multiplyAdd(b3, rows3, rights);
          at += 64;
        }
        if (to == length) break;
        const facts = factors + head * HEAD_FACTORS;
        const tail = head << 2;
        let near = v128.or(
          headReaches(a0, factors, facts, left, tail), headReaches(a1, factors + 16, facts + 16, left, tail));
        near = v128.or(near, headReaches(a2, factors + 32, facts + 32, left, tail));
        near = v128.or(near, headReaches(a3, factors + 48, facts + 48, left, tail));
        near = v128.or(near, headReaches(b0, factors, facts, right, tail));
        near = v128.or(near, headReaches(b1, factors + 16, facts + 16, right, tail));
        near = v128.or(near, headReaches(b2, factors + 32, facts + 32, right, tail));
        near = v128.or(near, headReaches(b3, factors + 48, facts + 48, right, tail));
        if (!v128.any_true(near)) break;
        from = to;
        to = ++head < HEADS ? headEnd(unit, head) : length;
      }
      if (to == length) {
        const row = <u32>p << 4;
        out = keepJoined(a0, factors, left, (q << 16) | row, out);
        out = keepJoined(a1, factors + 16, left, (q << 16) | (row + 4), out);
        out = keepJoined(a2, factors + 32, left, (q << 16) | (row + 8), out);
        out = keepJoined(a3, factors + 48, left, (q << 16) | (row + 12), out);
        out = keepJoined(b0, factors, right, ((q + 1) << 16) | row, out);
        out = keepJoined(b1, factors + 16, right, ((q + 1) << 16) | (row + 4), out);
        out = keepJoined(b2, factors + 32, right, ((q + 1) << 16) | (row + 8), out);
        out = keepJoined(b3, factors + 48, right, ((q + 1) << 16) | (row + 12), out);
      }
      query += queryBytes << 1;
    }
    panel += panelBytes;
  }
  return (out - start) / 12;
}

/** The inner product of codes and 7-bit codes, which stand for 2 * code - 127.5. */
// @ts-ignore: decorator
@inline
function joinedProduct(sums: v128, rowSums: v128, factors: usize, query: usize): v128 {
  const product = f32x4.sub(
    f32x4.mul(f32x4.convert_i32x4_s(sums), f32x4.splat(2)),
    f32x4.mul(rowSums, f32x4.splat(127.5)),
  );
  return f32x4.mul(f32x4.mul(product, v128.load(factors, SCALE)), v128.load32_splat(query, QUERY_SCALE));
}

// @ts-ignore: decorator
@inline
function headReaches(sums: v128, factors: usize, head: usize, query: usize, tail: usize): v128 {
  const product = joinedProduct(sums, v128.load(head, HEAD_SUM), factors, query);
  const rest = f32x4.mul(v128.load(head, TAIL), v128.load32_splat(query + tail, QUERY_TAILS));
  const half = v128.load(factors, HALF);
  const slack = slackOf(factors, v128.load32_splat(query, QUERY_ERROR), half);
  const upper = f32x4.sub(f32x4.add(f32x4.add(product, rest), slack), half);
  return f32x4.ge(upper, v128.load32_splat(query, QUERY_LIMIT));
}

// @ts-ignore: decorator
@inline
function keepJoined(sums: v128, factors: usize, query: usize, pair: u32, out: usize): usize {
  const product = joinedProduct(sums, v128.load(factors, SUM), factors, query);
  const half = v128.load(factors, HALF);
  const slack = slackOf(factors, v128.load32_splat(query, QUERY_ERROR), half);
  const upper = f32x4.sub(f32x4.add(product, slack), half);
  return keep(upper, f32x4.add(slack, slack), v128.load32_splat(query, QUERY_LIMIT), pair, out);
}

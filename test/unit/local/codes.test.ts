/** Codes of 8 bits bound every true key, whatever the numbers, so that no hit is lost. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinCodes } from "../../../core/backends/local/code-join.ts";
import { scanCodes } from "../../../core/backends/local/code-scan.ts";
import { type Codes, newCodes } from "../../../core/backends/local/codes.ts";
import { loadKernel } from "../../../core/backends/local/kernel/kernel.ts";
import { seededRandom } from "../../../core/random.ts";
import { randomVectors } from "../../support/vectors.ts";

const METRICS = ["cosine", "dotproduct", "euclidean"] as const;
type FloatMetric = (typeof METRICS)[number];

interface Encoded {
  readonly codes: Codes;
  readonly norms: Float64Array;
}

function encode(rows: readonly Float32Array[], metric: FloatMetric, kind: "shared" | "simd"): Encoded {
  const stride = Math.ceil(((rows[0]?.length ?? 0) * 4) / 16) * 16;
  const codes = newCodes(loadKernel(kind), metric, stride);
  if (codes === undefined) throw new Error("A SIMD kernel has codes");
  codes.grow(rows.length);
  const bytes = (row: Float32Array) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
  return { codes, norms: Float64Array.from(rows, (row, slot) => codes.encode(slot, bytes(row))) };
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

/** The key that `code-scan.ts` describes, in double precision. */
function trueKey(metric: FloatMetric, query: Float32Array, row: Float32Array, reverse: boolean): number {
  const half = metric === "euclidean" ? dot(row, row) / 2 : 0;
  const unit = metric === "cosine" ? Math.sqrt(dot(query, query) * dot(row, row)) : 1;
  return (half - dot(query, row) / unit) * (reverse ? -1 : 1);
}

/** Rows with outliers, zeros and lengths far apart; never all zeros. */
const rowsOfLength = (length: number) => {
  const number = fc.oneof(
    { weight: 6, arbitrary: fc.float({ min: -1, max: 1, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 50, -50, 1e-4) },
  );
  const row = fc
    .tuple(fc.array(number, { minLength: length, maxLength: length }), fc.constantFrom(1e-4, 1, 1, 300))
    .map(([numbers, scale]) =>
      Float32Array.from(numbers, (value, i) => (value + (i === 0 ? 1e-3 : 0)) * scale),
    )
    .filter((values) => dot(values, values) > 1e-12);
  return fc.array(row, { minLength: 2, maxLength: 40 });
};
const anyRows = fc.integer({ min: 1, max: 150 }).chain(rowsOfLength);

describe.each(["shared", "simd"] as const)("%s", (kind) => {
  test.each(METRICS)("%s: bounds of a scan hold the true key", (metric) => {
    fc.assert(
      fc.property(anyRows, fc.boolean(), (rows, reverse) => {
        const { codes, norms } = encode(rows, metric, kind);
        const query = rows[0] ?? new Float32Array(0);
        const relative = metric === "cosine";
        const norm = norms[0] ?? 0;
        const queries = [
          {
            vector: query,
            norm: relative ? 1 : norm,
            divisor: relative ? norm : 1,
            limit: Infinity,
            margin: 0,
          },
        ];
        const part = { queries, reverse, k: rows.length, mask: undefined, from: 0, to: rows.length };
        const found = scanCodes(codes, part)[0];
        expect([...(found?.slots ?? [])].sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
        found?.slots.forEach((slot, i) => {
          const key = trueKey(metric, query, rows[slot] ?? query, reverse);
          expect(found.lower[i]).toBeLessThanOrEqual(key);
          expect(found.upper[i]).toBeGreaterThanOrEqual(key);
        });
      }),
      { seed: 4, numRuns: 60 },
    );
  });

  test.each(METRICS)("%s: a join finds every pair within the limit", (metric) => {
    fc.assert(
      fc.property(anyRows, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (rows, share, later) => {
        const { codes, norms } = encode(rows, metric, kind);
        const keys = rows.map((query) => rows.map((row) => trueKey(metric, query, row, false)));
        const sorted = keys.flat().sort((a, b) => a - b);
        const limit = sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
        const queries = rows.map((_, slot) => {
          return { slot, norm: metric === "cosine" ? 1 : (norms[slot] ?? 0), limit, margin: 0 };
        });
        const found = joinCodes(codes, { queries, k: null, norms, later, mask: undefined, to: rows.length });
        for (const [slot, row] of keys.entries()) {
          for (const [other, key] of row.entries()) {
            if (key <= limit && other !== slot && (!later || other > slot))
              expect(found[slot]?.slots).toContain(other);
          }
          expect(found[slot]?.slots).not.toContain(slot);
        }
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  test("the head alone rules out what is far, and finds what is near", () => {
    const vectors = randomVectors(200, 512, 6);
    const random = seededRandom(7);
    const rows = Array.from({ length: 200 }, (_, i) =>
      i % 10 === 9 ? vectors.row(i - 1).map((value) => value + 0.01 * random()) : vectors.row(i),
    );
    const { codes, norms } = encode(rows, "cosine", kind);
    const queries = rows.slice(0, 64).map((_, slot) => ({ slot, norm: 1, limit: -0.95, margin: 0 }));
    const found = joinCodes(codes, { queries, k: null, norms, later: true, mask: undefined, to: 200 });
    expect(found.map(({ slots }) => [...slots])).toEqual(
      queries.map(({ slot }) => (slot % 10 === 8 ? [slot + 1] : [])),
    );
  });

  test("free rows and rows beyond the last are never found", () => {
    const rows = Array.from({ length: 21 }, (_, i) => Float32Array.of(i + 1, 1, 0));
    const { codes } = encode(rows, "dotproduct", kind);
    codes.clear(3);
    codes.clear(20);
    for (const reverse of [false, true]) {
      const queries = [{ vector: Float32Array.of(1, 0, 0), norm: 1, divisor: 1, limit: Infinity, margin: 0 }];
      const found = scanCodes(codes, { queries, reverse, k: 50, mask: undefined, from: 0, to: 21 })[0];
      expect([...(found?.slots ?? [])]).toEqual(rows.map((_, i) => i).filter((i) => i !== 3 && i !== 20));
    }
  });
});

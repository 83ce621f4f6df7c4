/** Vectors go out and come back as they are, and scores become distances of core's formulas. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Layout } from "../../../core/backends/elasticsearch/mapping.ts";
import {
  decodedVectors,
  distanceOfScore,
  encodedVector,
  leastSimilarity,
  queryVector,
  storedScale,
} from "../../../core/backends/elasticsearch/vectors.ts";
import { distanceOf } from "../../../core/backends/metric.ts";

const DIMENSION = 6;

function layout(facts: Partial<Layout>): Layout {
  return {
    dimension: DIMENSION,
    metric: "cosine",
    vectorType: "float32",
    similarity: "cosine",
    indexType: "hnsw",
    oversample: null,
    sampleIdIsKeyword: true,
    encoding: "base64",
    readFrom: "doc values",
    uuid: "",
    made: null,
    ...facts,
  };
}

const floats = (options: { min?: number; max?: number } = {}) =>
  fc.float32Array({
    minLength: DIMENSION,
    maxLength: DIMENSION,
    noNaN: true,
    noDefaultInfinity: true,
    ...options,
  });

describe("a vector comes back as it went out", () => {
  test("as base64 of big-endian floats", () => {
    fc.assert(
      fc.property(floats(), (vector) => {
        const copy = vector.slice();
        const text = encodedVector(vector, "base64");
        expect(decodedVectors([text], layout({})).data).toEqual(copy);
        expect(vector).toEqual(copy);
      }),
    );
    expect(encodedVector(new Float32Array([1, -2]), "base64")).toBe("P4AAAMAAAAA=");
  });

  test("as the shortest numbers that are the same floats", () => {
    fc.assert(
      fc.property(floats(), (vector) => {
        const list = JSON.parse(JSON.stringify(encodedVector(vector, "numbers"))) as number[];
        // JSON has no -0.
        expect(decodedVectors([list], layout({})).data).toEqual(vector.map((value) => value + 0));
      }),
    );
    expect(JSON.stringify(encodedVector(new Float32Array([0.1, -0.25]), "numbers"))).toBe("[0.1,-0.25]");
  });

  test("as hexadecimal where it is bits", () => {
    expect(encodedVector(new Uint8Array([0, 15, 255]), "base64")).toBe("000fff");
  });

  test("a part of a longer array goes out alone", () => {
    const all = new Float32Array([9, 1, -2, 9]);
    expect(encodedVector(all.subarray(1, 3), "base64")).toBe("P4AAAMAAAAA=");
  });

  test.each([[[1, 2]], ["AAAA"], [null], [{}]])("%j is no vector of the index", (value) => {
    expect(() => decodedVectors([value], layout({}))).toThrow(
      expect.objectContaining({ code: "BACKEND_FAILED" }),
    );
  });
});

/** Scores as the reference of Elasticsearch gives them, in its float32. */
const SCORES = [
  ["cosine", "cosine", (a: Float32Array, b: Float32Array) => 1 - distanceOf("cosine", a, b) / 2],
  [
    "euclidean",
    "l2_norm",
    (a: Float32Array, b: Float32Array) => 1 / (1 + distanceOf("euclidean", a, b) ** 2),
  ],
  [
    "dotproduct",
    "max_inner_product",
    (a: Float32Array, b: Float32Array) => {
      const product = -distanceOf("dotproduct", a, b);
      return product < 0 ? 1 / (1 - product) : 1 + product;
    },
  ],
] as const;

test.each(SCORES)("a score of %s becomes its distance", (metric, similarity, score) => {
  const vector = floats({ min: -100, max: 100 }).filter((values) =>
    values.some((value) => Math.abs(value) > 0.1),
  );
  fc.assert(
    fc.property(vector, vector, (a, b) => {
      const expected = distanceOf(metric, a, b);
      const found = distanceOfScore(Math.fround(score(a, b)), layout({ metric, similarity }), 1);
      // Where l2_norm's score tells too little the driver reads the vectors.
      if (similarity === "l2_norm" && expected < 0.01) return;
      expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(expected)));
    }),
  );
});

describe("an index of dot_product", () => {
  const facts = layout({ metric: "dotproduct", similarity: "dot_product" });

  test("is asked for the unit vector, and the distance is that of the query", () => {
    const query = new Float32Array([3, 4, 0, 0, 0, 0]);
    const { vector, scale } = queryVector(query, facts);
    expect(scale).toBe(5);
    expect(vector[0]).toBeCloseTo(0.6);
    expect([...query]).toEqual([3, 4, 0, 0, 0, 0]);
    expect(distanceOfScore((1 + 0.6) / 2, facts, scale)).toBeCloseTo(-3, 5);
  });

  test("has no answer to a zero query", () => {
    const zero = new Float32Array(DIMENSION);
    expect(() => queryVector(zero, facts)).toThrow(expect.objectContaining({ code: "VECTOR_INVALID" }));
  });
});

describe("an index of cosine", () => {
  test("is asked for the unit vector, though the server would take one that is nearly that", () => {
    const { vector, scale } = queryVector(new Float32Array([0.9997, 0, 0, 0, 0, 0]), layout({}));
    expect(scale).toBe(1);
    expect(vector[0]).toBe(1);
  });

  test.each([
    [1, 1],
    [0.9999999, 1],
    [0.9997, 2],
    [1.0004, 2],
    [1.2, 1],
    [0.5, 1],
  ])("stores a vector of length %d times %d", (length, scale) => {
    const vector = new Float32Array([length, 0, 0, 0, 0, 0]);
    expect(storedScale(vector, layout({}))).toBe(scale);
    expect(storedScale(vector, layout({ similarity: "l2_norm" }))).toBe(1);
  });
});

test("bits are told by the share that is the same", () => {
  const bits = layout({ dimension: 64, metric: "hamming", vectorType: "bits", similarity: "l2_norm" });
  expect(distanceOfScore(Math.fround((64 - 13) / 64), bits, 1)).toBe(13);
});

test("a limit leaves room for rounding and none where there is no limit", () => {
  expect(leastSimilarity(Number.POSITIVE_INFINITY, layout({}), 1)).toBeNull();
  expect(leastSimilarity(0.3, layout({}), 1)).toBeCloseTo(0.7, 4);
  expect(leastSimilarity(0.3, layout({}), 1)).toBeLessThan(0.7);
  expect(leastSimilarity(5, layout({}), 1)).toBe(-1);
  expect(leastSimilarity(2, layout({ similarity: "l2_norm" }), 1)).toBeGreaterThan(2);
  expect(leastSimilarity(-4, layout({ similarity: "dot_product" }), 2)).toBeLessThan(2);
});

/** What is refused before a backend is asked. */

import { describe, expect, test } from "vitest";
import { checkBatch, checkQueries, checkSearchOptions } from "../../../core/backends/checks.ts";
import { matrix, type VectorData } from "../../../core/matrix.ts";
import { expectCode } from "../../contract/context.ts";

const floats = { dimension: 2, metric: "cosine", vectorType: "float32" } as const;
const bits = { dimension: 16, metric: "hamming", vectorType: "bits" } as const;
const rows = (...numbers: number[]) => matrix<VectorData>(Float32Array.from(numbers), 2);

describe("search options", () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("k %s is refused", (k) =>
    expectCode(() => checkSearchOptions({ k }), "INVALID_ARGUMENT"),
  );

  test("a whole number, null and any distance are taken", () => {
    expect(checkSearchOptions({ k: 1, maxDistance: -3 })).toBeUndefined();
    expect(checkSearchOptions({ k: null })).toBeUndefined();
  });

  test("a maxDistance that is no number is refused", () =>
    expectCode(() => checkSearchOptions({ k: 1, maxDistance: Number.NaN }), "INVALID_ARGUMENT"));
});

describe("queries", () => {
  test("of another dimension", () =>
    expectCode(() => checkQueries("pets", matrix(new Float32Array(3), 3), floats), "DIMENSION_MISMATCH"));
  test("of bits where numbers are expected", () =>
    expectCode(() => checkQueries("pets", matrix(new Uint8Array(2), 16), floats), "INVALID_ARGUMENT"));
  test("of numbers where bits are expected", () =>
    expectCode(() => checkQueries("pets", matrix(new Float32Array(16), 16), bits), "INVALID_ARGUMENT"));
  test("of all zeros under cosine", () =>
    expectCode(() => checkQueries("pets", rows(1, 0, 0, 0), floats), "VECTOR_INVALID"));
  test("with NaN under any metric", () =>
    expectCode(
      () => checkQueries("pets", rows(1, Number.NaN), { ...floats, metric: "euclidean" }),
      "VECTOR_INVALID",
    ));
  test("of all zeros are fine under others, and bits always", () => {
    expect(checkQueries("pets", rows(0, 0), { ...floats, metric: "dotproduct" })).toBeUndefined();
    expect(checkQueries("pets", matrix(new Uint8Array(2), 16), bits)).toBeUndefined();
  });
});

describe("batches", () => {
  test("need an id and a sample id for each vector", async () => {
    const vectors = rows(1, 2, 3, 4);
    for (const [ids, sampleIds] of [
      [["a"], ["a", "b"]],
      [["a", "b"], ["a"]],
      [
        ["a", "b", "c"],
        ["a", "b", "c"],
      ],
    ] as const) {
      await expectCode(() => checkBatch("pets", { ids, sampleIds, vectors }, floats), "INVALID_ARGUMENT");
    }
  });

  test("without rows may have any dimension", () => {
    const empty = { ids: [], sampleIds: [], vectors: matrix(new Float32Array(0), 7) };
    expect(checkBatch("pets", empty, floats)).toBeUndefined();
  });
});

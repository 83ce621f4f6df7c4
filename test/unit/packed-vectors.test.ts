/** Vectors packed for JSON come back as they were. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { matrix, packVectors, unpackVectors, type VectorData } from "../../core/index.ts";

test("vectors of numbers and bits come back bit for bit", () => {
  const numbers = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.float32Array({ maxLength: 90 }));
  fc.assert(
    fc.property(numbers, ([dimension, data]) => {
      const vectors = matrix<VectorData>(data.slice(0, data.length - (data.length % dimension)), dimension);
      const again = unpackVectors(JSON.parse(JSON.stringify(packVectors(vectors))));
      expect([again.dimension, again.rows]).toEqual([dimension, vectors.rows]);
      expect(again.data).toEqual(vectors.data);
    }),
  );
  const bits = matrix<VectorData>(Uint8Array.of(0, 1, 254, 255), 16);
  expect(unpackVectors(packVectors(bits))).toMatchObject({ data: bits.data, rows: 2, dimension: 16 });
});

test("more bytes than one call takes arguments are packed", () => {
  const vectors = matrix<VectorData>(
    Float32Array.from({ length: 60_000 }, (_, i) => i),
    60,
  );
  expect(unpackVectors(packVectors(vectors)).data).toEqual(vectors.data);
});

test("numbers are little-endian", () => {
  expect(packVectors(matrix<VectorData>(Float32Array.of(1), 1)).data).toBe("AACAPw==");
});

test.each([
  ["no base64", { type: "float32", dimension: 1, data: "%%%%" }, "VECTOR_INVALID"],
  ["half a number", { type: "float32", dimension: 1, data: "AAA=" }, "VECTOR_INVALID"],
  ["half a vector", { type: "float32", dimension: 2, data: "AACAPw==" }, "DIMENSION_MISMATCH"],
] as const)("%s is refused", (_, packed, code) => {
  expect(() => unpackVectors(packed)).toThrowError(expect.objectContaining({ code }));
});

/** Vectors in requests and answers: packed as base64, or as lists of numbers. */

import { z } from "@hono/zod-openapi";
import { type Matrix, packVectors, toMatrix, unpackVectors, type VectorData } from "../../core/index.ts";

export const packedVectorsSchema = z
  .strictObject({
    type: z.enum(["float32", "bits"]).openapi({ description: "bits: 8 to a byte, lowest bit first." }),
    dimension: z.number().int().min(0).openapi({ description: "Numbers, or bits, of one vector." }),
    data: z.string().openapi({ description: "Base64; float32 little-endian, vector after vector." }),
  })
  .openapi("PackedVectors");

export const vectorsSchema = z
  .union([packedVectorsSchema, z.array(z.array(z.number()).min(1)).min(1)])
  .openapi("Vectors", { description: "Packed, or a list of numbers for each vector." });

export type PackedJson = z.infer<typeof packedVectorsSchema>;

/** VECTOR_INVALID, DIMENSION_MISMATCH */
export function vectorsOf(json: z.infer<typeof vectorsSchema>): Matrix<VectorData> {
  return Array.isArray(json) ? toMatrix(json) : unpackVectors(json);
}

export function vectorsJson(vectors: Matrix<VectorData>): PackedJson {
  return { ...packVectors(vectors) };
}

const inField = packedVectorsSchema.extend({ _cls: z.literal("Vector") });

/** A field's value as the library takes it: `{ _cls: "Vector", … }` is a vector. VECTOR_INVALID */
export function fieldValue(value: unknown): unknown {
  const { data: packed } = inField.safeParse(value);
  if (packed === undefined) return value;
  const { data } = unpackVectors(packed);
  return data instanceof Float32Array ? data : value;
}

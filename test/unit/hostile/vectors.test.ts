/** Vectors nobody should index: refused at every door, one by one where others beside them are good. */

import { beforeAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { matrix } from "../../../core/matrix.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

let ns: Nearsight;
let count = 0;

beforeAll(async () => {
  ns = await temporaryNearsight();
});

/** Three samples in a new data set. */
async function three(): Promise<{ dataset: Dataset; ids: string[] }> {
  const dataset = await ns.createDataset(`vectors ${count++}`);
  return { dataset, ids: await dataset.addSamples([1, 2, 3].map((i) => ({ filepath: `/${i}.jpg` }))) };
}

const sparse: number[] = [];
sparse[1] = 1;
const detached = new Float32Array([1, 2]);
structuredClone(detached.buffer, { transfer: [detached.buffer] });

/** Right in kind and length; each is one item's fault. */
const UNUSABLE: readonly (readonly [string, readonly number[] | Float32Array | Float64Array])[] = [
  ["NaN", [Number.NaN, 1]],
  ["infinity", [1, Number.POSITIVE_INFINITY]],
  ["minus infinity", new Float32Array([Number.NEGATIVE_INFINITY, 0])],
  ["more than float32 holds", [1e39, 0]],
  ["more than float32 holds, as doubles", new Float64Array([-1e300, 0])],
];
const ZEROS: typeof UNUSABLE = [
  ["zeros", [0, 0]],
  ["minus zeros", new Float32Array([-0, -0])],
  ["less than float32 holds", [1e-320, 1e-60]],
];
/** Not lists of numbers at all. */
const NO_VECTORS: readonly (readonly [string, unknown])[] = [
  ["texts", ["1", "2"]],
  ["null in it", [null, 1]],
  ["a hole", sparse],
  ["truths", [true, false]],
  ["lists", [[1], [2]]],
  ["a text", "ab"],
  ["null", null],
  ["a number", 2],
  ["an object like a list", { 0: 1, 1: 2, length: 2 }],
  ["64-bit whole numbers", new BigInt64Array([1n, 2n])],
  ["bytes without a type", new DataView(new ArrayBuffer(8))],
];
/** Unusual, but numbers. */
const FINE: readonly (readonly [string, ArrayLike<number>, readonly number[]])[] = [
  ["doubles", new Float64Array([1, 2]), [1, 2]],
  ["small whole numbers", new Int8Array([-1, 2]), [-1, 2]],
  ["shared memory", new Float32Array(new SharedArrayBuffer(8)).fill(3), [3, 3]],
  ["a part of a larger array", new Float32Array([9, 1, 2, 9]).subarray(1, 3), [1, 2]],
  ["denormals", [1e-40, 1e-44], [...new Float32Array([1e-40, 1e-44])]],
  ["the largest", [3.4e38, -3.4e38], [...new Float32Array([3.4e38, -3.4e38])]],
];

const numbers = async (dataset: Dataset, field = "v") =>
  (await dataset.values<Float32Array | null>(field)).map((vector) => vector && [...vector]);

describe("in fields", () => {
  test.each([...UNUSABLE, ...NO_VECTORS])("%s is refused and nothing is written", async (_, vector) => {
    const { dataset, ids } = await three();
    await dataset.setVectors("v", ids[0] ?? "", [[5, 6]]);
    const refused = { code: expect.stringMatching(/VECTOR_INVALID|INVALID_ARGUMENT|FIELD_TYPE_MISMATCH/) };
    const put = dataset.setVectors("v", ids.slice(1), [[1, 2], vector] as never);
    await expect(put).rejects.toMatchObject({ code: "VECTOR_INVALID", hint: expect.any(String) });
    if (vector !== null) {
      const add = dataset.addSamples([{ filepath: "/4.jpg" }, { filepath: "/5.jpg", v: vector }]);
      await expect(add).rejects.toMatchObject(refused);
    }
    expect(await numbers(dataset)).toEqual([[5, 6], null, null]);
  });

  test.each(FINE)("%s is kept as float32, and the caller's stays", async (_, vector, expected) => {
    const { dataset, ids } = await three();
    const before = Array.from(vector);
    await dataset.setVectors("v", ids[0] ?? "", [vector] as never);
    expect((await numbers(dataset))[0]).toEqual(expected);
    expect(Array.from(vector)).toEqual(before);
  });

  test.each<[string, unknown, string]>([
    [
      "too many",
      [
        [1, 2],
        [3, 4],
      ],
      "INVALID_ARGUMENT",
    ],
    ["ragged", [[1, 2], [3]], "DIMENSION_MISMATCH"],
    ["empty", [[]], "INVALID_ARGUMENT"],
    ["of another length", [[1, 2, 3]], "DIMENSION_MISMATCH"],
    ["detached", [detached], "INVALID_ARGUMENT"],
    ["bits", matrix(new Uint8Array([1]), 8), "VECTOR_INVALID"],
    ["a matrix of a list", { data: [1, 2], dimension: 2 }, "VECTOR_INVALID"],
    ["a matrix of no dimension", { data: new Float32Array(2), dimension: 0 }, "INVALID_ARGUMENT"],
    ["a matrix of a negative one", { data: new Float32Array(2), dimension: -1 }, "DIMENSION_MISMATCH"],
    ["a matrix of NaN", { data: new Float32Array(2), dimension: Number.NaN }, "DIMENSION_MISMATCH"],
    ["a matrix of half a row", { data: new Float32Array(3), dimension: 2 }, "DIMENSION_MISMATCH"],
    ["an object", {}, "VECTOR_INVALID"],
    ["null", null, "VECTOR_INVALID"],
    ["a text", "abc", "VECTOR_INVALID"],
  ])("vectors %s are refused", async (_, vectors, code) => {
    const { dataset, ids } = await three();
    await dataset.setVectors("v", ids[0] ?? "", [[5, 6]]);
    await expect(dataset.setVectors("v", ids[1] ?? "", vectors as never)).rejects.toMatchObject({ code });
    expect(await numbers(dataset)).toEqual([[5, 6], null, null]);
  });
});

describe("given to computeSimilarity", () => {
  test.each([...UNUSABLE, ...ZEROS])(
    "%s is left out and named; the others are indexed",
    async (_, vector) => {
      const { dataset, ids } = await three();
      const embeddings = [[1, 2], vector, [2, 1]];
      const index = await ns.computeSimilarity(dataset, { embeddings, brainKey: "run" });
      expect(await index.sampleIds()).toEqual([ids[0], ids[2]]);
      const info = await dataset.getBrainInfo("run");
      expect(info).toMatchObject({ state: "partial", entries: { indexed: 2, failed: 1 } });
      expect(info.failed).toEqual([
        { id: ids[1], sampleId: ids[1], reason: expect.stringMatching(/NaN or an infinite|all zeros/) },
      ]);
    },
  );

  test.each(NO_VECTORS)("%s is refused before a run is recorded", async (_, vector) => {
    const { dataset, ids } = await three();
    const lists = ns.computeSimilarity(dataset, {
      embeddings: [[1, 2], vector, [2, 1]] as never,
      brainKey: "run",
    });
    await expect(lists).rejects.toMatchObject({ code: "VECTOR_INVALID" });
    const wrong = Array.isArray(vector) && Array.isArray(vector[0]) ? [["1", 2]] : vector;
    const map = ns.computeSimilarity(dataset, {
      embeddings: new Map([[ids[0], wrong]]) as never,
      brainKey: "run",
    });
    await expect(map).rejects.toMatchObject({ code: "VECTOR_INVALID" });
    expect(await dataset.listBrainRuns()).toEqual([]);
  });

  test("zeros have a place under metrics that can measure them", async () => {
    const { dataset, ids } = await three();
    for (const metric of ["euclidean", "dotproduct"] as const) {
      await ns.computeSimilarity(dataset, {
        embeddings: [
          [3, 4],
          [0, 0],
          [6, 8],
        ],
        metric,
        brainKey: metric,
      });
    }
    const near = await dataset.sortBySimilarity([0, 0], { brainKey: "euclidean" }).hits();
    expect(near.map(({ id, distance }) => [id, distance])).toEqual([
      [ids[1], 0],
      [ids[0], 5],
      [ids[2], 10],
    ]);
    expect(await dataset.sortBySimilarity([1, 0], { brainKey: "dotproduct" }).values("id")).toEqual([
      ids[2],
      ids[0],
      ids[1],
    ]);
  });

  test("very small and very large ones are compared by direction under cosine", async () => {
    const { dataset, ids } = await three();
    const embeddings = [
      [1e-40, 0],
      [1e38, 1e38],
      [0, 1e-30],
    ];
    await ns.computeSimilarity(dataset, { embeddings, brainKey: "run" });
    for (const scale of [1e-38, 1, 1e37]) {
      const hits = await dataset.sortBySimilarity([scale, scale]).hits();
      expect(hits[0]?.id).toBe(ids[1]);
      expect(hits.map(({ distance }) => distance)).toEqual(
        [0, 1 - Math.SQRT1_2, 1 - Math.SQRT1_2].map((value) => expect.closeTo(value, 3)),
      );
    }
  });
});

describe("added to an index", () => {
  test.each([...UNUSABLE, ...ZEROS])(
    "%s is WRITE_PARTIAL with its id; the others are added",
    async (_, vector) => {
      const { dataset, ids } = await three();
      const index = await ns.computeSimilarity(dataset, { embeddings: new Map([[ids[0] ?? "", [1, 2]]]) });
      await expect(index.addToIndex([vector, [2, 1]] as never, ids.slice(1))).rejects.toMatchObject({
        code: "WRITE_PARTIAL",
        details: { failed: [{ id: ids[1], reason: expect.any(String) }] },
      });
      expect(await index.sampleIds()).toEqual([ids[0], ids[2]]);
    },
  );

  test.each([
    ...NO_VECTORS,
    ["of another length", [1, 2, 3]],
    ["empty", []],
    ["detached", detached],
  ] as const)("%s adds nothing", async (_, vector) => {
    const { dataset, ids } = await three();
    const index = await ns.computeSimilarity(dataset, { embeddings: new Map([[ids[0] ?? "", [1, 2]]]) });
    await expect(index.addToIndex([vector, [2, 1]] as never, ids.slice(1))).rejects.toMatchObject({
      code: expect.stringMatching(/VECTOR_INVALID|DIMENSION_MISMATCH/),
    });
    expect(await index.sampleIds()).toEqual([ids[0]]);
  });
});

describe("queries", () => {
  let dataset: Dataset;
  beforeAll(async () => {
    dataset = (await three()).dataset;
    await ns.computeSimilarity(dataset, {
      embeddings: [
        [1, 2],
        [2, 1],
        [3, 3],
      ],
      brainKey: "run",
    });
  });

  test.each<[string, unknown, string]>([
    ...UNUSABLE.map(([name, vector]) => [name, vector, "VECTOR_INVALID"] as [string, unknown, string]),
    ...ZEROS.map(([name, vector]) => [name, vector, "VECTOR_INVALID"] as [string, unknown, string]),
    ["too long", [1, 2, 3], "DIMENSION_MISMATCH"],
    ["too short", { vector: [1] }, "DIMENSION_MISMATCH"],
    ["ragged", [[1, 2], [3]], "DIMENSION_MISMATCH"],
    ["empty", [], "INVALID_ARGUMENT"],
    ["detached", detached, "INVALID_ARGUMENT"],
    ["an empty vector", { vector: [] }, "INVALID_ARGUMENT"],
    ["no vector", { vector: 5 }, "INVALID_ARGUMENT"],
    ["no vectors", { vectors: 5 }, "INVALID_ARGUMENT"],
    ["vectors of none", { vectors: [5] }, "INVALID_ARGUMENT"],
    ["texts", { vector: ["1", "2"] }, "VECTOR_INVALID"],
    ["whole numbers of 64 bits", new BigInt64Array(2), "INVALID_ARGUMENT"],
    ["mixed values", [1, "a"], "INVALID_ARGUMENT"],
    ["a number", 5, "INVALID_ARGUMENT"],
    ["null", null, "INVALID_ARGUMENT"],
    ["nothing", {}, "INVALID_ARGUMENT"],
    ["two kinds at once", { vector: [1, 2], prompt: "x" }, "INVALID_ARGUMENT"],
    ["a number for an id", { id: 5 }, "INVALID_ARGUMENT"],
    ["no ids", { ids: [] }, "INVALID_ARGUMENT"],
    ["no terms", { combine: [] }, "INVALID_ARGUMENT"],
    [
      "a weight without end",
      { combine: [{ vector: [1, 2], weight: Number.POSITIVE_INFINITY }] },
      "INVALID_ARGUMENT",
    ],
    ["an empty text", "", "ID_NOT_FOUND"],
  ])("%s", async (_, query, code) => {
    const search = async () => dataset.sortBySimilarity(query as never).hits();
    await expect(search()).rejects.toMatchObject({ code, hint: expect.any(String) });
  });
});

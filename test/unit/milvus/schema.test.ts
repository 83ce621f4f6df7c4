/** What is made of a spec, and what is read from a description. */

import { describe, expect, test } from "vitest";
import { candidates, isQuantised, searchParamsFor } from "../../../core/backends/milvus/index-types.ts";
import { collectionPlan, keyValues, layoutOf } from "../../../core/backends/milvus/schema.ts";
import { expectCode } from "../../contract/context.ts";

const spec = { name: "pets", dimension: 512, metric: "dotproduct" } as const;
const bits = { name: "pets", dimension: 2048, metric: "hamming" } as const;

describe("names", () => {
  test.each(["a-b", "1a", "", "a b", "pets;", "ümläut", "a".repeat(256), "a.b", "$a"])(
    "%j is refused",
    (name) => expectCode(() => collectionPlan({ ...spec, name }), "INVALID_ARGUMENT"),
  );
  test.each(["a", "_1", "fiftyone_quickstart_m4xn4j", "a".repeat(255)])("%s is taken", (name) => {
    expect(collectionPlan({ ...spec, name }).layout.dimension).toBe(512);
  });
});

describe("indexes", () => {
  test("HNSW for numbers, BIN_FLAT for bits", () => {
    expect(collectionPlan(spec).index).toMatchObject({
      indexType: "HNSW",
      indexParams: { M: expect.any(Number), efConstruction: expect.any(Number) },
      consistencyLevel: "Session",
    });
    expect(collectionPlan(bits).index).toMatchObject({ indexType: "BIN_FLAT", indexParams: {} });
  });

  test("parameters given win, and those of searching are kept apart", () => {
    const params = {
      indexType: "ivf_sq8",
      indexParams: { nlist: 64, nprobe: 8 },
      searchParams: { reorder_k: 5 },
    };
    expect(collectionPlan({ ...spec, params }).index).toMatchObject({
      indexType: "IVF_SQ8",
      indexParams: { nlist: 64 },
      searchParams: { nprobe: 8, reorder_k: 5 },
    });
  });

  test("PQ divides the dimension", () => {
    const partsOf = (dimension: number) =>
      collectionPlan({ ...spec, dimension, params: { indexType: "IVF_PQ" } }).index.indexParams.m;
    expect([512, 100, 7, 3, 1].map(partsOf)).toEqual([128, 25, 1, 1, 1]);
  });

  test.each([
    { indexType: "BIN_FLAT" },
    { indexType: 7 },
    { indexType: "A B" },
    { indexParams: "M=3" },
    { indexParams: [] },
    { consistencyLevel: "session" },
    { shards: 2 },
  ])("%j is refused", (params) => expectCode(() => collectionPlan({ ...spec, params }), "INVALID_ARGUMENT"));

  test("of numbers are refused for bits", () =>
    expectCode(() => collectionPlan({ ...bits, params: { indexType: "HNSW" } }), "INVALID_ARGUMENT"));
});

describe("dimensions and metrics", () => {
  test("at the limit and one over", async () => {
    expect(collectionPlan({ ...spec, dimension: 32_768 }).layout.dimension).toBe(32_768);
    await expectCode(() => collectionPlan({ ...spec, dimension: 32_769 }), "LIMIT_EXCEEDED");
    expect(collectionPlan({ ...bits, dimension: 262_144 }).layout.dimension).toBe(262_144);
    await expectCode(() => collectionPlan({ ...bits, dimension: 262_152 }), "LIMIT_EXCEEDED");
    await expectCode(() => collectionPlan({ ...bits, dimension: 12 }), "INVALID_ARGUMENT");
  });

  test("a metric of the other kind of vectors is refused", async () => {
    await expectCode(() => collectionPlan({ ...spec, vectorType: "bits" }), "METRIC_NOT_SUPPORTED");
    await expectCode(() => collectionPlan({ ...bits, vectorType: "float32" }), "METRIC_NOT_SUPPORTED");
  });
});

describe("search parameters", () => {
  test("look at more than is asked for, within the server's limits", () => {
    expect(searchParamsFor("HNSW", {}, {}, 10)).toEqual({ ef: 512 });
    expect(searchParamsFor("HNSW", {}, {}, 1000)).toEqual({ ef: 2000 });
    expect(searchParamsFor("HNSW", {}, {}, 16_384)).toEqual({ ef: 32_768 });
    expect(searchParamsFor("FLAT", {}, {}, 10)).toEqual({});
    expect(searchParamsFor("IVF_FLAT", { nlist: "1" }, {}, 10)).toEqual({ nprobe: 1 });
    expect(searchParamsFor("BIN_IVF_FLAT", { nlist: 128 }, {}, 10)).toEqual({ nprobe: 64 });
  });

  test("indexes of codes are asked for more hits, the shorter the codes the more", () => {
    for (const exact of ["HNSW", "FLAT", "IVF_FLAT", "SCANN", "BIN_IVF_FLAT", "AUTOINDEX"]) {
      expect(isQuantised(exact), exact).toBe(false);
      expect(candidates(exact, 25)).toBe(25);
    }
    for (const codes of ["IVF_SQ8", "HNSW_SQ"]) expect(candidates(codes, 1000), codes).toBe(2000);
    for (const codes of ["IVF_PQ", "HNSW_PRQ", "IVF_RABITQ"])
      expect(candidates(codes, 1000), codes).toBe(10_000);
    expect(candidates("IVF_PQ", 1)).toBe(200);
  });

  test("those given win, and an ef below k would be refused by the server", () => {
    expect(searchParamsFor("HNSW", {}, { ef: 64 }, 10)).toEqual({ ef: 64 });
    expect(searchParamsFor("HNSW", {}, { ef: 64 }, 100)).toEqual({ ef: 100 });
  });
});

describe("descriptions", () => {
  const field = (
    name: string,
    data_type: string,
    params: Record<string, string>,
    is_primary_key = false,
  ) => ({
    name,
    data_type,
    is_primary_key,
    type_params: keyValues(params),
  });
  const fields = [
    field("pk", "VarChar", { max_length: "64000" }, true),
    field("vector", "FloatVector", { dim: "8" }),
    field("sample_id", "VarChar", { max_length: "64000" }),
  ];
  const indexes = {
    index_descriptions: [
      {
        field_name: "vector",
        params: keyValues({ index_type: "HNSW", metric_type: "IP", params: '{"M":8,"efConstruction":64}' }),
      },
    ],
  };

  test("of FiftyOne's collection", () => {
    expect(layoutOf("pets", { schema: { fields }, consistency_level: "Session" }, indexes)).toEqual({
      dimension: 8,
      metric: "dotproduct",
      vectorType: "float32",
      fields: { id: "pk", vector: "vector", sampleId: "sample_id" },
      idBytes: 64_000,
      sampleIdBytes: 64_000,
      indexType: "HNSW",
      indexParams: { M: 8, efConstruction: 64 },
      searchParams: {},
      consistencyLevel: "Session",
      meta: {},
    });
  });

  test("of ours, with what was kept beside it; foreign text under our names is nothing", () => {
    const properties = keyValues({ "nearsight.meta": '{"brainKey":"it\'s"}', "nearsight.search": "{oops" });
    const layout = layoutOf("pets", { schema: { fields }, properties }, indexes);
    expect(layout).toMatchObject({ meta: { brainKey: "it's" }, searchParams: {} });
  });

  test("of a collection without samples, or with parameters one by one", () => {
    const described = {
      index_descriptions: [
        { field_name: "v", params: keyValues({ index_type: "IVF_FLAT", metric_type: "L2", nlist: "64" }) },
      ],
    };
    const others = [
      field("id", "VarChar", { max_length: "36" }, true),
      field("v", "FloatVector", { dim: "4" }),
    ];
    expect(layoutOf("pets", { schema: { fields: others } }, described)).toMatchObject({
      fields: { id: "id", vector: "v", sampleId: null },
      idBytes: 36,
      indexParams: { nlist: "64" },
      metric: "euclidean",
    });
  });

  test("of a collection that is none of ours is refused", async () => {
    const numbers = [field("pk", "Int64", {}, true), ...fields.slice(1)];
    await expectCode(() => layoutOf("pets", { schema: { fields: numbers } }, indexes), "BACKEND_FAILED");
    await expectCode(() => layoutOf("pets", { schema: { fields } }, {}), "BACKEND_FAILED");
    await expectCode(() => layoutOf("pets", { schema: null }, indexes), "BACKEND_FAILED");
  });
});

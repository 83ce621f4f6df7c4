/** Indexes are made in FiftyOne's schema, never quantised unasked, and those that are there are understood. */

import { describe, expect, test } from "vitest";
import type { CollectionSpec } from "../../../core/backends/backend.ts";
import { indexBody, layoutOf } from "../../../core/backends/elasticsearch/mapping.ts";

const SPEC: CollectionSpec = { name: "pets", dimension: 512, metric: "cosine" };

const vectorOf = (spec: Partial<CollectionSpec>) =>
  indexBody({ ...SPEC, ...spec }, "mark").mappings?.properties?.["vector"];

describe("an index", () => {
  test.each([
    ["cosine", "cosine"],
    ["dotproduct", "max_inner_product"],
    ["euclidean", "l2_norm"],
  ] as const)("of %s has similarity %s and whole vectors in its graph", (metric, similarity) => {
    expect(vectorOf({ metric })).toEqual({
      type: "dense_vector",
      dims: 512,
      index: true,
      similarity,
      index_options: { type: "hnsw" },
    });
  });

  test("of bits holds bits", () => {
    expect(vectorOf({ metric: "hamming" })).toMatchObject({ element_type: "bit", similarity: "l2_norm" });
  });

  test("has a keyword for samples, and the meta facts", () => {
    const { mappings } = indexBody({ ...SPEC, meta: { brainKey: "it's" } }, "mark");
    expect(mappings?.properties?.["sample_id"]).toEqual({ type: "keyword" });
    expect(mappings?._meta).toEqual({ brainKey: "it's", nearsight: { vectors: "base64", made: "mark" } });
  });

  test("has shards and replicas only where they are given", () => {
    expect(indexBody({ ...SPEC, metric: "euclidean" }, "mark").settings).toEqual({ refresh_interval: "30s" });
    const { settings } = indexBody({ ...SPEC, params: { shards: 3, replicas: 0 } }, "mark");
    expect(settings).toMatchObject({ number_of_shards: 3, number_of_replicas: 0 });
  });

  test.each<[Partial<CollectionSpec>, boolean | undefined, string]>([
    [{}, false, "base64"],
    [{ metric: "dotproduct" }, undefined, "base64"],
    [{ metric: "dotproduct", params: { readableVectors: true } }, false, "numbers"],
  ])("%j keeps its vectors as given", (spec, excluded, vectors) => {
    const { settings, mappings } = indexBody({ ...SPEC, ...spec }, "mark");
    expect(settings?.["index.mapping.exclude_source_vectors"]).toBe(excluded);
    expect(mappings?._meta).toEqual({ nearsight: { vectors, made: "mark" } });
  });

  test.each(["int8_hnsw", "int4_hnsw", "bbq_hnsw", "flat", "int8_flat", "int4_flat", "bbq_flat"])(
    "may be %s",
    (type) => {
      expect(vectorOf({ params: { indexOptions: type } })).toMatchObject({ index_options: { type } });
    },
  );

  test("keeps the options of its type", () => {
    const indexOptions = { type: "int8_hnsw", m: 32, ef_construction: 200 };
    expect(vectorOf({ params: { indexOptions } })).toMatchObject({ index_options: indexOptions });
  });
});

test.each<[string, Partial<CollectionSpec>, string]>([
  ["jaccard", { metric: "jaccard" }, "METRIC_NOT_SUPPORTED"],
  ["bits under cosine", { vectorType: "bits" }, "METRIC_NOT_SUPPORTED"],
  ["no dimension", { dimension: 0 }, "INVALID_ARGUMENT"],
  ["bits that fill no byte", { metric: "hamming", dimension: 12 }, "INVALID_ARGUMENT"],
  ["4,097 dimensions", { dimension: 4097 }, "LIMIT_EXCEEDED"],
  ["an unknown option", { params: { shard: 1 } }, "INVALID_ARGUMENT"],
  ["an unknown type", { params: { indexOptions: { type: "ivf" } } }, "INVALID_ARGUMENT"],
  ["no type at all", { params: { indexOptions: ["hnsw"] } }, "INVALID_ARGUMENT"],
  ["no shards", { params: { shards: 0 } }, "INVALID_ARGUMENT"],
  ["half a replica", { params: { replicas: 0.5 } }, "INVALID_ARGUMENT"],
  ["quantised bits", { metric: "hamming", params: { indexOptions: "int8_hnsw" } }, "INVALID_ARGUMENT"],
])("%s is refused", (_name, spec, code) => {
  expect(() => indexBody({ ...SPEC, ...spec }, "mark")).toThrow(expect.objectContaining({ code }));
});

test("4,096 dimensions are taken", () => {
  expect(vectorOf({ dimension: 4096 })).toMatchObject({ dims: 4096 });
});

describe("an index that is there", () => {
  const state = (vector: object, settings: object = {}) =>
    layoutOf({
      settings: { index: { uuid: "u", version: { created: "9111000" }, ...settings } },
      mappings: { properties: { vector: { type: "dense_vector", dims: 512, index: true, ...vector } } },
    } as Parameters<typeof layoutOf>[0]);

  test("of FiftyOne is quantised, and samples are text", () => {
    const vector = {
      similarity: "cosine",
      index_options: { type: "bbq_hnsw", rescore_vector: { oversample: 12 } },
    };
    expect(state(vector)).toMatchObject({
      metric: "cosine",
      indexType: "bbq_hnsw",
      oversample: 12,
      sampleIdIsKeyword: false,
      encoding: "base64",
    });
  });

  test("that rescores nothing is rescored all the same", () => {
    expect(state({ index_options: { type: "int8_hnsw" } })?.oversample).toBe(10);
    expect(
      state({ index_options: { type: "bbq_hnsw", rescore_vector: { oversample: 0 } } })?.oversample,
    ).toBe(10);
  });

  test.each([
    ["dot_product", "dotproduct"],
    ["max_inner_product", "dotproduct"],
    ["l2_norm", "euclidean"],
  ])("of %s is one of %s", (similarity, metric) => {
    expect(state({ similarity })?.metric).toBe(metric);
  });

  test("of an older server is sent numbers, and shows them", () => {
    const older = state({ similarity: "cosine" }, { version: { created: "8537000" } });
    expect(older).toMatchObject({ encoding: "numbers", readFrom: "source" });
  });

  test("that shows its vectors to others is sent numbers", () => {
    const shown = state({ similarity: "cosine" }, { mapping: { exclude_source_vectors: "false" } });
    expect(shown).toMatchObject({ encoding: "numbers", readFrom: "source" });
  });

  test("that hides its vectors is read by doc values", () => {
    expect(state({ similarity: "cosine" })?.readFrom).toBe("doc values");
    expect(state({ similarity: "l2_norm" }, { version: { created: "8537000" } })?.readFrom).toBe(
      "doc values",
    );
  });

  test("without vectors to search is none", () => {
    expect(state({ type: "text" })).toBeNull();
    expect(state({ index: false })).toBeNull();
    expect(layoutOf({})).toBeNull();
  });
});

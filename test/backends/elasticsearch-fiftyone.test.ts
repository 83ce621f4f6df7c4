/** Indexes as FiftyOne makes them: its mapping, sample ids as text, whatever index type the server chose. */

import type { Client } from "@elastic/elasticsearch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend, Collection } from "../../core/backends/backend.ts";
import { elasticsearchBackend } from "../../core/backends/elasticsearch/elasticsearch.ts";
import type { Metric } from "../../core/backends/metric.ts";
import { matrix } from "../../core/matrix.ts";
import { at, batch, entries, expectOrder, fetched, floats, select, stream } from "../contract/context.ts";
import { referenceBackend } from "../contract/reference-backend.ts";
import { elasticsearchServer } from "../support/servers.ts";

const SIZE = 400;
const { hosts } = elasticsearchServer();

let backend: Backend<Client>;
let client: Client;
beforeAll(async () => {
  backend = elasticsearchBackend({ hosts });
  client = await backend.client();
});
afterAll(() => backend.close());

/** Unit vectors: FiftyOne makes them for its dotproduct. */
function unitEntries(dimension: number) {
  const part = entries(SIZE, "cosine", 5, "e", dimension);
  const data = new Float32Array(part.vectors.data.length);
  for (let row = 0; row < SIZE; row++) {
    const vector = part.vectors.row(row);
    const length = Math.hypot(...vector);
    data.set(
      Array.from(vector, (value) => value / length),
      row * dimension,
    );
  }
  return { ...part, vectors: matrix(data, dimension) };
}

describe.each([
  ["cosine", "cosine", 8, undefined],
  ["dot_product", "dotproduct", 8, undefined],
  ["l2_norm", "euclidean", 400, undefined],
  ["max_inner_product", "dotproduct", 8, undefined],
  ["cosine", "cosine", 8, false],
] as const)(
  "of %s for %s in %i dimensions, vectors left out of the source: %s",
  (similarity, metric, dimension, excluded) => {
    const index = `fiftyone-${process.pid}-${similarity.replaceAll("_", "-")}-${excluded ?? "default"}`;
    const written = unitEntries(dimension);
    let collection: Collection;
    let oracle: Collection;

    beforeAll(async () => {
      await client.indices.create({
        index,
        ...(excluded === undefined ? {} : { settings: { "index.mapping.exclude_source_vectors": excluded } }),
        mappings: {
          properties: { vector: { type: "dense_vector", dims: dimension, index: true, similarity } },
        },
      });
      const operations = written.ids.flatMap((_id, row) => [
        { index: { _id } },
        { sample_id: written.sampleIds[row], vector: Array.from(written.vectors.row(row)) },
      ]);
      expect((await client.bulk({ index, operations, refresh: true })).errors).toBe(false);
      collection = await backend.open(index);
      oracle = await referenceBackend().create({ name: "o", dimension, metric: metric as Metric });
      await oracle.upsert(stream(written));
    });
    afterAll(() => client.indices.delete({ index }));

    test("is described and listed", async () => {
      expect(await collection.describe()).toEqual({ dimension, metric, vectorType: "float32", size: SIZE });
      expect(await backend.list(index)).toEqual([index]);
    });

    test("is searched, exact distances and sample ids", async () => {
      const query = matrix(
        Float32Array.from({ length: dimension }, (_, i) => Math.sin(i) * 3),
        dimension,
      );
      const within = select(written.ids.slice(0, 50));
      for (const options of [{ k: 10 }, { k: null }, { k: 10, within }, { k: 10, reverse: true }]) {
        const facts: Record<string, unknown> = {};
        const onExplain = (more: object) => Object.assign(facts, more);
        const found = at(await collection.search(query, { ...options, onExplain }), 0);
        const expected = at(await oracle.search(query, options), 0);
        expect(facts["indexType"]).toMatch(/^(int8|bbq)_hnsw$/);
        expectOrder(found, "reverse" in options);
        const shared = found.ids.filter((id) => expected.ids.includes(id));
        expect(shared.length).toBeGreaterThanOrEqual(0.98 * expected.ids.length);
        found.ids.forEach((id, i) => {
          expect(found.sampleIds[i]).toBe(`sample-${id}`);
          const place = expected.ids.indexOf(id);
          if (place < 0) return;
          const distance = at(expected.distances, place);
          expect(Math.abs(at(found.distances, i) - distance)).toBeLessThanOrEqual(
            1e-4 * Math.max(1, Math.abs(distance)),
          );
        });
      }
    });

    test("gives its vectors, and takes more that FiftyOne can read", async () => {
      const all = await fetched(collection.fetch());
      expect(all.size).toBe(SIZE);
      written.ids.forEach((id, row) => {
        const entry = all.get(id);
        expect(entry?.sampleId).toBe(written.sampleIds[row]);
        written.vectors.row(row).forEach((value, i) => {
          expect(Math.abs(value - Number(entry?.vector[i]))).toBeLessThan(1e-6);
        });
      });
      const more = {
        ...batch(["new"], matrix(written.vectors.row(0).slice(), dimension)),
        sampleIds: ["fresh"],
      };
      expect(await collection.upsert(stream(more))).toEqual({ written: 1, failed: [] });
      const { _source } = await client.get<{ sample_id: string; vector?: unknown }>({ index, id: "new" });
      expect(_source?.sample_id).toBe("fresh");
      expect(Array.isArray(_source?.vector)).toBe(excluded === false);
      expect((await collection.delete(stream(["new"]))).written).toBe(1);
    });
  },
);

test("vectors that dot_product refuses are told one by one", async () => {
  const index = `fiftyone-${process.pid}-unit`;
  const vector = { type: "dense_vector", dims: 2, similarity: "dot_product" } as const;
  await client.indices.create({ index, mappings: { properties: { vector } } });
  const collection = await backend.open(index);
  const report = await collection.upsert(stream(batch(["unit", "long"], floats([1, 0], [3, 4]))));
  expect(report).toMatchObject({ written: 1, failed: [{ id: "long" }] });
  expect(at(report.failed, 0).reason).toMatch(/^VECTOR_INVALID: .*unit-length/);
  await collection.drop();
});

test("an index without vectors is none", async () => {
  const index = `fiftyone-${process.pid}-text`;
  await client.indices.create({ index, mappings: { properties: { title: { type: "text" } } } });
  await expect(backend.open(index)).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
  expect(await backend.list(index)).toEqual([]);
  await client.indices.delete({ index });
});

test("vectors nearly of unit length are compared as what they are, and come back so", async () => {
  const name = `fiftyone-${process.pid}-nearly`;
  const collection = await backend.create({ name, dimension: 2, metric: "cosine" });
  const rows = floats([0.9997, 0], [0.6003, 0.8], [3, 4]);
  await collection.upsert(stream(batch(["a", "b", "c"], rows)));
  const found = at(await collection.search(floats([1.0003, 0]), { k: 3 }), 0);
  const oracle = await referenceBackend().create({ name, dimension: 2, metric: "cosine" });
  await oracle.upsert(stream(batch(["a", "b", "c"], rows)));
  const expected = at(await oracle.search(floats([1.0003, 0]), { k: 3 }), 0);
  expect(found.ids).toEqual(expected.ids);
  found.distances.forEach((distance, i) => {
    expect(Math.abs(distance - at(expected.distances, i))).toBeLessThan(1e-6);
  });
  expect((await fetched(collection.fetch())).get("a")?.vector).toEqual(rows.row(0));
  await collection.drop();
});

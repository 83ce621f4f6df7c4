/** Milvus: what goes through the gRPC stub directly is what the SDK sends and reads, on a real server. */

import { ConsistencyLevelEnum } from "@zilliz/milvus2-sdk-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Metric } from "../../core/backends/metric.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { FIELDS } from "../../core/backends/milvus/schema.ts";
import { entries, fetched, floats, padded, stream, vectors } from "../contract/context.ts";
import { milvusServer } from "../support/servers.ts";

const backend = milvusBackend(milvusServer());
const names = ["wire_cosine", "wire_hamming", "wire_fiftyone"];

/** Until it ends, what the SDK wrote may not be seen: the SDK waits for nothing. */
async function strongRead(name: string): Promise<void> {
  const client = await backend.client();
  const level = ConsistencyLevelEnum.Strong;
  await client.query({ collection_name: name, filter: 'pk in [""]', consistency_level: level });
}

async function dropAll(): Promise<void> {
  for (const name of names) await (await backend.open(name).catch(() => undefined))?.drop();
}

beforeAll(dropAll);
afterAll(async () => {
  await dropAll();
  await backend.close();
});

describe.each(["cosine", "hamming"] as const)("under %s", (metric: Metric) => {
  const written = entries(30, metric, 9);
  const name = `wire_${metric}`;

  test("the SDK reads what was written here, and finds the same", async () => {
    const collection = await backend.create({ name, metric, dimension: written.vectors.dimension });
    await collection.upsert(stream(written));
    const client = await backend.client();
    const options = { collection_name: name, output_fields: ["*"], limit: 100 };
    const { data } = await client.query({ ...options, filter: 'pk >= ""' });
    const rows = new Map<string, Readonly<Record<string, unknown>>>(
      data.map((row) => [String(row[FIELDS.id]), row]),
    );
    written.ids.forEach((id, i) => {
      expect(rows.get(id)).toMatchObject({ [FIELDS.sampleId]: written.sampleIds[i] });
      const read = rows.get(id)?.[FIELDS.vector] as ArrayLike<number> | undefined;
      expect(Array.from(read ?? [])).toEqual([...written.vectors.row(i)]);
    });
    const query = vectors(1, metric, 10);
    const [found] = await collection.search(query, { k: 30 });
    const answer = await client.search({ ...options, data: [[...query.row(0)]], limit: 30 });
    const scores = new Map(answer.results.map((hit) => [hit[FIELDS.id], hit.score]));
    found?.ids.forEach((id, i) => {
      const distance = found.distances[i] ?? 0;
      expect(metric === "cosine" ? 1 - distance : distance).toBeCloseTo(scores.get(id) ?? Number.NaN, 5);
    });
  });

  test("what the SDK writes is read here", async () => {
    const client = await backend.client();
    const vector = [...written.vectors.row(3)];
    const row = { [FIELDS.id]: "by the SDK", [FIELDS.vector]: vector, [FIELDS.sampleId]: "s" };
    await client.upsert({ collection_name: name, data: [row] });
    await strongRead(name);
    const collection = await backend.open(name);
    const found = await fetched(collection.fetch());
    expect(found.get("by the SDK")).toEqual({ sampleId: "s", vector: written.vectors.row(3) });
  });
});

describe("a collection as FiftyOne makes it", () => {
  test("is opened, read, searched, added to and taken from", async () => {
    const client = await backend.client();
    const collection_name = "wire_fiftyone";
    await client.createCollection({
      collection_name,
      consistency_level: "Session",
      fields: [
        { name: "pk", data_type: 21, is_primary_key: true, autoID: false, max_length: 64_000 },
        { name: "vector", data_type: 101, dim: 8 },
        { name: "sample_id", data_type: 21, max_length: 64_000 },
      ],
    });
    const index = { index_type: "HNSW", metric_type: "IP", params: '{"M":8,"efConstruction":64}' };
    await client.createIndex({
      collection_name,
      field_name: "vector",
      index_name: "vector",
      extra_params: index,
    });
    const data = [
      { pk: "a", vector: padded(1), sample_id: "s1" },
      { pk: "b", vector: padded(2, 1), sample_id: "s1" },
    ];
    await client.insert({ collection_name, data });
    const collection = await backend.open(collection_name);
    await collection.describe();
    await strongRead(collection_name);
    expect(await collection.describe()).toEqual({
      dimension: 8,
      metric: "dotproduct",
      vectorType: "float32",
      size: 2,
    });
    await collection.upsert(
      stream({ ids: ["a", "c"], sampleIds: ["s1", "s2"], vectors: floats(padded(9), padded(0, 3)) }),
    );
    const [hits] = await collection.search(floats(padded(1)), { k: 3 });
    expect(hits).toEqual({
      ids: ["a", "b", "c"],
      sampleIds: ["s1", "s1", "s2"],
      distances: new Float32Array([-9, -2, 0]),
    });
    expect(await collection.delete(stream(["b"]))).toEqual({ written: 1, failed: [] });
    expect((await collection.describe()).size).toBe(2);
  });
});

test("the handle is bound, prints without secrets, and counts", async () => {
  const collection = await backend.open("wire_cosine");
  const handle = await collection.handle?.();
  expect(handle?.name).toBe("wire_cosine");
  expect(await handle?.count()).toBe(31);
  expect(await handle?.describe()).toMatchObject({
    name: "wire_cosine",
    metric: "cosine",
    dimension: 8,
    size: 31,
  });
  const rows = await handle?.query({ filter: 'pk == "e0001"', output_fields: ["sample_id"] });
  expect(rows).toMatchObject([{ pk: "e0001", sample_id: "sample-e0001" }]);
  expect(JSON.parse(JSON.stringify(handle))).toMatchObject({ name: "wire_cosine" });
});

test("facts of the collection and of the server", async () => {
  const collection = await backend.open("wire_cosine");
  expect(await collection.facts?.()).toMatchObject({ index: "HNSW", consistencyLevel: "Session" });
  expect(await backend.facts?.()).toMatchObject({
    version: expect.stringContaining("2.3.5"),
    limits: { hits: 16_384 },
  });
});

/** Milvus: what the server takes at once, at the limit and one over. */

import { afterAll, expect, test } from "vitest";
import type { CollectionSpec } from "../../core/backends/backend.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { matrix, type VectorData } from "../../core/matrix.ts";
import {
  batch,
  entries,
  expectCode,
  expectOrder,
  fetched,
  floats,
  padded,
  select,
  stream,
} from "../contract/context.ts";
import { testLargeView } from "../support/large-view.ts";
import { milvusServer } from "../support/servers.ts";

const backend = milvusBackend(milvusServer());
const made: string[] = [];

async function make(name: string, spec: Partial<CollectionSpec> = {}) {
  await (await backend.open(name).catch(() => undefined))?.drop();
  made.push(name);
  return backend.create({ name, dimension: 8, metric: "euclidean", ...spec });
}

afterAll(async () => {
  for (const name of made) await (await backend.open(name).catch(() => undefined))?.drop();
  await backend.close();
});

test("k at 16,384, one over, and all of 20,000, each id once and in order", async () => {
  const collection = await make("limits_k", { dimension: 2 });
  await collection.upsert(stream(entries(20_000, "euclidean", 1, "e", 2)));
  for (const k of [1, 10, 11, 16_384, 16_385, null]) {
    const [hits] = await collection.search(floats([0.1, 0.2]), { k });
    expect(hits?.ids).toHaveLength(k ?? 20_000);
    expect(new Set(hits?.ids).size).toBe(k ?? 20_000);
    if (hits !== undefined) expectOrder(hits);
  }
});

test("views of 16,384 ids, one more, and 100,000 of which most do not exist", async () => {
  const collection = await backend.open("limits_k");
  const ids = entries(20_000, "euclidean", 1, "e", 2).ids;
  for (const size of [16_384, 16_385]) {
    const within = select(ids.slice(0, size));
    for (const k of [10, size]) {
      const [hits] = await collection.search(floats([0.1, 0.2]), { k, within });
      expect(hits?.ids).toHaveLength(k);
    }
  }
  const many = [...ids.slice(0, 50), ...Array.from({ length: 100_000 }, (_, i) => `absent${i}`)];
  const [hits] = await collection.search(floats([0.1, 0.2]), { k: 100, within: select(many, "many") });
  expect(hits?.ids.toSorted()).toEqual(ids.slice(0, 50));
});

// An HNSW index answers for few hits; its recall is that of the contract.
testLargeView({ connect: () => milvusBackend(milvusServer()), recall: 0.98 });

test("ids of 64,000 bytes are kept, those of one more are refused by name", async () => {
  const collection = await make("limits_ids");
  const ids = ["a".repeat(64_000), "b".repeat(64_001), "ü".repeat(32_000), "ü".repeat(32_001), "c"];
  const written = batch(ids, floats(...ids.map((_, i) => padded(i))));
  const report = await collection.upsert(stream({ ...written, sampleIds: ids.map((_, i) => `${i}`) }));
  expect(report.written).toBe(3);
  expect(report.failed.map(({ id }) => id.length)).toEqual([64_001, 32_001]);
  for (const { reason } of report.failed) expect(reason).toMatch(/^LIMIT_EXCEEDED: .*64000/);
  expect([...(await fetched(collection.fetch(select(ids)))).keys()]).toEqual([ids[0], ids[2], ids[4]]);
});

test("a batch larger than the server's largest message is split", async () => {
  const collection = await make("limits_message", { dimension: 4096 });
  const rows = 4500;
  const ids = Array.from({ length: rows }, (_, i) => `e${i}`);
  const data = new Float32Array(rows * 4096);
  for (let i = 0; i < rows; i++) data[i * 4096] = i;
  expect(data.byteLength).toBeGreaterThan(64 << 20);
  const vectors = matrix<VectorData>(data, 4096);
  expect(await collection.upsert(stream({ ids, sampleIds: ids, vectors }))).toEqual({
    written: rows,
    failed: [],
  });
  expect((await collection.describe()).size).toBe(rows);
});

test("the largest dimension is made, a larger one is refused", async () => {
  const collection = await make("limits_dimension", { dimension: 32_768 });
  const data = new Float32Array(32_768).fill(1);
  await collection.upsert(
    stream({ ids: ["a"], sampleIds: ["s"], vectors: matrix<VectorData>(data, 32_768) }),
  );
  const found = await fetched(collection.fetch());
  expect(found.get("a")?.vector).toEqual(data);
  await expectCode(() => make("limits_larger", { dimension: 32_769 }), "LIMIT_EXCEEDED");
});

test.each(["HNSW", "IVF_FLAT", "IVF_SQ8", "IVF_PQ", "SCANN", "FLAT", "AUTOINDEX"])(
  "an index of type %s",
  async (indexType) => {
    const collection = await make(`limits_${indexType.toLowerCase()}`, { params: { indexType } });
    await collection.upsert(stream(entries(200, "euclidean", 2)));
    const [hits] = await collection.search(floats(padded(1)), { k: 150 });
    expect(hits?.ids).toHaveLength(150);
    expect(await collection.facts?.()).toMatchObject({ index: indexType });
    await collection.drop();
  },
);

test.each(["BIN_FLAT", "BIN_IVF_FLAT"])("an index of bits of type %s", async (indexType) => {
  const spec = { metric: "jaccard", dimension: 64, params: { indexType } } as const;
  const collection = await make(`limits_${indexType.toLowerCase()}`, spec);
  await collection.upsert(stream(entries(200, "jaccard", 2)));
  const [hits] = await collection.search(entries(1, "jaccard", 3).vectors, { k: 150 });
  expect(hits?.ids).toHaveLength(150);
});

test("an index the server does not know is named, and nothing is left", async () => {
  for (const indexType of ["HNSW_SQ", "NOPE"]) {
    const error: unknown = await make("limits_unknown", { params: { indexType } }).catch((reason) => reason);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining(indexType) });
    expect(await backend.list("limits_unknown")).toEqual([]);
  }
});

/** What an Elasticsearch server takes at once, at its limits and one above: split, paged, or told for each entry. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend, Collection, SearchOptions } from "../../core/backends/backend.ts";
import { elasticsearchBackend } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { MAX_HITS, MAX_ID_BYTES, MAX_TERMS } from "../../core/backends/elasticsearch/limits.ts";
import { compareHits, truthOf } from "../contract/answers.ts";
import {
  at,
  batch,
  entries,
  expectOrder,
  fetched,
  floats,
  select,
  stream,
  vectors,
} from "../contract/context.ts";
import { referenceBackend } from "../contract/reference-backend.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { testLargeView } from "../support/large-view.ts";
import { elasticsearchServer } from "../support/servers.ts";

const [host = ""] = elasticsearchServer().hosts;
const SIZE = MAX_HITS + 50;
const DIMENSION = 4;

let backend: Backend;
const made: Collection[] = [];

async function make(name: string, dimension = DIMENSION, metric: "cosine" | "euclidean" = "cosine") {
  const collection = await backend.create({ name: `limits-${process.pid}-${name}`, dimension, metric });
  made.push(collection);
  return collection;
}

beforeAll(() => {
  backend = elasticsearchBackend({ hosts: host });
});
afterAll(async () => {
  for (const collection of made) await collection.drop();
  await backend.close();
});

describe("with more entries than one search gives", () => {
  const written = entries(SIZE, "cosine", 41, "e", DIMENSION);
  const query = floats([0.3, -1, 0.2, 0.5]);
  let collection: Collection;
  let ranking: readonly string[];

  beforeAll(async () => {
    collection = await make("hits");
    expect(await collection.upsert(stream(written))).toEqual({ written: SIZE, failed: [] });
    const oracle = await referenceBackend().create({ name: "o", dimension: DIMENSION, metric: "cosine" });
    await oracle.upsert(stream(written));
    ranking = at(await oracle.search(query, { k: null }), 0).ids;
  });

  test.each([MAX_HITS, MAX_HITS + 1, MAX_TERMS, MAX_TERMS + 1, 100_000])(
    "a view of %i ids is searched exactly",
    async (size) => {
      const absent = Array.from({ length: size - 100 }, (_, i) => `absent${i}`);
      const present = written.ids.filter((_, i) => i % 100 === 0).slice(0, 100);
      const within = select([...absent.slice(0, 5000), ...present, ...absent.slice(5000)], `view of ${size}`);
      const facts: Record<string, unknown> = {};
      const options = { k: 10, within, onExplain: (more: object) => Object.assign(facts, more) };
      const hits = at(await collection.search(query, options), 0);
      expect(hits.ids).toEqual(ranking.filter((id) => present.includes(id)).slice(0, 10));
      expect(facts).toMatchObject({ exact: true, parts: Math.ceil(size / MAX_HITS) });
    },
  );

  test("the farthest and the whole ranking are exact, the numbers of its writes far apart", async () => {
    // Each entry that is written again leaves a hole where its number was.
    await collection.upsert(stream(entries(3000, "cosine", 41, "e", DIMENSION)));
    const again = entries(SIZE, "cosine", 41, "e", DIMENSION);
    await collection.upsert(stream(again));
    const oracle = await referenceBackend().create({ name: "o", dimension: DIMENSION, metric: "cosine" });
    await oracle.upsert(stream(again));
    const farthest = at(await oracle.search(query, { k: 20, reverse: true }), 0);
    const found = at(await collection.search(query, { k: 20, reverse: true }), 0);
    expect(found.ids).toEqual(farthest.ids);
    const all = at(await collection.search(query, { k: null }), 0);
    expect(new Set(all.ids).size).toBe(SIZE);
    expectOrder(all);
  });
});

testLargeView({ connect: () => elasticsearchBackend({ hosts: host }), recall: 1 });

describe("an index of three shards", () => {
  const written = entries(SIZE, "euclidean", 43, "e", DIMENSION);
  const queries = vectors(3, "euclidean", 44, DIMENSION);
  const every3rd = select(
    written.ids.filter((_, row) => row % 3 === 0),
    "every third",
  );
  let collection: Collection;
  let oracle: Collection;

  beforeAll(async () => {
    const spec = { name: `limits-${process.pid}-shards`, dimension: DIMENSION, metric: "euclidean" } as const;
    collection = await backend.create({ ...spec, params: { shards: 3 } });
    made.push(collection);
    oracle = await referenceBackend().create(spec);
    for (const target of [collection, oracle]) await target.upsert(stream(written));
  });

  test.each<[string, SearchOptions]>([
    ["a few", { k: 25 }],
    ["as many as one search gives", { k: MAX_HITS }],
    ["more than that", { k: MAX_HITS + 1 }],
    ["all", { k: null }],
    ["the farthest", { k: 25, reverse: true }],
    ["the nearer ones", { k: null, maxDistance: 0.8 }],
    ["a few of a view", { k: 25, within: every3rd }],
    ["all of a view", { k: null, within: every3rd }],
  ])("answers right for %s", async (_name, options) => {
    const truths = await oracle.search(queries, { k: null });
    const expected = await oracle.search(queries, options);
    const found = await collection.search(queries, options);
    const answers = found.map((actual, row) => ({
      actual,
      expected: at(expected, row),
      truth: truthOf(at(truths, row)),
    }));
    compareHits(answers, { reverse: options.reverse ?? false, tolerance: 1e-5, recall: 0.98 });
  });

  test("counts, reads and removes in all of them", async () => {
    expect((await collection.describe()).size).toBe(SIZE);
    expect((await fetched(collection.fetch())).size).toBe(SIZE);
    const gone = written.ids.slice(0, 1000);
    expect(await collection.delete(stream(gone))).toEqual({ written: 1000, failed: [] });
    expect((await collection.describe()).size).toBe(SIZE - 1000);
  });
});

describe("entries that the server does not take", () => {
  test("an id of 512 bytes is written, one more is told", async () => {
    const collection = await make("ids");
    const ids = ["é".repeat(MAX_ID_BYTES / 2), "x".repeat(MAX_ID_BYTES), "x".repeat(MAX_ID_BYTES + 1), ""];
    const rows = floats(...ids.map((_, i) => [1, i, 0, 0]));
    const report = await collection.upsert(stream(batch(ids, rows)));
    expect(report.written).toBe(2);
    expect(report.failed.map(({ id }) => id)).toEqual(ids.slice(2));
    expect(at(report.failed, 0).reason).toContain("LIMIT_EXCEEDED: the id is longer than the 512 bytes");
    expect([...(await fetched(collection.fetch())).keys()].sort()).toEqual(ids.slice(0, 2).sort());
    expect((await collection.delete(stream(ids))).written).toBe(2);
  });

  test("a vector too short for the server's cosine is told, the others are written", async () => {
    const collection = await make("short");
    const report = await collection.upsert(
      stream(batch(["tiny", "fine"], floats([1e-30, 0, 0, 0], [1, 0, 0, 0]))),
    );
    expect(report).toMatchObject({ written: 1, failed: [{ id: "tiny" }] });
    expect(at(report.failed, 0).reason).toContain("VECTOR_INVALID");
  });
});

test("short distances are as exact as long ones", async () => {
  const collection = await make("near", 2, "euclidean");
  const rows = [0, 1e-6, 1e-4, 0.002, 0.02, 0.5, 40].map((x) => [3 + x, 1]);
  const written = batch(
    rows.map((_, i) => `e${i}`),
    floats(...rows),
  );
  await collection.upsert(stream(written));
  const oracle = await referenceBackend().create({ name: "o", dimension: 2, metric: "euclidean" });
  await oracle.upsert(stream(written));
  const expected = at(await oracle.search(floats([3, 1]), { k: null }), 0);
  for (const k of [10, null]) {
    const found = at(await collection.search(floats([3, 1]), { k }), 0);
    expect(found.ids).toEqual(expected.ids);
    found.distances.forEach((distance, i) => {
      expect(Math.abs(distance - at(expected.distances, i))).toBeLessThanOrEqual(
        5e-6 * Math.max(1, distance),
      );
    });
  }
});

describe("a body that is too long for the server", () => {
  test("is sent in halves", async () => {
    const proxy = await startHttpProxy(host);
    const behind = elasticsearchBackend({ hosts: proxy.url });
    const { name } = await make("long");
    const collection = await behind.open(name);
    proxy.answer({ status: 413, path: "_bulk", times: 3 });
    const written = entries(40, "cosine", 5, "e", DIMENSION);
    expect(await collection.upsert(stream(written))).toEqual({ written: 40, failed: [] });
    expect(proxy.seen.filter(({ path }) => path.includes("_bulk")).length).toBeGreaterThan(4);
    expect((await collection.describe()).size).toBe(40);
    await behind.close();
  });

  test("is told for an entry that is too long alone", async () => {
    const proxy = await startHttpProxy(host);
    const behind = elasticsearchBackend({ hosts: proxy.url });
    const collection = await behind.open((await make("longest")).name);
    proxy.answer({ status: 413, path: "_bulk", times: 7 });
    const report = await collection.upsert(stream(entries(4, "cosine", 5, "e", DIMENSION)));
    expect(report.written).toBe(0);
    expect(report.failed.map(({ id }) => id).sort()).toEqual(["e0000", "e0001", "e0002", "e0003"]);
    expect(at(report.failed, 0).reason).toContain("LIMIT_EXCEEDED");
    await behind.close();
  });
});

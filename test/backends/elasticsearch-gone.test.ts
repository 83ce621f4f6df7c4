/** Elasticsearch: indexes that somebody else drops, makes anew or gives another name while they are held open. */

import type { Client } from "@elastic/elasticsearch";
import { afterAll, beforeEach, expect, test } from "vitest";
import type { Collection } from "../../core/backends/backend.ts";
import { elasticsearchBackend } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { WRITE_ROWS } from "../../core/backends/elasticsearch/limits.ts";
import { entries, expectCode, fetched, stream } from "../contract/context.ts";
import { elasticsearchServer } from "../support/servers.ts";

const { hosts } = elasticsearchServer();
const DIMENSION = 4;
const written = entries(100, "cosine", 1, "e", DIMENSION);
const backend = elasticsearchBackend({ hosts });
const name = `gone-${process.pid}`;
const spec = { name, dimension: DIMENSION, metric: "cosine" } as const;
let client: Client;
let collection: Collection;

beforeEach(async () => {
  client = await backend.client();
  await client.indices.delete({ index: name, ignore_unavailable: true });
  collection = await backend.create(spec);
  await collection.upsert(stream(written));
});
afterAll(async () => {
  await client.indices.delete({ index: name, ignore_unavailable: true });
  await backend.close();
});

test("an index dropped during a write is INDEX_NOT_FOUND, and no other one takes its place", async () => {
  async function* batches() {
    yield entries(WRITE_ROWS, "cosine", 2, "a", DIMENSION);
    await client.indices.delete({ index: name });
    yield entries(WRITE_ROWS, "cosine", 3, "b", DIMENSION);
  }
  await expectCode(() => collection.upsert(batches()), "INDEX_NOT_FOUND");
  expect(await client.indices.exists({ index: name })).toBe(false);
});

test("an index dropped during a deletion is INDEX_NOT_FOUND, and no other one takes its place", async () => {
  async function* ids() {
    yield written.ids.slice(0, 10);
    await client.indices.delete({ index: name });
    yield written.ids.slice(10);
  }
  await expectCode(() => collection.delete(ids()), "INDEX_NOT_FOUND");
  expect(await client.indices.exists({ index: name })).toBe(false);
});

test("an index made anew with another metric is found out by the next write and the next description", async () => {
  await client.indices.delete({ index: name });
  await backend.create({ ...spec, metric: "euclidean" });
  expect(await collection.describe()).toMatchObject({ metric: "euclidean", size: 0 });
  await client.indices.delete({ index: name });
  await backend.create({ ...spec, dimension: 2 });
  await expectCode(() => collection.upsert(stream(written)), "DIMENSION_MISMATCH");
});

test("an index opened by an alias is written as itself, and holds nothing but its entries", async () => {
  const alias = `${name}-alias`;
  await client.indices.putAlias({ index: name, name: alias });
  const other = await backend.open(alias);
  expect(await other.upsert(stream(entries(20, "cosine", 4, "o", DIMENSION)))).toEqual({
    written: 20,
    failed: [],
  });
  expect((await fetched(collection.fetch())).size).toBe(120);
  expect((await client.count({ index: name })).count).toBe(120);
});

/** Indexes of types that are not the default, quantised ones above all, find what an exact scan finds. */

import type { Client } from "@elastic/elasticsearch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend, Collection, Columns } from "../../core/backends/backend.ts";
import { elasticsearchBackend } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { matrix, takeRows } from "../../core/matrix.ts";
import { seededRandom } from "../../core/random.ts";
import { at, batch, select, stream } from "../contract/context.ts";
import { referenceBackend } from "../contract/reference-backend.ts";
import { finishIndex } from "../support/elasticsearch-index.ts";
import { elasticsearchServer } from "../support/servers.ts";

const SIZE = 20_000;
/** The least that bbq takes. */
const DIMENSION = 64;
const CENTRES = 200;
const QUERIES = 40;
const LEAST_RECALL = 0.98;

const { hosts } = elasticsearchServer();
let backend: Backend<Client>;
beforeAll(() => {
  backend = elasticsearchBackend({ hosts });
});
afterAll(() => backend.close());

/** Numbers of a bell curve, as sums of even ones. */
function vectors(kind: "even" | "clustered", count: number, seed: number) {
  const random = seededRandom(seed);
  const bell = () => random() + random() + random() + random() - 2;
  const centres = Float32Array.from({ length: CENTRES * DIMENSION }, seededBell(7));
  const data = new Float32Array(count * DIMENSION);
  for (let row = 0; row < count; row++) {
    const centre = Math.floor(random() * CENTRES);
    for (let i = 0; i < DIMENSION; i++) {
      const offset = kind === "even" ? 0 : (centres[centre * DIMENSION + i] ?? 0);
      data[row * DIMENSION + i] = offset + (kind === "even" ? 1 : 0.2) * bell();
    }
  }
  return matrix(data, DIMENSION);
}

function seededBell(seed: number): () => number {
  const random = seededRandom(seed);
  return () => random() + random() + random() + random() - 2;
}

describe.each([
  ["even", "flat"],
  ["even", "int8_hnsw"],
  ["clustered", "bbq_hnsw"],
] as const)("%s data in an index of type %s", (kind, indexOptions) => {
  const ids = Array.from({ length: SIZE }, (_, i) => `e${i}`);
  const queries = vectors(kind, QUERIES, 99);
  let collection: Collection;
  let oracle: Collection;

  beforeAll(async () => {
    const name = `recall-${process.pid}-${kind}-${indexOptions.replace("_", "-")}`;
    const fields = ids.map((_, i) => ({ place_in_2: i % 2 }));
    const written = { ...batch(ids, vectors(kind, SIZE, 3)), fields };
    collection = await backend.create({
      name,
      dimension: DIMENSION,
      metric: "cosine",
      params: { indexOptions },
      filterFields: [{ key: "place_in_2", kind: "number" }],
    });
    oracle = await referenceBackend().create({ name: "o", dimension: DIMENSION, metric: "cosine" });
    for (const target of [collection, oracle]) await target.upsert(stream(written));
    await finishIndex(backend, name, SIZE);
  });
  afterAll(() => collection.drop());

  test.each([
    ["everything", () => undefined],
    [
      "a view of 1 %",
      () =>
        select(
          ids.filter((_, i) => i % 100 === 3),
          "1 %",
        ),
    ],
    [
      "a view of 50 %",
      () =>
        select(
          ids.filter((_, i) => i % 2 === 0),
          "50 %",
        ),
    ],
  ])("in %s nearly all of the nearest are found", async (_name, selection) => {
    const within = selection();
    for (const k of [10, 25, 1000]) {
      const wanted = await oracle.search(queries, { k, within });
      checkHits(await collection.search(queries, { k, within }), wanted, k);
    }
  });

  test("among those that meet a condition nearly all of the nearest are found", async () => {
    const half = select(
      ids.filter((_, i) => i % 2 === 0),
      "half",
    );
    const condition = { op: "between", key: "place_in_2", from: 0, to: 0 } as const;
    for (const k of [10, 25, 1000]) {
      const wanted = await oracle.search(queries, { k, within: half });
      const found: Columns[] = [];
      for (let row = 0; row < QUERIES; row++) {
        const filter = { condition, unsure: [] };
        const hits = await collection.searchWhere?.(takeRows(queries, [row]), { k, filter });
        found.push(hits as Columns);
      }
      checkHits(found, wanted, k);
    }
  });
});

/** Nearly all of the wanted hits are found, with the right distances. */
function checkHits(found: readonly Columns[], wanted: readonly Columns[], k: number): void {
  let shared = 0;
  wanted.forEach((columns, row) => {
    const { ids: hits, distances } = at(found, row);
    expect(hits).toHaveLength(columns.ids.length);
    const exact = new Map(columns.ids.map((id, i) => [id, at(columns.distances, i)]));
    hits.forEach((id, i) => {
      const distance = exact.get(id);
      if (distance === undefined) return;
      shared++;
      expect(Math.abs(distance - at(distances, i))).toBeLessThanOrEqual(1e-4);
    });
  });
  const all = wanted.reduce((sum, columns) => sum + columns.ids.length, 0);
  expect(shared / all, `recall at k ${k}`).toBeGreaterThanOrEqual(LEAST_RECALL);
}

/** Milvus: hits of a finished index, and of entries the index does not cover yet, against an exact ranking. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Collection, Columns, Selection } from "../../core/backends/backend.ts";
import { distanceOf } from "../../core/backends/metric.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { type Matrix, matrix } from "../../core/matrix.ts";
import { seededRandom } from "../../core/random.ts";
import { waitForIndex } from "../support/milvus-index.ts";
import { milvusServer } from "../support/servers.ts";

const ROWS = 20_000;
const DIMENSION = 32;
const QUERIES = 10;
const backend = milvusBackend(milvusServer());
const ids = Array.from({ length: ROWS }, (_, i) => `e${String(i).padStart(6, "0")}`);

afterAll(() => backend.close());

/** Gaussian numbers, by Box and Muller. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const KINDS = {
  random(random: () => number): Matrix {
    return matrix(
      Float32Array.from({ length: ROWS * DIMENSION }, () => gaussian(random)),
      DIMENSION,
    );
  },
  clustered(random: () => number): Matrix {
    const centres = Float32Array.from({ length: 100 * DIMENSION }, () => gaussian(random));
    const data = Float32Array.from({ length: ROWS * DIMENSION }, (_, i) => {
      const centre = centres[(Math.floor(i / DIMENSION) % 100) * DIMENSION + (i % DIMENSION)] ?? 0;
      return centre + 0.3 * gaussian(random);
    });
    return matrix(data, DIMENSION);
  },
};

const VIEWS = { none: 1, "1 %": 100, "50 %": 2 } as const;
const STEPS = [100, 2];
const fieldOf = (step: number) => `place_in_${step}`;

function every(step: number): Selection {
  const chosen = ids.filter((_, i) => i % step === 0);
  return {
    size: chosen.length,
    key: `every ${step}`,
    async *ids() {
      yield chosen;
    },
  };
}

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])("%s vectors", (kind) => {
  const name = `recall_${kind}`;
  const random = seededRandom(5);
  const vectors = KINDS[kind](random);
  const queries = matrix(
    Float32Array.from({ length: QUERIES * DIMENSION }, (_, i) => {
      const row = Math.floor(i / DIMENSION) * 1999;
      return (vectors.row(row)[i % DIMENSION] ?? 0) + 0.1 * gaussian(random);
    }),
    DIMENSION,
  );
  const rankings = Array.from({ length: QUERIES }, (_, query) => {
    const distances = Float64Array.from(ids, (_, row) =>
      distanceOf("cosine", queries.row(query), vectors.row(row)),
    );
    const order = Array.from(ids.keys()).sort((a, b) => (distances[a] ?? 0) - (distances[b] ?? 0));
    return { order, distances };
  });
  let collection: Collection;

  beforeAll(async () => {
    await (await backend.open(name).catch(() => undefined))?.drop();
    const filterFields = STEPS.map((step) => ({ key: fieldOf(step), kind: "number" as const }));
    collection = await backend.create({ name, dimension: DIMENSION, metric: "cosine", filterFields });
    async function* batches() {
      for (let first = 0; first < ROWS; first += 2500) {
        const part = ids.slice(first, first + 2500);
        const rows = vectors.data.subarray(first * DIMENSION, (first + 2500) * DIMENSION);
        const fields = part.map((_, i) =>
          Object.fromEntries(STEPS.map((step) => [fieldOf(step), (first + i) % step])),
        );
        yield { ids: part, sampleIds: part, vectors: matrix(rows, DIMENSION), fields };
      }
    }
    expect(await collection.upsert(batches())).toEqual({ written: ROWS, failed: [] });
  });
  afterAll(() => collection.drop());

  /** The hits of each query among every `step`-th entry, given by its ids or by a condition. */
  function searchedByIds(step: number, k: number): Promise<Columns[]> {
    return collection.search(queries, { k, within: step === 1 ? undefined : every(step) });
  }

  async function searchedByCondition(step: number, k: number): Promise<Columns[]> {
    const condition = { op: "between", key: fieldOf(step), from: 0, to: 0 } as const;
    const found: Columns[] = [];
    for (let query = 0; query < QUERIES; query++) {
      const one = matrix(queries.row(query).slice(), DIMENSION);
      const hits = await collection.searchWhere?.(one, { k, filter: { condition, unsure: [] } });
      // Where few of many meet a condition, the graph may not lead to all: the brain then goes by ids.
      if (step < 100) expect(hits).not.toBeNull();
      const [byIds] = hits == null ? await collection.search(one, { k, within: every(step) }) : [hits];
      found.push(byIds as Columns);
    }
    return found;
  }

  async function checkRecall(search = searchedByIds, views: Readonly<Record<string, number>> = VIEWS) {
    for (const [view, step] of Object.entries(views)) {
      for (const k of [10, 25, 1000]) {
        const found = await search(step, k);
        expect(found).toHaveLength(QUERIES);
        const expected = rankings.map(({ order }) => order.filter((row) => row % step === 0).slice(0, k));
        const hit = found.map(({ ids: hits }, i) => {
          const wanted = new Set(expected[i]?.map((row) => ids[row]));
          expect(hits, `hits, view ${view}, k ${k}`).toHaveLength(wanted.size);
          return hits.filter((id) => wanted.has(id)).length / wanted.size;
        });
        const recall = hit.reduce((sum, share) => sum + share, 0) / QUERIES;
        expect(recall, `recall, view ${view}, k ${k}`).toBeGreaterThanOrEqual(0.98);
        found.forEach((hits, i) => {
          hits.ids.forEach((id, place) => {
            const exact = rankings[i]?.distances[Number(id.slice(1))] ?? Number.NaN;
            expect(Math.abs((hits.distances[place] ?? Number.NaN) - exact)).toBeLessThan(1e-4);
          });
        });
      }
    }
  }

  test("right after the upload", () => checkRecall());

  test("in the finished index", async () => {
    await waitForIndex(backend, collection, ROWS);
    await checkRecall();
    await checkRecall(searchedByCondition, { "1 %": 100, "50 %": 2 });
  }, 900_000);

  test("all entries in exact order, nearest and farthest first", async () => {
    const query = matrix(queries.row(0).slice(), DIMENSION);
    const order = rankings[0]?.order ?? [];
    const [all] = await collection.search(query, { k: null });
    expect(all?.ids).toHaveLength(ROWS);
    expect(new Set(all?.ids).size).toBe(ROWS);
    expect(all?.ids.slice(0, 100)).toEqual(order.slice(0, 100).map((row) => ids[row]));
    const [farthest] = await collection.search(query, { k: 20, reverse: true });
    expect(farthest?.ids).toEqual(
      order
        .slice(-20)
        .reverse()
        .map((row) => ids[row]),
    );
  });
});

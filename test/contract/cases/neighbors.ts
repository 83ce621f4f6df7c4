/** Contract: the neighbours of every entry, by the backend itself or by the brain's searches, are the oracle's. */

import { expect } from "vitest";
import type { Batch, Collection, Columns, NeighborOptions } from "../../../core/backends/backend.ts";
import { distanceOf, METRICS, type Metric } from "../../../core/backends/metric.ts";
import { neighborhoods } from "../../../core/brain/compare/neighbors.ts";
import { matrix } from "../../../core/matrix.ts";
import { type Answer, at, truthOf } from "../answers.ts";
import type { ContractCase } from "../backend-contract.ts";
import {
  batch,
  type Context,
  DIMENSION,
  entries,
  expectCode,
  floats,
  padded,
  select,
  stream,
} from "../context.ts";

/** The neighbours of each entry, checked for doubles and for bounds of the parts. */
async function neighborsOf(
  { backend }: Context,
  collection: Collection,
  options: NeighborOptions,
): Promise<Map<string, Columns & { sampleId: string }>> {
  const found = new Map<string, Columns & { sampleId: string }>();
  for await (const { ids, sampleIds, starts, neighbors } of neighborhoods(backend, collection, options)) {
    expect(starts.length, "starts").toBe(ids.length + 1);
    expect([starts[0], starts.at(-1)], "first and last start").toEqual([0, neighbors.ids.length]);
    expect(sampleIds.length, "sample ids").toBe(ids.length);
    ids.forEach((id, i) => {
      expect(found.has(id), `${id} comes once`).toBe(false);
      const [from, to] = [at(starts, i), at(starts, i + 1)];
      found.set(id, {
        sampleId: at(sampleIds, i),
        ids: neighbors.ids.slice(from, to),
        sampleIds: neighbors.sampleIds.slice(from, to),
        distances: neighbors.distances.slice(from, to),
      });
    });
  }
  return found;
}

const NONE: Columns = { ids: [], sampleIds: [], distances: new Float32Array(0) };

/** Entries of a collection that the cases below share in kind: few, for each is compared with each. */
const FEW = 48;

interface Small {
  readonly collection: Collection;
  readonly batch: Batch;
  /** For each entry all others in order. */
  readonly others: readonly Columns[];
}

function small(context: Context, metric: Metric = "cosine"): Promise<Small> {
  return context.shared(`few ${metric}`, async (make) => {
    const collection = await make({ metric });
    const written = entries(FEW, metric, 17);
    await collection.upsert(stream(written));
    return {
      collection,
      batch: written,
      others: written.ids.map((_, row) => othersOf(written, metric, row)),
    };
  });
}

/** By the plain formula. */
function othersOf({ ids, sampleIds, vectors }: Batch, metric: Metric, row: number): Columns {
  const hits = ids
    .map((id, other) => ({
      id,
      sampleId: at(sampleIds, other),
      distance: Math.fround(distanceOf(metric, vectors.row(row), vectors.row(other))),
    }))
    .filter((_, other) => other !== row)
    .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1));
  return {
    ids: hits.map((hit) => hit.id),
    sampleIds: hits.map((hit) => hit.sampleId),
    distances: Float32Array.from(hits, (hit) => hit.distance),
  };
}

/** Fails unless each entry, or each of those named, has the neighbours it should. */
async function checkNeighbors(
  context: Context,
  { collection, batch: written, others }: Small,
  options: NeighborOptions,
  among: readonly string[] = written.ids,
): Promise<void> {
  const found = await neighborsOf(context, collection, options);
  expect([...found.keys()].sort(), "entries").toEqual([...among].sort());
  const { k, maxDistance = Number.POSITIVE_INFINITY } = options;
  const allowed = new Set(among);
  const answers: Answer[] = [];
  for (const [row, id] of written.ids.entries()) {
    const actual = found.get(id);
    if (actual === undefined) continue;
    expect(actual.sampleId, `sample id of ${id}`).toBe(at(written.sampleIds, row));
    const everything = at(others, row);
    const near = [...everything.ids.keys()]
      .filter((i) => allowed.has(at(everything.ids, i)) && at(everything.distances, i) <= maxDistance)
      .slice(0, k ?? undefined);
    answers.push({ actual, expected: pick(everything, near), truth: truthOf(everything) });
  }
  context.compare(answers, { exact: false });
}

function pick({ ids, sampleIds, distances }: Columns, rows: readonly number[]): Columns {
  return {
    ids: rows.map((row) => at(ids, row)),
    sampleIds: rows.map((row) => at(sampleIds, row)),
    distances: Float32Array.from(rows, (row) => at(distances, row)),
  };
}

/** A distance in the widest gap near the nearest tenth, so that rounding decides nothing. */
function gap({ others }: Small): number {
  const sorted = others.flatMap((columns) => [...columns.distances]).sort((a, b) => a - b);
  const start = Math.floor(sorted.length / 10);
  const width = (i: number) => at(sorted, i + 1) - at(sorted, i);
  const widest = Array.from({ length: 60 }, (_, i) => start + i).reduce((best, i) =>
    width(i) > width(best) ? i : best,
  );
  return (at(sorted, widest) + at(sorted, widest + 1)) / 2;
}

const nearest: ContractCase[] = METRICS.map((metric: Metric) => ({
  name: `${metric}: the nearest of each entry are the oracle's, itself left out`,
  needs: ({ metrics }) => metrics.includes(metric),
  async run(context) {
    const filled = await small(context, metric);
    for (const k of [1, 7]) await checkNeighbors(context, filled, { k });
  },
}));

const radius: ContractCase[] = METRICS.map((metric: Metric) => ({
  name: `${metric}: all within a distance are the oracle's`,
  needs: (capabilities) => capabilities.radius && capabilities.metrics.includes(metric),
  async run(context) {
    const filled = await small(context, metric);
    const maxDistance = gap(filled);
    await checkNeighbors(context, filled, { k: null, maxDistance });
    await checkNeighbors(context, filled, { k: 3, maxDistance });
  },
}));

export const NEIGHBOR_CASES: readonly ContractCase[] = [
  ...nearest,
  ...radius,
  {
    name: "more neighbours than entries gives all others",
    async run(context) {
      const filled = await small(context);
      for (const k of [FEW + 5, null]) await checkNeighbors(context, filled, { k });
    },
  },
  {
    name: "a selection limits entries and neighbours alike",
    async run(context) {
      const filled = await small(context);
      const some = filled.batch.ids.filter((_, i) => i % 3 === 0);
      for (const k of [4, null]) {
        await checkNeighbors(context, filled, { k, within: select([...some, "absent"]) }, some);
      }
      const one = filled.batch.ids.slice(5, 6);
      await checkNeighbors(context, filled, { k: 2, within: select(one) }, one);
      expect(await neighborsOf(context, filled.collection, { k: 2, within: select([]) })).toEqual(new Map());
    },
  },
  {
    name: "copies are neighbours of each other at distance 0, by id, and no entry is its own",
    async run(context) {
      const collection = await context.empty();
      const ids = ["d", "b", "a", "c"];
      const rows = ids.map(() => padded(3, 1));
      await collection.upsert(stream(batch([...ids, "z"], floats(...rows, padded(0, 1)))));
      const found = await neighborsOf(context, collection, { k: 3 });
      for (const id of ids) {
        expect(found.get(id)?.ids).toEqual(ids.filter((other) => other !== id).sort());
        for (const distance of found.get(id)?.distances ?? []) expect(Math.abs(distance)).toBeLessThan(1e-6);
      }
      expect(found.get("z")?.ids).toEqual(["a", "b", "c"]);
      const nearest = await neighborsOf(context, collection, { k: 1 });
      expect(["a", "b", "c", "d"].map((id) => nearest.get(id)?.ids)).toEqual([["b"], ["a"], ["a"], ["a"]]);
    },
  },
  {
    name: "one entry has no neighbours, and an empty collection no entries",
    async run(context) {
      const collection = await context.empty();
      expect(await neighborsOf(context, collection, { k: 5 })).toEqual(new Map());
      await collection.upsert(stream(entries(1, "cosine", 3)));
      const found = await neighborsOf(context, collection, { k: 5 });
      expect([...found.keys()]).toEqual(["e0000"]);
      expect(found.get("e0000")?.ids).toEqual([]);
    },
  },
  {
    name: "a write is seen by the next look for neighbours",
    async run(context) {
      const collection = await context.empty();
      await collection.upsert(stream(batch(["a", "b"], floats(padded(1), padded(1, 0.1)))));
      expect((await neighborsOf(context, collection, { k: 1 })).get("a")?.ids).toEqual(["b"]);
      await collection.upsert(stream(batch(["c"], floats(padded(1, 0.01)))));
      expect((await neighborsOf(context, collection, { k: 1 })).get("a")?.ids).toEqual(["c"]);
      await collection.delete(stream(["c"]));
      const after = await neighborsOf(context, collection, { k: 1 });
      expect([after.get("a")?.ids, after.has("c")]).toEqual([["b"], false]);
    },
  },
  {
    name: "over a thousand entries are all there, in parts",
    async run(context) {
      const collection = await context.empty();
      const count = 1_100;
      const circle = Array.from({ length: count }, (_, i) => {
        const angle = (2 * Math.PI * i) / count;
        return padded(Math.cos(angle), Math.sin(angle));
      });
      const ids = circle.map((_, i) => `p${String(i).padStart(4, "0")}`);
      const vectors = matrix(new Float32Array(circle.flat()), DIMENSION);
      await collection.upsert(stream(batch(ids, vectors)));
      const found = await neighborsOf(context, collection, { k: 2 });
      expect(found.size).toBe(count);
      const answers = ids.map((id, i) => {
        const turn = (other: string) => 1 - Math.cos((2 * Math.PI * (Number(other.slice(1)) - i)) / count);
        const beside = [at(ids, (i + count - 1) % count), at(ids, (i + 1) % count)].sort();
        const expected = {
          ids: beside,
          sampleIds: beside.map((other) => `sample of ${other}`),
          distances: Float32Array.from(beside, turn),
        };
        const truth = (other: string) => ({ sampleId: `sample of ${other}`, distance: turn(other) });
        return { actual: found.get(id) ?? NONE, expected, truth };
      });
      context.compare(answers, { exact: false });
    },
  },
  {
    name: "looking for neighbours of a dropped collection is INDEX_NOT_FOUND",
    async run(context) {
      const collection = await context.make();
      await collection.drop();
      await expectCode(() => neighborsOf(context, collection, { k: 1 }), "INDEX_NOT_FOUND");
    },
  },
  {
    name: "a signal that has fired ends the look for neighbours",
    async run(context) {
      const { collection } = await small(context);
      const signal = AbortSignal.abort();
      await expectCode(() => neighborsOf(context, collection, { k: 1, signal }), "ABORTED");
    },
  },
];

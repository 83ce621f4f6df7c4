/** Contract: what upsert and delete do, report, and leave alone. */

import { expect, vi } from "vitest";
import { distanceOf } from "../../../core/backends/metric.ts";
import type { VectorData } from "../../../core/matrix.ts";
import { seededRandom } from "../../../core/random.ts";
import { at } from "../answers.ts";
import type { ContractCase } from "../backend-contract.ts";
import { batch, entries, FILLED, fetched, floats, padded, select, stream, vectors } from "../context.ts";

export const WRITE_CASES: readonly ContractCase[] = [
  {
    name: "upsert counts what it wrote, and the size is exact at once",
    async run({ empty }) {
      const collection = await empty();
      const report = await collection.upsert(stream(entries(120, "cosine", 1), entries(3, "cosine", 2, "f")));
      expect(report).toEqual({ written: 123, failed: [] });
      expect((await collection.describe()).size).toBe(123);
    },
  },
  {
    name: "an empty stream and an empty batch write nothing",
    async run({ empty }) {
      const collection = await empty();
      expect(await collection.upsert(stream())).toEqual({ written: 0, failed: [] });
      expect(await collection.upsert(stream(entries(0, "cosine", 1)))).toEqual({ written: 0, failed: [] });
      expect(await collection.delete(stream([]))).toEqual({ written: 0, failed: [] });
      expect((await collection.describe()).size).toBe(0);
    },
  },
  {
    name: "every batch arrives, the short last one too",
    async run({ empty }) {
      const collection = await empty();
      const parts = [100, 100, 1].map((count, i) => entries(count, "cosine", i, `p${i}_`));
      expect((await collection.upsert(stream(...parts))).written).toBe(201);
      const ids = [...(await fetched(collection.fetch())).keys()].sort();
      expect(ids).toEqual(parts.flatMap((part) => part.ids).sort());
    },
  },
  {
    name: "upsert replaces entries of the same id and touches no other",
    async run({ empty, stored }) {
      const collection = await empty();
      const before = entries(60, "cosine", 1);
      await collection.upsert(stream(before));
      const change = {
        ...batch(["e0007", "new"], floats(padded(5), padded(0, 5))),
        sampleIds: ["other", "fresh"],
      };
      expect(await collection.upsert(stream(change))).toEqual({ written: 2, failed: [] });
      const after = await fetched(collection.fetch());
      expect(after.size).toBe(61);
      expect((await collection.describe()).size).toBe(61);
      expect(after.get("e0007")).toEqual({ sampleId: "other", vector: stored(new Float32Array(padded(5))) });
      before.ids.forEach((id, i) => {
        if (id === "e0007") return;
        expect(after.get(id)).toEqual({
          sampleId: before.sampleIds[i],
          vector: stored(before.vectors.row(i)),
        });
      });
    },
  },
  {
    name: "writing the same batch again makes no doubles",
    async run({ empty }) {
      const collection = await empty();
      const part = entries(40, "cosine", 3);
      await collection.upsert(stream(part));
      await collection.upsert(stream(part, part));
      expect((await collection.describe()).size).toBe(40);
      const [hits] = await collection.search(floats(padded(1)), { k: 100 });
      expect(hits?.ids.toSorted()).toEqual(part.ids);
    },
  },
  {
    name: "overwritten twice, an entry is found by its last vector only",
    async run({ empty }) {
      const collection = await empty();
      await collection.upsert(stream(entries(20, "cosine", 6)));
      const [first, second, last] = [padded(1), padded(0, -1), padded(0, 0, 1)];
      for (const row of [first, second, last]) {
        await collection.upsert(stream(batch(["a"], floats(row))));
        expect((await collection.describe()).size).toBe(21);
      }
      for (const query of [first, second, last]) {
        const [hits] = await collection.search(floats(query), { k: 30 });
        expect(hits?.ids.filter((id) => id === "a")).toEqual(["a"]);
        const distance = at(hits?.distances ?? [], hits?.ids.indexOf("a") ?? 0);
        const { metric } = await collection.describe();
        const expected = distanceOf(metric, new Float32Array(query), new Float32Array(last));
        expect(distance).toBeCloseTo(expected, 4);
      }
    },
  },
  {
    name: "the last of doubled ids wins, within a batch and across batches",
    async run({ empty, stored }) {
      const collection = await empty();
      const first = batch(["a", "b", "a"], floats(padded(1), padded(2), padded(3)));
      const second = batch(["b"], floats(padded(4)));
      expect((await collection.upsert(stream(first, second))).written).toBe(3);
      const found = await fetched(collection.fetch());
      expect(found.size).toBe(2);
      expect(found.get("a")?.vector).toEqual(stored(new Float32Array(padded(3))));
      expect(found.get("b")?.vector).toEqual(stored(new Float32Array(padded(4))));
    },
  },
  {
    name: "vectors with NaN or infinite numbers are reported, the others written",
    async run({ empty }) {
      const collection = await empty();
      const rows = floats(padded(1), padded(Number.NaN, 1), padded(0, 1), padded(Number.NEGATIVE_INFINITY));
      const report = await collection.upsert(stream(batch(["good", "nan", "fine", "infinite"], rows)));
      expect(report.written).toBe(2);
      expect(report.failed.map(({ id }) => id).sort()).toEqual(["infinite", "nan"]);
      for (const { reason } of report.failed) expect(reason).not.toBe("");
      expect([...(await fetched(collection.fetch())).keys()].sort()).toEqual(["fine", "good"]);
      expect((await collection.describe()).size).toBe(2);
    },
  },
  {
    name: "one zero vector of two hundred is reported under cosine, the others written",
    needs: ({ metrics }) => metrics.includes("cosine"),
    async run({ empty }) {
      const collection = await empty("cosine");
      const part = entries(200, "cosine", 8);
      part.vectors.row(77).fill(0);
      const report = await collection.upsert(stream(part));
      expect(report.written).toBe(199);
      expect(report.failed.map(({ id }) => id)).toEqual(["e0077"]);
      for (const { reason } of report.failed) expect(reason).not.toBe("");
      expect([...(await fetched(collection.fetch())).keys()].sort()).toEqual(
        part.ids.filter((id) => id !== "e0077"),
      );
      expect((await collection.describe()).size).toBe(199);
    },
  },
  {
    name: "a refused vector leaves the entry of its id as it was",
    async run({ empty, stored }) {
      const collection = await empty();
      await collection.upsert(stream(batch(["a", "b"], floats(padded(1), padded(2)))));
      const report = await collection.upsert(
        stream(batch(["b", "a"], floats(padded(3), padded(Number.NaN)))),
      );
      expect(report).toMatchObject({ written: 1, failed: [{ id: "a" }] });
      const found = await fetched(collection.fetch());
      expect(found.get("a")?.vector).toEqual(stored(new Float32Array(padded(1))));
      expect(found.get("b")?.vector).toEqual(stored(new Float32Array(padded(3))));
      expect((await collection.describe()).size).toBe(2);
    },
  },
  {
    name: "a zero vector is an entry like others under euclidean",
    needs: ({ metrics }) => metrics.includes("euclidean"),
    async run({ empty }) {
      const collection = await empty("euclidean");
      const report = await collection.upsert(stream(batch(["zero", "one"], floats(padded(0), padded(3)))));
      expect(report).toEqual({ written: 2, failed: [] });
      const [hits] = await collection.search(floats(padded(0)), { k: 2 });
      expect(hits?.ids).toEqual(["zero", "one"]);
      expect([...(hits?.distances ?? [])]).toEqual([0, 3]);
    },
  },
  {
    name: "the caller's arrays stay as they are",
    async run({ capabilities, filled }) {
      for (const metric of capabilities.metrics) {
        const { batch: given } = await filled(metric);
        const same = entries(FILLED, metric, 7);
        expect(given.ids).toEqual(same.ids);
        expect(given.sampleIds).toEqual(same.sampleIds);
        expect(given.vectors.data).toEqual(same.vectors.data);
      }
    },
  },
  {
    name: "changing the caller's arrays afterwards changes no entry",
    async run({ empty, stored }) {
      const collection = await empty();
      const rows = floats(padded(1, 2, 3));
      await collection.upsert(stream(batch(["a"], rows)));
      rows.data.fill(9);
      expect((await fetched(collection.fetch())).get("a")?.vector).toEqual(
        stored(new Float32Array(padded(1, 2, 3))),
      );
    },
  },
  {
    name: "delete removes those entries and counts only them",
    async run({ empty }) {
      const collection = await empty();
      const part = entries(50, "cosine", 4);
      await collection.upsert(stream(part));
      const report = await collection.delete(stream(["e0001", "absent"], ["e0002", "e0001"]));
      expect(report).toEqual({ written: 2, failed: [] });
      expect((await collection.describe()).size).toBe(48);
      const left = part.ids.filter((id) => id !== "e0001" && id !== "e0002");
      const [hits] = await collection.search(floats(padded(1)), { k: 50 });
      expect(hits?.ids.toSorted()).toEqual(left);
      expect([...(await fetched(collection.fetch())).keys()].sort()).toEqual(left);
    },
  },
  {
    name: "deleting nothing, and what does not exist, deletes nothing",
    async run({ filled }) {
      const { collection } = await filled();
      for (const pages of [[], [[]], [["absent", "e03"], ["absent"]]])
        expect(await collection.delete(stream<string[]>(...pages))).toEqual({ written: 0, failed: [] });
      expect((await collection.describe()).size).toBe(FILLED);
    },
  },
  {
    name: "entries of one sample are entries of their own",
    async run({ empty }) {
      const collection = await empty();
      const patches = entries(60, "cosine", 9, "patch");
      const sampleIds = patches.ids.map((_, i) => `sample ${i % 5}`);
      await collection.upsert(stream({ ...patches, sampleIds }));
      const ofOne = patches.ids.filter((_, i) => i % 5 === 2);
      const found = await fetched(collection.fetch(select(ofOne)));
      expect([...found.keys()]).toEqual(ofOne);
      expect(new Set([...found.values()].map(({ sampleId }) => sampleId))).toEqual(new Set(["sample 2"]));
      const [hits] = await collection.search(floats(padded(1)), { k: 20, within: select(ofOne) });
      expect(hits?.ids.toSorted()).toEqual(ofOne);
      expect(await collection.delete(stream(ofOne.slice(0, 1)))).toEqual({ written: 1, failed: [] });
      expect((await collection.describe()).size).toBe(59);
      expect([...(await fetched(collection.fetch(select(ofOne)))).keys()]).toEqual(ofOne.slice(1));
      // The id of a sample is no id of an entry.
      expect(await collection.delete(stream(["sample 2"]))).toEqual({ written: 0, failed: [] });
      expect((await collection.describe()).size).toBe(59);
    },
  },
  {
    name: "after any sequence of writes there is what a map would hold, and its size each time",
    async run({ empty, stored }) {
      const collection = await empty();
      const random = seededRandom(10);
      const held = new Map<string, VectorData>();
      for (let round = 0; round < 12; round++) {
        const ids = Array.from(
          { length: 1 + Math.floor(random() * 8) },
          () => `id ${Math.floor(random() * 25)}`,
        );
        const rows = vectors(ids.length, "cosine", 100 + round);
        if (round % 3 === 2) {
          const known = new Set(ids.filter((id) => held.delete(id)));
          expect(await collection.delete(stream(ids))).toEqual({ written: known.size, failed: [] });
        } else {
          ids.forEach((id, i) => void held.set(id, rows.row(i)));
          const { written, failed } = await collection.upsert(stream(batch(ids, rows)));
          expect([written, failed]).toEqual([new Set(ids).size, []]);
        }
        expect((await collection.describe()).size).toBe(held.size);
      }
      const found = await fetched(collection.fetch());
      expect([...found.keys()].sort()).toEqual([...held.keys()].sort());
      for (const [id, vector] of held) expect(found.get(id)?.vector).toEqual(stored(vector));
    },
  },
  {
    name: "what may be seen later is seen at last",
    async run({ empty }) {
      const collection = await empty();
      const part = entries(30, "cosine", 12);
      const report = await collection.upsert(stream(part), { visible: "eventually" });
      expect(report).toEqual({ written: 30, failed: [] });
      const seen = async () => {
        expect((await collection.describe()).size).toBe(30);
        expect((await fetched(collection.fetch())).size).toBe(30);
        expect((await collection.search(floats(padded(1)), { k: 50 }))[0]?.ids).toHaveLength(30);
      };
      await vi.waitFor(seen, { timeout: 30_000, interval: 100 });
      expect(await collection.delete(stream(["e0003"]), { visible: "eventually" })).toMatchObject({
        failed: [],
      });
      await vi.waitFor(
        async () => {
          expect((await collection.describe()).size).toBe(29);
          expect((await collection.search(floats(padded(1)), { k: 50 }))[0]?.ids).not.toContain("e0003");
        },
        { timeout: 30_000, interval: 100 },
      );
    },
  },
  {
    name: "a write of nothing makes earlier writes visible",
    async run({ empty, backend }) {
      const collection = await empty();
      const part = entries(30, "cosine", 13);
      await collection.upsert(stream(part), { visible: "eventually" });
      expect(await collection.upsert(stream(), { visible: "now" })).toEqual({ written: 0, failed: [] });
      const other = await backend.open(collection.name);
      expect((await other.search(floats(padded(1)), { k: 50 }))[0]?.ids).toHaveLength(30);
      expect((await fetched(other.fetch())).size).toBe(30);
    },
  },
  {
    name: "what was deleted can be written again",
    async run({ empty, stored }) {
      const collection = await empty();
      await collection.upsert(stream(entries(10, "cosine", 4)));
      await collection.delete(stream(["e0003", "e0004", "e0009"]));
      await collection.upsert(stream(batch(["e0004", "x"], floats(padded(1), padded(0, 1)))));
      expect((await collection.describe()).size).toBe(9);
      const found = await fetched(collection.fetch());
      expect(found.get("e0004")).toEqual({
        sampleId: "sample of e0004",
        vector: stored(new Float32Array(padded(1))),
      });
      expect(found.has("e0003")).toBe(false);
      const [hits] = await collection.search(floats(padded(0, 1)), { k: 1 });
      expect(hits?.ids).toEqual(["x"]);
    },
  },
  {
    name: "numbers come back as they were, whatever their size",
    async run({ capabilities, empty }) {
      const metric = capabilities.metrics.find((one) => one === "euclidean") ?? capabilities.defaultMetric;
      const collection = await empty(metric);
      const rows = floats(padded(1e-10, -3.25, 12345.678, 0.1), padded(1e6, 1e-6));
      await collection.upsert(stream(batch(["a", "b"], rows)));
      const found = await fetched(collection.fetch());
      expect(found.get("a")?.vector).toEqual(rows.row(0));
      expect(found.get("b")?.vector).toEqual(at([rows.row(1)], 0));
    },
  },
];

/** Contract: what upsert and delete do, report, and leave alone. */

import { expect } from "vitest";
import type { ContractCase } from "../backend-contract.ts";
import { at, batch, entries, fetched, floats, padded, stream } from "../context.ts";

/** Ids that break filters put together from text, and some that only look odd. */
export const ODD_IDS = [
  "it's",
  'say "hi"',
  '" or pk != "',
  "back\\slash",
  "per%cent_under",
  "two words",
  "ümläut",
  "猫🐈",
  "{id}",
  "a/b?c=d&e#f",
  "0",
  "null",
];

export const WRITE_CASES: readonly ContractCase[] = [
  {
    name: "upsert counts what it wrote, and the size is exact at once",
    async run({ make }) {
      const collection = await make();
      const report = await collection.upsert(stream(entries(120, "cosine", 1), entries(3, "cosine", 2, "f")));
      expect(report).toEqual({ written: 123, failed: [] });
      expect((await collection.describe()).size).toBe(123);
    },
  },
  {
    name: "an empty stream and an empty batch write nothing",
    async run({ make }) {
      const collection = await make();
      expect(await collection.upsert(stream())).toEqual({ written: 0, failed: [] });
      expect(await collection.upsert(stream(entries(0, "cosine", 1)))).toEqual({ written: 0, failed: [] });
      expect(await collection.delete(stream([]))).toEqual({ written: 0, failed: [] });
      expect((await collection.describe()).size).toBe(0);
    },
  },
  {
    name: "every batch arrives, the short last one too",
    async run({ make }) {
      const collection = await make();
      const parts = [100, 100, 1].map((count, i) => entries(count, "cosine", i, `p${i}_`));
      expect((await collection.upsert(stream(...parts))).written).toBe(201);
      const ids = [...(await fetched(collection.fetch())).keys()].sort();
      expect(ids).toEqual(parts.flatMap((part) => part.ids).sort());
    },
  },
  {
    name: "upsert replaces entries of the same id and touches no other",
    async run({ make }) {
      const collection = await make();
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
      expect(after.get("e0007")).toEqual({ sampleId: "other", vector: new Float32Array(padded(5)) });
      before.ids.forEach((id, i) => {
        if (id === "e0007") return;
        expect(after.get(id)).toEqual({ sampleId: before.sampleIds[i], vector: before.vectors.row(i) });
      });
    },
  },
  {
    name: "writing the same batch again makes no doubles",
    async run({ make }) {
      const collection = await make();
      const part = entries(40, "cosine", 3);
      await collection.upsert(stream(part));
      await collection.upsert(stream(part, part));
      expect((await collection.describe()).size).toBe(40);
      const [hits] = await collection.search(floats(padded(1)), { k: 100 });
      expect(hits?.ids.toSorted()).toEqual(part.ids);
    },
  },
  {
    name: "the last of doubled ids wins, within a batch and across batches",
    async run({ make }) {
      const collection = await make();
      const first = batch(["a", "b", "a"], floats(padded(1), padded(2), padded(3)));
      const second = batch(["b"], floats(padded(4)));
      expect((await collection.upsert(stream(first, second))).written).toBe(3);
      const found = await fetched(collection.fetch());
      expect(found.size).toBe(2);
      expect(found.get("a")?.vector).toEqual(new Float32Array(padded(3)));
      expect(found.get("b")?.vector).toEqual(new Float32Array(padded(4)));
    },
  },
  {
    name: "vectors with NaN or infinite numbers are reported, the others written",
    async run({ make }) {
      const collection = await make();
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
    name: "a zero vector is reported under cosine",
    needs: ({ metrics }) => metrics.includes("cosine"),
    async run({ make }) {
      const collection = await make({ metric: "cosine" });
      const report = await collection.upsert(stream(batch(["zero", "one"], floats(padded(0), padded(1)))));
      expect(report).toMatchObject({ written: 1, failed: [{ id: "zero" }] });
      expect((await collection.describe()).size).toBe(1);
    },
  },
  {
    name: "a zero vector is an entry like others under euclidean",
    needs: ({ metrics }) => metrics.includes("euclidean"),
    async run({ make }) {
      const collection = await make({ metric: "euclidean" });
      const report = await collection.upsert(stream(batch(["zero", "one"], floats(padded(0), padded(3)))));
      expect(report).toEqual({ written: 2, failed: [] });
      const [hits] = await collection.search(floats(padded(0)), { k: 2 });
      expect(hits?.ids).toEqual(["zero", "one"]);
      expect([...(hits?.distances ?? [])]).toEqual([0, 3]);
    },
  },
  {
    name: "the caller's arrays stay as they are",
    async run({ capabilities, make }) {
      for (const metric of capabilities.metrics) {
        const collection = await make({ metric });
        const part = entries(20, metric, 5);
        const copy = structuredClone({ ids: part.ids, sampleIds: part.sampleIds, data: part.vectors.data });
        await collection.upsert(stream(part));
        expect({ ids: part.ids, sampleIds: part.sampleIds, data: part.vectors.data }).toEqual(copy);
      }
    },
  },
  {
    name: "changing the caller's arrays afterwards changes no entry",
    async run({ make }) {
      const collection = await make();
      const rows = floats(padded(1, 2, 3));
      await collection.upsert(stream(batch(["a"], rows)));
      rows.data.fill(9);
      expect((await fetched(collection.fetch())).get("a")?.vector).toEqual(new Float32Array(padded(1, 2, 3)));
    },
  },
  {
    name: "delete removes those entries and counts only them",
    async run({ make }) {
      const collection = await make();
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
    name: "what was deleted can be written again",
    async run({ make }) {
      const collection = await make();
      await collection.upsert(stream(entries(10, "cosine", 4)));
      await collection.delete(stream(["e0003", "e0004", "e0009"]));
      await collection.upsert(stream(batch(["e0004", "x"], floats(padded(1), padded(0, 1)))));
      expect((await collection.describe()).size).toBe(9);
      const found = await fetched(collection.fetch());
      expect(found.get("e0004")).toEqual({
        sampleId: "sample of e0004",
        vector: new Float32Array(padded(1)),
      });
      expect(found.has("e0003")).toBe(false);
      const [hits] = await collection.search(floats(padded(0, 1)), { k: 1 });
      expect(hits?.ids).toEqual(["x"]);
    },
  },
  {
    name: "any text is an id",
    async run({ make }) {
      const collection = await make();
      const rows = floats(...ODD_IDS.map((_, i) => padded(1, i)));
      expect(await collection.upsert(stream(batch(ODD_IDS, rows)))).toEqual({
        written: ODD_IDS.length,
        failed: [],
      });
      const found = await fetched(collection.fetch());
      ODD_IDS.forEach((id, i) => {
        expect(found.get(id)).toEqual({ sampleId: `sample of ${id}`, vector: rows.row(i) });
      });
      for (const [i, id] of ODD_IDS.entries()) {
        expect((await collection.delete(stream([id]))).written, id).toBe(1);
        expect((await collection.describe()).size, id).toBe(ODD_IDS.length - 1 - i);
      }
    },
  },
  {
    name: "numbers come back as they were, whatever their size",
    async run({ capabilities, make }) {
      const metric = capabilities.metrics.find((one) => one === "euclidean") ?? capabilities.defaultMetric;
      const collection = await make({ metric });
      const rows = floats(padded(1e-10, -3.25, 12345.678, 0.1), padded(1e6, 1e-6));
      await collection.upsert(stream(batch(["a", "b"], rows)));
      const found = await fetched(collection.fetch());
      expect(found.get("a")?.vector).toEqual(rows.row(0));
      expect(found.get("b")?.vector).toEqual(at([rows.row(1)], 0));
    },
  },
];

/** Views in order: sorted by a field, by what a search found, or at random by a seed. */

import { describe, expect, test } from "vitest";
import type { StoreStage } from "../../core/store/store.ts";
import { EVERYTHING, newSample, withBoxes } from "./helpers.ts";
import { compare, label, useTwelveSamples } from "./twelve-samples.ts";

const files = useTwelveSamples();
const { numbers } = files;

describe("order", () => {
  test("missing values come first, last when reversed; ties keep their order", async () => {
    expect(await numbers({ stage: "sortBy", field: "half" })).toEqual([0, 4, 8, 1, 2, 3, 5, 6, 7, 9, 10, 11]);
    expect(await numbers({ stage: "sortBy", field: "half", reverse: true })).toEqual([
      11, 10, 9, 7, 6, 5, 3, 2, 1, 0, 4, 8,
    ]);
    expect(await numbers({ stage: "sortBy", field: "group" })).toEqual([
      0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11,
    ]);
    expect(
      await numbers({ stage: "sortBy", field: "n", reverse: true }, { stage: "sortBy", field: "group" }),
    ).toEqual([9, 6, 3, 0, 10, 7, 4, 1, 11, 8, 5, 2]);
    expect(await numbers({ stage: "sortBy", field: "scene.label", reverse: true })).toEqual([
      6, 7, 8, 9, 10, 11, 1, 2, 3, 4, 5, 0,
    ]);
    await expect(numbers({ stage: "sortBy", field: "boxes.label" })).rejects.toMatchObject({
      code: "FIELD_TYPE_MISMATCH",
    });
  });

  test("texts sort by their bytes", async () => {
    const { id } = await files.store.datasets.create("texts");
    const texts = ["b", "B", "a", "ä", "", "\uFF5E", "\u{1D4B3}", "Z"];
    await files.store.samples.add(
      id,
      texts.map((text) => newSample({ fields: { text } })),
    );
    const sorted = await files.store.samples.values(
      id,
      [{ stage: "sortBy", field: "text" }],
      "text",
      EVERYTHING,
    );
    expect(sorted).toEqual([...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    expect(sorted).not.toEqual([...texts].sort());
  });

  test("values of several types sort by type, then by value", async () => {
    const { id } = await files.store.datasets.create("mixed");
    const values = ["2", 10, null, true, "10", 9, false, [1]];
    await files.store.samples.add(
      id,
      values.map((any) => newSample({ fields: { o: { any } } })),
    );
    const sorted = await files.store.samples.values(
      id,
      [{ stage: "sortBy", field: "o.any" }],
      "o.any",
      EVERYTHING,
    );
    expect(sorted).toEqual([null, false, true, 9, 10, "10", "2", [1]]);
  });

  test("a resolved order wins over what was before and lasts through later stages", async () => {
    const order: StoreStage = {
      stage: "resolvedOrder",
      ids: ["s3", "s1", "gone", "s8", "s6"],
      distances: { field: "near", values: [0.5, 0.25, 9, 0.75, 0.125] },
    };
    expect(await numbers({ stage: "shuffle", seed: 1 }, order)).toEqual([3, 1, 8, 6]);
    expect(await numbers(order, { stage: "matchTags", tags: ["even"] })).toEqual([8, 6]);
    expect(await numbers(order, { stage: "sortBy", field: "near" })).toEqual([6, 1, 3, 8]);
    expect(await numbers(order, { stage: "match", filter: compare("near", "lt", 0.3) })).toEqual([1, 6]);
    expect(await numbers(order, { stage: "limit", count: 1 })).toEqual([3]);
    const rows = await files.store.samples.rows(
      files.datasetId,
      [order, { stage: "skip", count: 2 }],
      EVERYTHING,
    );
    expect(rows.map((row) => row.distances)).toEqual([{ near: 0.75 }, { near: 0.125 }]);
    expect(await files.store.samples.values(files.datasetId, [order], "near", EVERYTHING)).toEqual([
      0.5, 0.25, 0.75, 0.125,
    ]);
    // A field of that name that no stage made is unknown.
    await expect(numbers({ stage: "sortBy", field: "near" })).rejects.toMatchObject({
      code: "FIELD_NOT_FOUND",
    });
  });

  test("rows are named alike whatever kind of view they are named in", async () => {
    const named: StoreStage = { stage: "resolvedOrder", ids: ["s9", "s2", "s7", "s4", "s11"] };
    const before: [StoreStage[], number[]][] = [
      [[{ stage: "matchTags", tags: ["odd"] }], [9, 7, 11]],
      [[{ stage: "matchTags", tags: ["odd"], not: true }], [2, 4]],
      [[{ stage: "limit", count: 8 }], [2, 7, 4]],
      [
        [
          { stage: "sortBy", field: "n", reverse: true },
          { stage: "limit", count: 5 },
        ],
        [9, 7, 11],
      ],
      [[{ stage: "resolvedOrder", ids: ["s4", "s9", "s1"] }], [9, 4]],
      [[{ stage: "select", ids: ["s11", "s2"] }], [2, 11]],
      [[{ stage: "exclude", ids: ["s9"] }], [2, 7, 4, 11]],
      [[{ stage: "filterLabels", field: "boxes", filter: label("cat") }], [9, 2, 7]],
      [
        [
          { stage: "select", ids: ["s7", "s9"], ordered: true },
          { stage: "matchTags", tags: ["x"] },
        ],
        [9, 7],
      ],
    ];
    for (const [stages, expected] of before) {
      expect([stages, await numbers(...stages, named)]).toEqual([stages, expected]);
      const asSet = await numbers(...stages, { stage: "select", ids: [...named.ids] });
      expect([stages, asSet.map(Number).sort((a, b) => a - b)]).toEqual([
        stages,
        [...expected].sort((a, b) => a - b),
      ]);
    }
  });

  test("a resolved order can name labels: only those stay, with their samples", async () => {
    const all = await files.store.samples.media(files.datasetId, [], "boxes", EVERYTHING);
    const chosen = all
      .filter((row) => row.sampleId === "s3")
      .slice(1)
      .map((row) => row.id);
    const order: StoreStage = {
      stage: "resolvedOrder",
      ids: ["s7", "s3"],
      labels: { field: "boxes", ids: chosen },
    };
    const rows = await files.store.samples.rows(files.datasetId, [order], EVERYTHING);
    expect(rows.map(({ sample }) => [sample.id, (sample.labels.boxes ?? []).map((one) => one.id)])).toEqual([
      ["s7", []],
      ["s3", chosen],
    ]);
  });
});

describe("at random", () => {
  test("a seed gives the same rows in every equal data set, other seeds others", async () => {
    const orders: string[] = [];
    for (const name of ["one", "two"]) {
      const { id } = await files.store.datasets.create(name);
      for (let chunk = 0; chunk < 4; chunk++) {
        await files.store.samples.add(
          id,
          Array.from({ length: 25 }, (_, i) => newSample({ fields: { n: chunk * 25 + i } })),
        );
      }
      for (const seed of [1, 2, -7, 2 ** 40]) {
        const taken = await files.store.samples.values(
          id,
          [{ stage: "take", size: 10, seed }],
          "n",
          EVERYTHING,
        );
        const shuffled = await files.store.samples.values(id, [{ stage: "shuffle", seed }], "n", EVERYTHING);
        expect(shuffled.slice(0, 10)).toEqual(taken);
        expect(shuffled.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n));
        orders.push(JSON.stringify(shuffled));
      }
    }
    expect(orders.slice(0, 4)).toEqual(orders.slice(4));
    expect(new Set(orders).size).toBe(4);
  });

  test("every row is taken about as often as any other", async () => {
    const { id } = await files.store.datasets.create("fair");
    await files.store.samples.add(
      id,
      Array.from({ length: 40 }, (_, n) => newSample({ fields: { n } })),
    );
    const counts = new Array<number>(40).fill(0);
    const pairs = new Set<string>();
    for (let seed = 0; seed < 400; seed++) {
      const taken = await files.store.samples.values(id, [{ stage: "take", size: 4, seed }], "n", EVERYTHING);
      for (const n of taken) counts[Number(n)] = (counts[Number(n)] ?? 0) + 1;
      pairs.add(taken.slice(0, 2).join());
    }
    // 40 expected each, standard deviation 6; seeds are fixed, so this never changes.
    expect(Math.min(...counts)).toBeGreaterThan(15);
    expect(Math.max(...counts)).toBeLessThan(70);
    expect(pairs.size).toBeGreaterThan(300);
  });

  test("shuffled patches of one sample do not stay together", async () => {
    const { id } = await files.store.datasets.create("patches at random");
    await files.store.samples.add(
      id,
      Array.from({ length: 10 }, (_, n) => withBoxes(new Array(10).fill("x"), { id: `${n}` })),
    );
    const rows = await files.store.samples.ids(
      id,
      [
        { stage: "toPatches", field: "boxes" },
        { stage: "shuffle", seed: 3 },
      ],
      EVERYTHING,
    );
    const neighbours = rows.filter((row, i) => rows[i + 1]?.sampleId === row.sampleId);
    expect(rows).toHaveLength(100);
    expect(neighbours.length).toBeLessThan(30);
  });
});

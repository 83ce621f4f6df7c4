/** View stages: which rows they give, and in which order. */

import { beforeAll, describe, expect, test } from "vitest";
import type { Filter } from "../../../core/filter.ts";
import { newId } from "../../../core/ids.ts";
import { matrix } from "../../../core/matrix.ts";
import type { NewSample, StoreStage } from "../../../core/store/store.ts";
import { EVERYTHING, newLabel, newSample, useStore, withBoxes } from "./helpers.ts";

const files = useStore();
let datasetId: string;

/** Sample `n` of 12; box names cycle through cat, dog, bird. */
function sampleAt(n: number): NewSample {
  const names = ["cat", "dog", "bird"];
  const sample = withBoxes(
    Array.from({ length: boxesAt(n) }, (_, i) => names[(n + i) % 3] ?? ""),
    { id: `s${n}`, filepath: `/${n}.jpg`, tags: n % 2 === 0 ? ["even"] : ["odd", "x"], fields: fieldsAt(n) },
  );
  const scene = newLabel({
    sampleId: sample.id,
    field: "scene",
    kind: "classification",
    label: n < 6 ? "in" : "out",
    boundingBox: null,
  });
  return {
    ...sample,
    labels: [...sample.labels, ...(n === 0 ? [] : [scene])],
    labelFields: {
      ...(n === 11 ? {} : { boxes: "detections" }),
      ...(n === 0 ? {} : { scene: "classification" }),
    },
  };
}

/** Sample 11 has no boxes field at all. */
function boxesAt(n: number): number {
  return n === 11 ? 0 : n % 4;
}

function fieldsAt(n: number): Record<string, unknown> {
  return {
    n,
    group: n % 3,
    ...(n % 4 === 0 ? {} : { half: n / 2 }),
    inner: { deep: -n, mixed: [null, true, 3, "text"][n % 4] },
  };
}

beforeAll(async () => {
  const { datasets, samples, vectors } = files.store;
  datasetId = (await datasets.create("views")).id;
  await samples.add(
    datasetId,
    Array.from({ length: 6 }, (_, n) => sampleAt(n)),
  );
  await samples.add(
    datasetId,
    Array.from({ length: 6 }, (_, n) => sampleAt(n + 6)),
  );
  await vectors.put(datasetId, "vector", ["s1", "s2"], matrix(new Float32Array(4), 2));
});

async function numbers(...stages: StoreStage[]): Promise<unknown[]> {
  const path = stages.some((stage) => stage.stage === "toPatches") ? "sample.n" : "n";
  return files.store.samples.values(datasetId, stages, path, EVERYTHING);
}

function compare(
  field: string,
  comparison: "eq" | "ne" | "lt" | "gt",
  value: string | number | boolean | null,
): Filter {
  return { op: "compare", field, comparison, value };
}

const label = (name: string): Filter => compare("label", "eq", name);

describe("choosing", () => {
  test("match, matchTags, exists, select and exclude keep the data set's order", async () => {
    expect(await numbers({ stage: "match", filter: compare("n", "gt", 8) })).toEqual([9, 10, 11]);
    expect(await numbers({ stage: "match", filter: compare("inner.deep", "lt", -9) })).toEqual([10, 11]);
    expect(await numbers({ stage: "matchTags", tags: ["odd", "x"], all: true })).toEqual([1, 3, 5, 7, 9, 11]);
    expect(await numbers({ stage: "matchTags", tags: ["odd", "even"], all: true })).toEqual([]);
    expect(await numbers({ stage: "matchTags", tags: ["x"], not: true })).toEqual([0, 2, 4, 6, 8, 10]);
    expect(await numbers({ stage: "matchTags", tags: [] })).toEqual([]);
    expect(await numbers({ stage: "exists", field: "half", not: true })).toEqual([0, 4, 8]);
    expect(await numbers({ stage: "exists", field: "boxes", not: true })).toEqual([11]);
    expect(await numbers({ stage: "exists", field: "scene", not: true })).toEqual([0]);
    expect(await numbers({ stage: "exists", field: "vector" })).toEqual([1, 2]);
    expect(await numbers({ stage: "select", ids: ["s5", "s2", "s5", "none"] })).toEqual([2, 5]);
    expect(await numbers({ stage: "exclude", ids: ["s0", "s11"] })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("select ordered gives the order asked, each row once", async () => {
    expect(await numbers({ stage: "select", ids: ["s5", "s2", "none", "s5", "s9"], ordered: true })).toEqual([
      5, 2, 9,
    ]);
  });

  test("limit and skip cut what the stages before them gave", async () => {
    expect(await numbers({ stage: "skip", count: 9 })).toEqual([9, 10, 11]);
    expect(
      await numbers({ stage: "limit", count: 4 }, { stage: "skip", count: 2 }, { stage: "limit", count: 9 }),
    ).toEqual([2, 3]);
    expect(
      await numbers({ stage: "sortBy", field: "n", reverse: true }, { stage: "limit", count: 2 }),
    ).toEqual([11, 10]);
    expect(
      await numbers({ stage: "limit", count: 3 }, { stage: "sortBy", field: "n", reverse: true }),
    ).toEqual([2, 1, 0]);
    expect(await numbers({ stage: "limit", count: 0 })).toEqual([]);
  });

  test("a classification's label is a value; a list of labels is none", async () => {
    expect(await numbers({ stage: "match", filter: compare("scene.label", "eq", "out") })).toEqual([
      6, 7, 8, 9, 10, 11,
    ]);
    expect(await numbers({ stage: "match", filter: compare("scene.label", "ne", "in") })).toEqual([
      0, 6, 7, 8, 9, 10, 11,
    ]);
    expect(await numbers({ stage: "match", filter: compare("scene.label", "eq", null) })).toEqual([0]);
    const contains: Filter = { op: "contains", field: "boxes.detections.label", value: "bird" };
    expect(await numbers({ stage: "match", filter: contains })).toEqual([2, 3, 5, 7, 10]);
    await expect(
      numbers({ stage: "match", filter: compare("boxes.label", "eq", "cat") }),
    ).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
    await expect(numbers({ stage: "match", filter: compare("scene", "eq", "in") })).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
  });

  test("a field nobody has is named, with those near it", async () => {
    await expect(numbers({ stage: "match", filter: compare("grup", "eq", 1) })).rejects.toMatchObject({
      code: "FIELD_NOT_FOUND",
      hint: "Did you mean group?",
    });
    await expect(numbers({ stage: "sortBy", field: "zzzzzz" })).rejects.toMatchObject({
      code: "FIELD_NOT_FOUND",
    });
    await expect(numbers({ stage: "toPatches", field: "box" })).rejects.toMatchObject({
      code: "FIELD_NOT_FOUND",
    });
    await expect(numbers({ stage: "toPatches", field: "n" })).rejects.toMatchObject({
      code: "FIELD_TYPE_MISMATCH",
    });
    await expect(numbers({ stage: "toPatches", field: "scene" })).rejects.toMatchObject({
      code: "FIELD_TYPE_MISMATCH",
    });
    await expect(numbers({ stage: "filterLabels", field: "n", filter: label("cat") })).rejects.toMatchObject({
      code: "FIELD_TYPE_MISMATCH",
    });
  });

  test.each(["n'", 'n"', "n'); drop table samples; --", 'inner."] = 1 --', "$", "inner.$", "n\u0000"])(
    "the field name %j does no harm",
    async (field) => {
      for (const stage of [
        { stage: "match" as const, filter: { op: "exists" as const, field } },
        { stage: "sortBy" as const, field },
        { stage: "exists" as const, field },
      ]) {
        const outcome = await numbers(stage).catch((error) => error.code);
        if (Array.isArray(outcome)) expect(field).toBe("inner.$");
        else expect(["FIELD_NOT_FOUND", "INVALID_FILTER"]).toContain(outcome);
      }
      expect(await files.store.samples.count(datasetId, [])).toBe(12);
    },
  );

  test("filters too deep or too long are refused, long lists are not", async () => {
    const deep = Array.from({ length: 40 }).reduce<Filter>(
      (filter) => ({ op: "not", filter }),
      compare("n", "eq", 1),
    );
    await expect(numbers({ stage: "match", filter: deep })).rejects.toMatchObject({ code: "INVALID_FILTER" });
    const wide = (length: number): Filter => ({
      op: "or",
      filters: Array.from({ length }, (_, i) => compare("n", "eq", i + 5)),
    });
    await expect(numbers({ stage: "match", filter: wide(6_000) })).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
    expect(await numbers({ stage: "match", filter: wide(4_000) })).toEqual([5, 6, 7, 8, 9, 10, 11]);
    const values = Array.from({ length: 50_000 }, (_, i) => (i % 2 === 0 ? i + 6 : `x${i}`));
    expect(await numbers({ stage: "match", filter: { op: "in", field: "n", values } })).toEqual([6, 8, 10]);
    expect(await numbers({ stage: "select", ids: [...values.map(String), "s3"] })).toEqual([3]);
  });

  test("a number is found again whatever its digits", async () => {
    const { id } = await files.store.datasets.create("numbers");
    const values = Array.from({ length: 400 }, (_, i) => Math.sin(i + 1) * 10 ** ((i % 60) - 30));
    await files.store.samples.add(
      id,
      values.map((value) => newSample({ fields: { value } })),
    );
    for (const value of values) {
      const found = await files.store.samples.values(
        id,
        [{ stage: "match", filter: compare("value", "eq", value) }],
        "value",
        EVERYTHING,
      );
      expect(found).toEqual([value]);
    }
  });
});

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
    const rows = await files.store.samples.rows(datasetId, [order, { stage: "skip", count: 2 }], EVERYTHING);
    expect(rows.map((row) => row.distances)).toEqual([{ near: 0.75 }, { near: 0.125 }]);
    expect(await files.store.samples.values(datasetId, [order], "near", EVERYTHING)).toEqual([
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
    const all = await files.store.samples.media(datasetId, [], "boxes", EVERYTHING);
    const chosen = all
      .filter((row) => row.sampleId === "s3")
      .slice(1)
      .map((row) => row.id);
    const order: StoreStage = {
      stage: "resolvedOrder",
      ids: ["s7", "s3"],
      labels: { field: "boxes", ids: chosen },
    };
    const rows = await files.store.samples.rows(datasetId, [order], EVERYTHING);
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

describe("labels", () => {
  const cats: StoreStage = { stage: "filterLabels", field: "boxes", filter: label("cat") };
  const patches: StoreStage = { stage: "toPatches", field: "boxes" };

  test("filterLabels keeps matching labels, and drops samples without unless told otherwise", async () => {
    const kept = await files.store.samples.values(datasetId, [cats], "boxes.label", EVERYTHING);
    expect(kept.flat().every((one) => one === "cat")).toBe(true);
    const dropped = 12 - kept.length;
    const all = await files.store.samples.values(
      datasetId,
      [{ ...cats, onlyMatches: false }],
      "boxes.label",
      EVERYTHING,
    );
    expect(all.filter((one) => one === null || (one as string[]).length === 0)).toHaveLength(dropped);
    expect(all).toHaveLength(12);
  });

  test("later stages, patches, media and hydration see only the labels kept", async () => {
    const sure: StoreStage = {
      stage: "filterLabels",
      field: "boxes",
      filter: compare("confidence", "gt", 0.15),
    };
    const both = [cats, sure];
    const rows = await files.store.samples.rows(datasetId, both, EVERYTHING);
    const shown = rows.flatMap(({ sample }) => (sample.labels.boxes ?? []).map((one) => one.id));
    expect(shown.length).toBeGreaterThan(0);
    const media = await files.store.samples.media(datasetId, both, "boxes", EVERYTHING);
    expect(media.map((row) => row.id)).toEqual(shown);
    expect(
      (await files.store.samples.ids(datasetId, [...both, patches], EVERYTHING)).map((row) => row.id),
    ).toEqual(shown);
    expect(await files.store.samples.countValues(datasetId, both, "boxes.label")).toEqual([
      ["cat", shown.length],
    ]);
    const dogs: StoreStage = {
      stage: "match",
      filter: { op: "labels", field: "boxes", where: label("dog") },
    };
    expect(await numbers(dogs, cats)).not.toEqual([]);
    expect(await numbers(cats, dogs)).toEqual([]);
    // Other fields are shown whole.
    expect(rows.every(({ sample }) => sample.id === "s0" || sample.labels.scene?.length === 1)).toBe(true);
  });

  test("selectLabels keeps labels by id", async () => {
    const all = await files.store.samples.media(datasetId, [], "boxes", EVERYTHING);
    const ids = [all[3]?.id ?? "", all[0]?.id ?? ""];
    const kept = await files.store.samples.media(
      datasetId,
      [{ stage: "selectLabels", field: "boxes", ids }],
      "boxes",
      EVERYTHING,
    );
    expect(kept.map((row) => row.id)).toEqual([ids[1], ids[0]]);
  });

  test("patches come sample by sample, in the order of the list", async () => {
    const rows = await files.store.samples.rows(
      datasetId,
      [{ stage: "sortBy", field: "n", reverse: true }, patches],
      EVERYTHING,
    );
    expect(rows.map(({ sample, label: one }) => [sample.id, one?.confidence])).toEqual(
      [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].flatMap((n) =>
        Array.from({ length: boxesAt(n) }, (_, i) => [`s${n}`, (i + 1) / 10]),
      ),
    );
    expect(rows.every((row) => row.id === row.label?.id)).toBe(true);
  });

  test("stages on patches ask the label; `sample.` asks its sample", async () => {
    const { samples } = files.store;
    const count = (...stages: StoreStage[]) => samples.count(datasetId, [patches, ...stages]);
    expect(await count()).toBe(15);
    expect(await count({ stage: "match", filter: label("cat") })).toBe(
      (await samples.media(datasetId, [cats], "boxes", EVERYTHING)).length,
    );
    expect(await count(cats)).toBe(await count({ stage: "match", filter: label("cat") }));
    expect(await count({ stage: "match", filter: compare("boxes.detections.label", "eq", "cat") })).toBe(
      await count(cats),
    );
    expect(await count({ stage: "match", filter: compare("sample_id", "eq", "s3") })).toBe(3);
    expect(await count({ stage: "match", filter: compare("sample.n", "lt", 3) })).toBe(3);
    expect(await count({ stage: "match", filter: compare("area", "eq", 0.25) })).toBe(15);
    expect(
      await samples.values(
        datasetId,
        [patches, { stage: "sortBy", field: "confidence", reverse: true }, { stage: "limit", count: 3 }],
        "sample_id",
        EVERYTHING,
      ),
    ).toEqual(["s3", "s7", "s2"]);
    const ids = (await samples.ids(datasetId, [patches], EVERYTHING)).map((row) => row.id);
    const picked = [ids[4] ?? "", ids[2] ?? ""];
    expect(
      (
        await samples.ids(datasetId, [patches, { stage: "select", ids: picked, ordered: true }], EVERYTHING)
      ).map((row) => row.id),
    ).toEqual(picked);
    expect(await count({ stage: "exclude", ids: picked })).toBe(13);
    await expect(count(patches)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const nested: Filter = {
      op: "labels",
      field: "boxes",
      where: { op: "labels", field: "boxes", where: label("cat") },
    };
    await expect(samples.count(datasetId, [{ stage: "match", filter: nested }])).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
  });
});

describe("reading", () => {
  test("pages join up to the whole, for every kind of row", async () => {
    const { samples } = files.store;
    const stages: StoreStage[] = [{ stage: "shuffle", seed: 5 }];
    for (const field of [null, "boxes"]) {
      const whole = await samples.media(datasetId, stages, field, EVERYTHING);
      const pages = [];
      for (let offset = 0; offset < 30; offset += 7)
        pages.push(...(await samples.media(datasetId, stages, field, { offset, limit: 7 })));
      expect(pages).toEqual(whole);
      const snapshot = await samples.snapshot(datasetId, stages, field);
      expect(snapshot.size).toBe(whole.length);
      expect(await snapshot.media(EVERYTHING)).toEqual(whole);
      expect(await samples.rowIds(datasetId, stages, field)).toEqual(whole.map((row) => row.id));
      expect((await snapshot.rows({ offset: 5, limit: 2 })).map((row) => row.id)).toEqual(
        whole.slice(5, 7).map((row) => row.id),
      );
    }
  });

  test("a snapshot keeps its order while samples come and go", async () => {
    const { samples, datasets } = files.store;
    const { id } = await datasets.create("moving");
    await samples.add(
      id,
      ["a", "b", "c", "d"].map((name) => newSample({ id: name })),
    );
    const snapshot = await samples.snapshot(id, []);
    await samples.delete(id, ["b"]);
    await samples.add(id, [newSample({ id: "e" })]);
    expect((await snapshot.ids({ offset: 0, limit: 2 })).map((row) => row.id)).toEqual(["a"]);
    expect((await snapshot.rows({ offset: 2, limit: 9 })).map((row) => row.id)).toEqual(["c", "d"]);
    expect(snapshot.size).toBe(4);
  });

  test("values have their types; missing ones are null, lists of labels are lists", async () => {
    const { samples } = files.store;
    const values = (path: string, ...stages: StoreStage[]) =>
      samples.values(datasetId, [...stages, { stage: "limit", count: 4 }], path, EVERYTHING);
    expect(await values("inner.mixed")).toEqual([null, true, 3, "text"]);
    expect((await values("inner"))[1]).toEqual({ deep: -1, mixed: true });
    expect(await values("tags")).toEqual([["even"], ["odd", "x"], ["even"], ["odd", "x"]]);
    expect(await values("boxes.detections.confidence")).toEqual([[], [0.1], [0.1, 0.2], [0.1, 0.2, 0.3]]);
    expect(await values("scene.label")).toEqual([null, "in", "in", "in"]);
    expect(await values("boxes.label", { stage: "skip", count: 11 })).toEqual([null]);
    expect(await values("id")).toEqual(["s0", "s1", "s2", "s3"]);
    expect(await samples.values(datasetId, [], "n", { offset: 10, limit: 5 })).toEqual([10, 11]);
    await expect(values("boxes")).rejects.toMatchObject({ code: "FIELD_TYPE_MISMATCH" });
  });

  test("countValues counts rows, and lists and labels one by one", async () => {
    const count = (path: string, ...stages: StoreStage[]) =>
      files.store.samples.countValues(datasetId, stages, path);
    expect(await count("group")).toEqual([
      [0, 4],
      [1, 4],
      [2, 4],
    ]);
    expect(await count("tags")).toEqual([
      ["even", 6],
      ["odd", 6],
      ["x", 6],
    ]);
    expect(await count("scene.label")).toEqual([
      ["out", 6],
      ["in", 5],
      [null, 1],
    ]);
    expect(await count("inner.mixed")).toEqual([
      [null, 3],
      ["text", 3],
      [3, 3],
      [true, 3],
    ]);
    expect(await count("boxes.label", { stage: "toPatches", field: "boxes" })).toEqual(
      await count("boxes.label"),
    );
    expect(await count("n", { stage: "limit", count: 0 })).toEqual([]);
  });

  test("byId gives those that exist in the order asked, with all labels", async () => {
    const found = await files.store.samples.byId(datasetId, ["s3", newId(), "s1", "s3"]);
    expect(found.map((sample) => [sample.id, sample.labels.boxes?.length])).toEqual([
      ["s3", 3],
      ["s1", 1],
      ["s3", 3],
    ]);
  });
});

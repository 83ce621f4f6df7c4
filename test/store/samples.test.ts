/** Adding, changing and deleting samples. */

import { expect, test } from "vitest";
import { newId } from "../../core/ids.ts";
import { matrix } from "../../core/matrix.ts";
import { EVERYTHING, newLabel, newRun, newSample, useStore, withBoxes } from "./helpers.ts";

const files = useStore();

async function newDataset(): Promise<string> {
  return (await files.store.datasets.create(newId())).id;
}

async function only(datasetId: string, id: string) {
  const [record] = await files.store.samples.byId(datasetId, [id]);
  if (record === undefined) throw new Error(`no sample ${id}`);
  return record;
}

test("a sample comes back as it was added", async () => {
  const id = await newDataset();
  const sample = newSample({
    filepath: "s3://bucket/ä 'quoted\".jpg",
    tags: ["b", "a", "b"],
    fields: {
      n: 0.30000000000000004,
      big: 2 ** 60,
      yes: true,
      no: false,
      text: "",
      gone: null,
      list: [null, [1], {}],
      "a b-c": { "x.y": null },
    },
    labelFields: { boxes: "detections", empty: "detections", kind: "classification" },
  });
  const labels = [
    newLabel({
      sampleId: sample.id,
      label: "second",
      confidence: 1 / 3,
      boundingBox: [0.1, 0.2, 1e-9, 1],
      tags: ["t"],
      attributes: { a: [true] },
    }),
    newLabel({ sampleId: sample.id, label: "first" }),
    newLabel({ sampleId: sample.id, field: "kind", kind: "classification", boundingBox: null }),
  ];
  await files.store.samples.add(id, [{ ...sample, labels }]);
  const { gone: _, ...fields } = sample.fields;
  expect(await only(id, sample.id)).toEqual({
    id: sample.id,
    filepath: sample.filepath,
    mediaType: "image",
    tags: ["b", "a"],
    fields,
    labels: { boxes: [labels[0], labels[1]], kind: [labels[2]] },
    labelFields: sample.labelFields,
  });
});

test("hostile texts are kept as they are and change nothing else", async () => {
  const id = await newDataset();
  const hostile = [
    "'); drop table samples; --",
    '"',
    "\\",
    "$.a",
    "%",
    "\u202E",
    "a\nb",
    "\uD83D\uDE00",
    "{}",
    "[1]",
    "null",
  ];
  const samples = hostile.map((text) =>
    newSample({
      id: text,
      filepath: text,
      tags: [text],
      fields: { text, [`f${text.replaceAll(/["\\\n.]/g, "")}`]: text },
    }),
  );
  await files.store.samples.add(id, samples);
  expect((await files.store.samples.ids(id, [], EVERYTHING)).map((row) => row.id)).toEqual(hostile);
  for (const text of hostile) {
    const stages = [
      { stage: "matchTags" as const, tags: [text] },
      {
        stage: "match" as const,
        filter: { op: "compare" as const, field: "text", comparison: "eq" as const, value: text },
      },
      { stage: "select" as const, ids: [text] },
    ];
    expect((await files.store.samples.ids(id, stages, EVERYTHING)).map((row) => row.id)).toEqual([text]);
  }
});

test.each(['a"b', "a\\b", "a\nb", "a.b", "", "tags", "id", "filepath", "x".repeat(300)])(
  "a field cannot be named %j",
  async (name) => {
    const id = await newDataset();
    const sample = newSample({ fields: { [name]: 1 } });
    await expect(files.store.samples.add(id, [sample])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await files.store.samples.count(id, [])).toBe(0);
  },
);

test("taken ids are named and nothing is written", async () => {
  const id = await newDataset();
  const first = withBoxes(["cat"], { uri: "s3://b/1" });
  const { samples } = files.store;
  await samples.add(id, [first]);
  const label = { ...newLabel({ sampleId: "x" }), id: first.labels[0]?.id ?? "" };
  const other = newSample();
  for (const [taken, named] of [
    [newSample({ id: first.id }), first.id],
    [newSample({ uri: "s3://b/1" }), "s3://b/1"],
    [
      { ...other, labels: [{ ...label, sampleId: other.id }], labelFields: { boxes: "detections" as const } },
      label.id,
    ],
  ] as const) {
    await expect(samples.add(id, [newSample(), taken])).rejects.toMatchObject({
      code: "ID_EXISTS",
      details: { ids: [named] },
    });
  }
  const twin = newSample();
  await expect(samples.add(id, [twin, twin])).rejects.toMatchObject({ code: "ID_EXISTS" });
  expect(await samples.count(id, [])).toBe(1);
  // Another data set may have the same ids.
  await samples.add(await newDataset(), [first]);
});

test("a field keeps its type, across and inside calls", async () => {
  const id = await newDataset();
  const { samples, datasets } = files.store;
  await samples.add(id, [newSample({ fields: { a: 1, b: null } })]);
  const mismatch = { code: "FIELD_TYPE_MISMATCH" };
  await expect(samples.add(id, [newSample({ fields: { a: "1" } })])).rejects.toMatchObject(mismatch);
  await expect(
    samples.add(id, [withBoxes([], {}), newSample({ fields: { boxes: 1 } })]),
  ).rejects.toMatchObject(mismatch);
  expect(await datasets.fields(id)).toEqual([{ name: "a", type: "number" }]);
  expect(await samples.count(id, [])).toBe(1);
});

test("fields are set one by one; null removes; others stay", async () => {
  const id = await newDataset();
  const { samples } = files.store;
  const one = newSample({ fields: { a: { x: 1, y: 2 }, b: 2, c: true } });
  const two = newSample({ fields: { a: { x: 1 } } });
  await samples.add(id, [one, two]);
  await samples.update(id, [
    { id: one.id, fields: { a: { z: 3 }, b: null, d: [false, null] } },
    { id: two.id, fields: { b: 5, nothing: null } },
  ]);
  expect((await only(id, one.id)).fields).toEqual({ a: { z: 3 }, c: true, d: [false, null] });
  expect((await only(id, two.id)).fields).toEqual({ a: { x: 1 }, b: 5 });
  await expect(
    samples.update(id, [
      { id: two.id, fields: { b: 6 } },
      { id: "none", fields: { b: 6 } },
    ]),
  ).rejects.toMatchObject({
    code: "ID_NOT_FOUND",
  });
  await expect(samples.update(id, [{ id: two.id, fields: { b: "6" } }])).rejects.toMatchObject({
    code: "FIELD_TYPE_MISMATCH",
  });
  expect((await only(id, two.id)).fields).toEqual({ a: { x: 1 }, b: 5 });
});

test("tags are replaced, added and removed, in order", async () => {
  const id = await newDataset();
  const { samples } = files.store;
  const [one, two] = [newSample({ tags: ["a", "b"] }), newSample({ tags: ["a"] })];
  await samples.add(id, [one, two]);
  await samples.update(id, [
    { id: one.id, addTags: ["c", "a", "z"], removeTags: ["b", "nothing"] },
    { id: two.id, tags: ["y", "x"] },
  ]);
  expect((await only(id, one.id)).tags).toEqual(["a", "c", "z"]);
  expect((await only(id, two.id)).tags).toEqual(["y", "x"]);
  await samples.update(id, [{ id: one.id, addTags: ["b"] }]);
  expect((await only(id, one.id)).tags).toEqual(["a", "c", "z", "b"]);
  const stage = { stage: "matchTags" as const, tags: ["b", "x"] };
  expect(await samples.count(id, [stage])).toBe(2);
  await samples.update(id, [{ id: two.id, tags: [] }]);
  expect(await samples.count(id, [stage])).toBe(1);
});

test("labels of a field are replaced as a whole; entries of those gone are marked", async () => {
  const id = await newDataset();
  const { samples, runs, entries } = files.store;
  const sample = withBoxes(["cat", "dog"]);
  await samples.add(id, [sample]);
  const run = await runs.create(newRun({ datasetId: id }));
  const planned = sample.labels.map((label) => ({ entryId: label.id, sampleId: sample.id }));
  await entries.plan(run.id, planned);
  const [cat] = sample.labels;
  if (cat === undefined) throw new Error("no label");
  const records = [newLabel({ sampleId: sample.id, label: "bird" }), { ...cat, label: "kitten" }];
  await samples.update(id, [{ id: sample.id, labels: { boxes: { kind: "detections", records } } }]);
  expect((await only(id, sample.id)).labels.boxes?.map((label) => label.label)).toEqual(["bird", "kitten"]);
  expect((await entries.list(run.id, {})).map((entry) => entry.state)).toEqual(["pending", "deleting"]);
  await samples.update(id, [{ id: sample.id, labels: { boxes: null } }]);
  const after = await only(id, sample.id);
  expect([after.labels, after.labelFields]).toEqual([{}, {}]);
});

test("deleting samples takes labels and vectors along and marks entries of every run", async () => {
  const id = await newDataset();
  const { samples, runs, entries, vectors } = files.store;
  const [gone, kept] = [withBoxes(["cat", "dog"], { tags: ["t"] }), withBoxes(["cat"], { tags: ["t"] })];
  await samples.add(id, [gone, kept]);
  const owners = [gone.id, gone.labels[0]?.id ?? "", kept.id];
  await vectors.put(id, "v", owners, matrix(new Float32Array(3), 1));
  const made = [];
  for (const key of ["a", "b"]) {
    const run = await runs.create(newRun({ datasetId: id, key }));
    const rows = [gone, kept].flatMap((sample) =>
      sample.labels.map((label) => ({ entryId: label.id, sampleId: sample.id })),
    );
    await entries.plan(run.id, rows);
    await entries.settle(run.id, { indexed: rows.map((row) => row.entryId), failed: [] });
    made.push(run);
  }
  expect(await samples.delete(id, [gone.id, "unknown"])).toBe(1);
  for (const run of made) {
    expect(await entries.counts(run.id)).toEqual({ pending: 0, indexed: 1, failed: 0, deleting: 2 });
    const lost = await entries.gone(
      run.id,
      [...gone.labels, ...kept.labels].map((label) => label.id),
    );
    expect(lost).toEqual(new Set(gone.labels.map((label) => label.id)));
  }
  expect((await vectors.get(id, "v", owners)).ids).toEqual([kept.id]);
  expect(await samples.countValues(id, [], "tags")).toEqual([["t", 1]]);
  expect(await samples.countValues(id, [], "boxes.label")).toEqual([["cat", 1]]);
});

test("interleaved writes of one process stay apart", async () => {
  const id = await newDataset();
  const { samples } = files.store;
  const taken = newSample();
  await samples.add(id, [taken]);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, i) =>
      samples.add(id, i % 2 === 0 ? [newSample(), newSample()] : [newSample(), taken]),
    ),
  );
  expect(outcomes.filter((one) => one.status === "rejected")).toHaveLength(20);
  expect(await samples.count(id, [])).toBe(41);
});

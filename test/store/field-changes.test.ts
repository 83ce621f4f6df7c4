/** Changes of filter fields: which writes make the values beside the vectors old, and which writes settle that. */

import { describe, expect, test } from "vitest";
import { newId } from "../../core/ids.ts";
import type { SampleChange } from "../../core/store/store.ts";
import type { FilterFieldRecord, RunRecord } from "../../core/store/store-runs.ts";
import { newSample, RUN_CONFIG, useStore } from "./helpers.ts";
import { openAt } from "./places.ts";

const files = useStore();
const IDS = ["a", "b", "c"];
const FIELDS: readonly FilterFieldRecord[] = [
  { name: "tags", kind: "texts" },
  { name: "score", kind: "number" },
  { name: "ground_truth.label", kind: "text" },
];
const label = { kind: "classification" as const, records: [] };

async function newRun(filterFields?: readonly FilterFieldRecord[], patches = false): Promise<RunRecord> {
  const { id: datasetId } = await files.store.datasets.create(newId());
  await files.store.samples.add(
    datasetId,
    IDS.map((id) => newSample({ id })),
  );
  const run = await files.store.runs.create({
    ...{ datasetId, key: "k", type: "similarity", version: "1", specHash: "" },
    config: {
      ...{ ...RUN_CONFIG, collectionName: newId() },
      ...(filterFields === undefined ? {} : { filterFields }),
    },
  });
  const planned = IDS.map((id) => ({ entryId: patches ? `${id} patch` : id, sampleId: id }));
  await files.store.entries.plan(run.id, planned);
  await files.store.entries.settle(run.id, { indexed: planned.map(({ entryId }) => entryId), failed: [] });
  return run;
}

async function outdated({ id }: RunRecord, page = { limit: 10 }): Promise<string[]> {
  return (await files.store.entries.outdated(id, page)).map(({ entryId }) => entryId);
}

const update = ({ datasetId }: RunRecord, ...changes: SampleChange[]) =>
  files.store.samples.update(datasetId, changes);

describe("values beside vectors are old", () => {
  test.each<[string, Omit<SampleChange, "id">]>([
    ["tags are set", { tags: ["x"] }],
    ["tags are added", { addTags: ["x"] }],
    ["tags are removed", { removeTags: ["x"] }],
    ["a field is set", { fields: { score: 1 } }],
    ["a field is unset", { fields: { score: null } }],
    ["a label is set", { labels: { ground_truth: label } }],
    ["a label is unset", { labels: { ground_truth: null } }],
  ])("once %s, of that sample alone", async (_, change) => {
    const run = await newRun(FIELDS);
    await update(run, { id: "b", ...change });
    expect(await outdated(run)).toEqual(["b"]);
  });

  test("of all entries of the sample, in every run that has the field", async () => {
    const run = await newRun(FIELDS, true);
    await update(run, { id: "a", addTags: ["x"] }, { id: "c", addTags: ["x"] });
    expect(await outdated(run)).toEqual(["a patch", "c patch"]);
    expect(await outdated(run, { limit: 1 })).toEqual(["a patch"]);
    const [first] = await files.store.entries.outdated(run.id, { limit: 1 });
    const rest = await files.store.entries.outdated(run.id, { after: first?.sequence ?? 0, limit: 9 });
    expect(rest.map(({ entryId }) => entryId)).toEqual(["c patch"]);
  });

  test("not where another field was written, nor in a run without the field or in another data set", async () => {
    const [run, plain, other] = [await newRun(FIELDS), await newRun(), await newRun(FIELDS)];
    await update(run, { id: "a", fields: { scores: 1, ground: "x" }, labels: { "ground_truth 2": label } });
    await update(plain, { id: "a", addTags: ["x"] });
    expect([await outdated(run), await outdated(plain), await outdated(other)]).toEqual([[], [], []]);
  });

  test("where another process wrote, and not where a write was called off", async () => {
    const run = await newRun(FIELDS);
    const theirs = await openAt(files.place);
    await theirs.samples.update(run.datasetId, [{ id: "c", addTags: ["x"] }]);
    await expect(update(run, { id: "a", addTags: ["x"] }, { id: "none" })).rejects.toThrow("none");
    await theirs.close();
    expect(await outdated(run)).toEqual(["c"]);
  });
});

describe("values written again", () => {
  test("are current, unless the sample changed after they were read", async () => {
    const run = await newRun(FIELDS);
    const { entries } = files.store;
    for (const id of IDS) await update(run, { id, addTags: ["x"] });
    const changes = await entries.fieldChanges(run.id, ["a", "b"]);
    expect(changes).toEqual(new Map(Object.entries({ a: 1, b: 1 })));
    await update(run, { id: "b", addTags: ["y"] });
    expect(await entries.settleFields(run.id, ["a", "b"], changes)).toEqual([]);
    expect(await outdated(run)).toEqual(["b", "c"]);
    await entries.settle(run.id, {
      ...{ indexed: ["b", "c"], failed: [] },
      fieldChanges: await entries.fieldChanges(run.id, ["b", "c"]),
    });
    expect(await outdated(run)).toEqual([]);
  });

  test("are told to be unwanted where the entry is indexed no more", async () => {
    const run = await newRun(FIELDS);
    const { entries } = files.store;
    await entries.markDeleting(run.id, ["a"]);
    await entries.markDeleting(run.id, ["b"]);
    await entries.remove(run.id, ["b"]);
    expect(await entries.settleFields(run.id, IDS, new Map())).toEqual(["a", "b"]);
  });

  test("do not count as entries that have become searchable", async () => {
    const run = await newRun(FIELDS);
    const { entries } = files.store;
    const before = await entries.revision(run.id);
    await update(run, { id: "a", addTags: ["x"] });
    await entries.settleFields(run.id, ["a"], await entries.fieldChanges(run.id, ["a"]));
    expect(await entries.revision(run.id)).toBe(before);
  });

  test("of a lease that is another's are refused", async () => {
    const run = await newRun(FIELDS);
    const held = await files.store.runs.acquireLease(run.id, "me", 60_000);
    const stale = (held?.epoch ?? 0) - 1;
    const late = files.store.entries.settleFields(run.id, ["a"], new Map(), stale);
    await expect(late).rejects.toMatchObject({ code: "LEASE_LOST" });
  });
});

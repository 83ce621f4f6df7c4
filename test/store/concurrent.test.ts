/** Two that write to one store at the same time: as if one had come after the other. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { isNearsightError } from "../../core/errors.ts";
import { newId } from "../../core/ids.ts";
import { matrix } from "../../core/matrix.ts";
import type { MetadataStore } from "../../core/store/store.ts";
import { EVERYTHING, entriesOf, newLabel, newRun, newSample, RUN_CONFIG, useStore } from "./helpers.ts";
import { openAt } from "./places.ts";

const ROUNDS = 15;
const files = useStore();
let others: MetadataStore;

beforeAll(async () => {
  others = await openAt(files.place);
});
afterAll(() => others.close());

/** What became of two writes begun together: each `kept`, or its error's code. */
async function outcomes(...writes: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(writes);
  return settled.map((one) => {
    if (one.status === "fulfilled") return "kept";
    if (isNearsightError(one.reason)) return one.reason.code;
    throw one.reason;
  });
}

async function newDataset(): Promise<string> {
  return (await files.store.datasets.create(newId())).id;
}

test("one of two that add the same sample, name or key is told so", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const id = await newDataset();
    const sample = newSample();
    const name = newId();
    const run = newRun({
      datasetId: id,
      config: { ...RUN_CONFIG, collectionName: name, ownsCollection: true },
    });
    const both = (write: (store: MetadataStore) => Promise<unknown>) =>
      outcomes(write(files.store), write(others));
    expect((await both((store) => store.samples.add(id, [sample]))).sort()).toEqual(["ID_EXISTS", "kept"]);
    expect((await both((store) => store.datasets.create(name))).sort()).toEqual(["DATASET_EXISTS", "kept"]);
    expect((await both((store) => store.runs.create(run))).sort()).toEqual(["RUN_EXISTS", "kept"]);
    const second = await newDataset();
    const elsewhere = { ...run, datasetId: second };
    expect(await outcomes(files.store.runs.create(elsewhere))).toEqual(["INDEX_EXISTS"]);
  }
});

test("a field has one type and one dimension, whoever comes first", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const id = await newDataset();
    const types = await outcomes(
      files.store.samples.add(id, [newSample({ fields: { value: 1 } })]),
      others.samples.add(id, [newSample({ fields: { value: "a" } })]),
    );
    expect(types.sort()).toEqual(["FIELD_TYPE_MISMATCH", "kept"]);
    const dimensions = await outcomes(
      files.store.vectors.put(id, "v", ["a"], matrix(new Float32Array(2), 2)),
      others.vectors.put(id, "v", ["b"], matrix(new Float32Array(3), 3)),
    );
    expect(dimensions.sort()).toEqual(["DIMENSION_MISMATCH", "kept"]);
  }
});

test("labels set twice at once are those of one of the two", async () => {
  const id = await newDataset();
  const sample = newSample();
  await files.store.samples.add(id, [sample]);
  for (let round = 0; round < ROUNDS; round++) {
    const set = (store: MetadataStore, name: string) => {
      const records = [0, 1].map(() => newLabel({ sampleId: sample.id, label: name }));
      return store.samples.update(id, [
        { id: sample.id, labels: { boxes: { kind: "detections", records } } },
      ]);
    };
    await Promise.all([set(files.store, "mine"), set(others, "theirs")]);
    const [record] = await files.store.samples.byId(id, [sample.id]);
    const names = record?.labels["boxes"]?.map(({ label }) => label) ?? [];
    expect(["mine,mine", "theirs,theirs"]).toContain(names.join());
  }
});

test("who has lost a lease writes no more, however close behind", async () => {
  const id = await newDataset();
  const run = await files.store.runs.create(newRun({ datasetId: id }));
  await files.store.entries.plan(run.id, entriesOf("a"));
  for (let round = 0; round < ROUNDS; round++) {
    const held = await files.store.runs.acquireLease(run.id, `mine ${round}`, -1);
    const epoch = held?.epoch ?? 0;
    const before = (await files.store.entries.revision(run.id)) ?? 0;
    const [settled, taken] = await Promise.all([
      outcomes(files.store.entries.settle(run.id, { indexed: ["a"], failed: [] }, epoch)),
      others.runs.acquireLease(run.id, `theirs ${round}`, -1),
    ]);
    expect(taken?.epoch).toBe(epoch + 1);
    expect(["kept", "LEASE_LOST"]).toContain(settled[0]);
    const after = (await files.store.entries.revision(run.id)) ?? 0;
    expect(after - before).toBe(settled[0] === "kept" ? 1 : 0);
    await others.runs.releaseLease(run.id, epoch + 1, {});
  }
});

test("entries that one settles while the other deletes their samples are all to be deleted", async () => {
  const id = await newDataset();
  const run = await files.store.runs.create(newRun({ datasetId: id }));
  for (let round = 0; round < ROUNDS; round++) {
    const ids = Array.from({ length: 40 }, () => newId());
    await files.store.samples.add(
      id,
      ids.map((one) => newSample({ id: one })),
    );
    await files.store.entries.plan(run.id, entriesOf(...ids));
    const [unwanted] = await Promise.all([
      files.store.entries.settle(run.id, { indexed: ids, failed: [] }),
      others.samples.delete(id, ids.toReversed()),
    ]);
    expect([0, 40]).toContain(unwanted.length);
    const entries = await files.store.entries.list(run.id, { entryIds: ids });
    expect(new Set(entries.map(({ state }) => state))).toEqual(new Set(["deleting"]));
  }
});

test("data sets grow by what each adds, in an order that stays", async () => {
  const id = await newDataset();
  const add = (store: MetadataStore) => store.samples.add(id, [newSample(), newSample()]);
  await Promise.all(Array.from({ length: 40 }, (_, i) => add(i % 2 === 0 ? files.store : others)));
  const order = await files.store.samples.rowIds(id, [], null);
  expect(new Set(order).size).toBe(80);
  expect(await others.samples.rowIds(id, [], null)).toEqual(order);
  const shuffled = await files.store.samples.rowIds(id, [{ stage: "shuffle", seed: 1 }], null);
  expect(new Set(shuffled)).toEqual(new Set(order));
  expect(await files.store.samples.ids(id, [], EVERYTHING)).toHaveLength(80);
});

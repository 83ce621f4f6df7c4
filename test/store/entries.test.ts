/** What the store does for those who write to an index at the same time, or were killed at it. */

import { expect, test } from "vitest";
import { newId } from "../../core/ids.ts";
import type { RunConfig } from "../../core/store/store-runs.ts";
import { entriesOf, entryStates, newRun, newSample, RUN_CONFIG, useStore } from "./helpers.ts";

const files = useStore();

async function createRun(config: Partial<RunConfig> = {}) {
  const { id: datasetId } = await files.store.datasets.create(newId());
  return files.store.runs.create(newRun({ datasetId, config: { ...RUN_CONFIG, ...config } }));
}

const states = (runId: string) => entryStates(files.store, runId);

test("settling tells which entries are wanted no more", async () => {
  const { entries } = files.store;
  const { id } = await createRun();
  await entries.plan(id, entriesOf("kept", "deleted", "forgotten"));
  await entries.markDeleting(id, ["deleted", "forgotten"]);
  expect(await entries.remove(id, ["forgotten"])).toEqual([]);
  const indexed = ["kept", "deleted", "forgotten"];
  expect(await entries.settle(id, { indexed, failed: [] })).toEqual(["deleted", "forgotten"]);
  expect(await states(id)).toEqual({ kept: "indexed", deleted: "deleting" });
});

test("entries planned again since they were marked are not removed", async () => {
  const { entries } = files.store;
  const { id } = await createRun();
  await entries.plan(id, entriesOf("a", "b"));
  await entries.markDeleting(id, ["a", "b"]);
  await entries.plan(id, entriesOf("b"), { overwrite: true });
  expect(await entries.remove(id, ["a", "b", "never"])).toEqual(["b"]);
  expect(await states(id)).toEqual({ b: "pending" });
});

test("planning what is not written leaves indexed entries as they are", async () => {
  const { entries } = files.store;
  const { id } = await createRun();
  await entries.plan(id, entriesOf("indexed", "failed", "deleting"));
  await entries.settle(id, { indexed: ["indexed"], failed: [{ id: "failed", reason: "x" }] });
  await entries.markDeleting(id, ["deleting"]);
  const all = entriesOf("indexed", "failed", "deleting", "new");
  expect(await entries.plan(id, all, { overwrite: "unwritten" })).toBe(1);
  expect(await states(id)).toEqual({
    indexed: "indexed",
    ...{ failed: "pending", deleting: "pending", new: "pending" },
  });
});

test.each([null, "objects"])(
  "entries whose sample or label (%s) vanished are marked",
  async (patchesField) => {
    const { entries, samples } = files.store;
    const { id, datasetId } = await createRun();
    const sample = newSample();
    const label = {
      id: newId(),
      sampleId: sample.id,
      field: "objects",
      kind: "detection",
      label: "cat",
    } as const;
    const details = { confidence: null, boundingBox: null, tags: [], attributes: {} };
    const labelFields = { objects: "detections" } as const;
    await samples.add(datasetId, [{ ...sample, labels: [{ ...label, ...details }], labelFields }]);
    const there = patchesField === null ? sample.id : label.id;
    await entries.plan(id, [
      { entryId: there, sampleId: sample.id },
      { entryId: "vanished", sampleId: patchesField === null ? "vanished" : sample.id },
    ]);
    await entries.markVanished(id, patchesField);
    expect(await states(id)).toEqual({ [there]: "pending", vanished: "deleting" });
  },
);

test("a run being deleted is no longer its builder's, and one that is gone is nobody's", async () => {
  const { entries, runs } = files.store;
  const { id } = await createRun();
  const leased = await runs.acquireLease(id, "builder", 60_000);
  const epoch = leased?.epoch ?? 0;
  await runs.update(id, { state: "deleting" });
  const lost = { code: "LEASE_LOST" };
  await expect(entries.plan(id, entriesOf("a"), { epoch })).rejects.toMatchObject(lost);
  await expect(entries.settle(id, { indexed: ["a"], failed: [] }, epoch)).rejects.toMatchObject(lost);
  await expect(runs.releaseLease(id, epoch, { state: "ready" })).rejects.toMatchObject(lost);
  expect(await runs.renewLease(id, epoch, 60_000)).toBe(false);
  expect(await runs.byId(id)).toMatchObject({ state: "deleting", leaseOwner: null });
  await runs.delete(id);
  const gone = entries.settle(id, { indexed: ["a"], failed: [] }, epoch + 1);
  await expect(gone).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});

test("two runs never own one collection", async () => {
  const owned = { collectionName: "mine", ownsCollection: true };
  const first = await createRun(owned);
  await expect(createRun(owned)).rejects.toMatchObject({ code: "INDEX_EXISTS", hint: expect.any(String) });
  await createRun({ ...owned, ownsCollection: false });
  await createRun({ ...owned, backend: "other" });
  await files.store.runs.update(first.id, { state: "deleting" });
  await createRun(owned);
});

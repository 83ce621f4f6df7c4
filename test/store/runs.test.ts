/** Brain runs, their leases and their entries. */

import { expect, test } from "vitest";
import { newId } from "../../core/ids.ts";
import type { StoreStage } from "../../core/store/store.ts";
import type { NewRun } from "../../core/store/store-runs.ts";
import { entriesOf, entryStates, newRun, newSample, RUN_CONFIG, useStore, withBoxes } from "./helpers.ts";

const files = useStore();
const MINUTE = 60_000;

async function createRun(change: Partial<NewRun> = {}) {
  const datasetId = change.datasetId ?? (await files.store.datasets.create(newId())).id;
  return files.store.runs.create(newRun({ ...change, datasetId }));
}

const states = (runId: string) => entryStates(files.store, runId);

test("a run is planned, found, changed, renamed and deleted", async () => {
  const { runs, entries } = files.store;
  const run = await createRun({ key: "b" });
  expect(run).toMatchObject({
    state: "planned",
    epoch: 0,
    leaseOwner: null,
    reason: null,
    config: RUN_CONFIG,
  });
  await createRun({ datasetId: run.datasetId, key: "a" });
  expect((await runs.list(run.datasetId)).map((one) => one.key)).toEqual(["b", "a"]);
  expect(await runs.get(run.datasetId, "b")).toEqual(run);
  expect(await runs.byId(run.id)).toEqual(run);
  const changed = await runs.update(run.id, {
    state: "failed",
    reason: "no disk",
    config: { ...RUN_CONFIG, dimension: 3 },
  });
  expect(changed).toMatchObject({ state: "failed", reason: "no disk", config: { dimension: 3 } });
  expect(await runs.update(run.id, { reason: null })).toMatchObject({ state: "failed", reason: null });
  await expect(createRun({ datasetId: run.datasetId, key: "b" })).rejects.toMatchObject({
    code: "RUN_EXISTS",
  });
  await expect(runs.rename(run.datasetId, "b", "a")).rejects.toMatchObject({ code: "RUN_EXISTS" });
  await expect(runs.rename(run.datasetId, "z", "y")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  expect((await runs.rename(run.datasetId, "b", "c")).id).toBe(run.id);
  await entries.plan(run.id, entriesOf("1"));
  expect(await runs.delete(run.id)).toBe(true);
  expect(await runs.delete(run.id)).toBe(false);
  expect(await runs.byId(run.id)).toBeNull();
  expect(await entries.list(run.id, {})).toEqual([]);
  await expect(runs.update(run.id, { state: "ready" })).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  await expect(entries.plan(run.id, entriesOf("1"))).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});

test("a lease is one owner's until it ends or is released", async () => {
  const { runs } = files.store;
  const run = await createRun();
  const first = await runs.acquireLease(run.id, "me", MINUTE);
  expect(first).toMatchObject({ epoch: 1, leaseOwner: "me" });
  expect(await runs.acquireLease(run.id, "you", MINUTE)).toBeNull();
  expect(await runs.acquireLease(run.id, "me", MINUTE)).toMatchObject({ epoch: 2 });
  expect(await runs.renewLease(run.id, 1, MINUTE)).toBe(false);
  expect(await runs.renewLease(run.id, 2, -1)).toBe(true);
  // It has run out, so anyone may take it.
  expect(await runs.acquireLease(run.id, "you", MINUTE)).toMatchObject({ epoch: 3, leaseOwner: "you" });
  await expect(runs.releaseLease(run.id, 2, { state: "ready" })).rejects.toMatchObject({
    code: "LEASE_LOST",
  });
  await runs.releaseLease(run.id, 3, { state: "ready" });
  expect(await runs.byId(run.id)).toMatchObject({
    state: "ready",
    leaseOwner: null,
    leaseUntil: null,
    epoch: 3,
  });
  expect(await runs.renewLease(run.id, 3, MINUTE)).toBe(false);
  await expect(runs.acquireLease("none", "me", MINUTE)).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});

test("writes of an older epoch are refused and change nothing", async () => {
  const { runs, entries } = files.store;
  const run = await createRun();
  await runs.acquireLease(run.id, "old", -1);
  await entries.plan(run.id, entriesOf("a"), { epoch: 1 });
  await runs.acquireLease(run.id, "new", MINUTE);
  const lost = { code: "LEASE_LOST", retryable: true };
  await expect(entries.plan(run.id, entriesOf("b"), { epoch: 1 })).rejects.toMatchObject(lost);
  await expect(entries.settle(run.id, { indexed: ["a"], failed: [] }, 1)).rejects.toMatchObject(lost);
  await expect(runs.update(run.id, { state: "ready" }, 1)).rejects.toMatchObject(lost);
  expect(await states(run.id)).toEqual({ a: "pending" });
  expect((await runs.byId(run.id))?.state).toBe("planned");
  await entries.settle(run.id, { indexed: ["a"], failed: [] }, 2);
  expect(await states(run.id)).toEqual({ a: "indexed" });
});

test("only one of many callers gets a free lease", async () => {
  const run = await createRun();
  const taken = await Promise.all(
    Array.from({ length: 20 }, (_, i) => files.store.runs.acquireLease(run.id, `owner ${i}`, MINUTE)),
  );
  expect(taken.filter((one) => one !== null)).toHaveLength(1);
});

test("planning adds what is new and keeps what is there", async () => {
  const { entries } = files.store;
  const run = await createRun();
  expect(await entries.plan(run.id, entriesOf("b", "a", "c"))).toBe(3);
  await entries.settle(run.id, { indexed: ["a", "b"], failed: [{ id: "c", reason: "broken file" }] });
  expect(await entries.plan(run.id, entriesOf("a", "c", "d"))).toBe(1);
  expect(await states(run.id)).toEqual({ b: "indexed", a: "indexed", c: "failed", d: "pending" });
  expect(await entries.plan(run.id, entriesOf("a", "c", "e"), { overwrite: true })).toBe(1);
  expect(await states(run.id)).toEqual({
    b: "indexed",
    a: "pending",
    c: "pending",
    d: "pending",
    e: "pending",
  });
  expect((await entries.list(run.id, {})).map((row) => row.entryId)).toEqual(["b", "a", "c", "d", "e"]);
});

test("settling raises attempts, gives reasons, and leaves what is being deleted", async () => {
  const { entries } = files.store;
  const run = await createRun();
  await entries.plan(run.id, [{ entryId: "a", sampleId: "s", sourceVersion: "v1" }, ...entriesOf("b", "c")]);
  await entries.markDeleting(run.id, ["b"]);
  await entries.settle(run.id, { indexed: ["b"], failed: [{ id: "a", reason: "too small" }] });
  await entries.settle(run.id, { indexed: ["unknown"], failed: [{ id: "b", reason: "x" }] });
  expect(await entries.list(run.id, { states: ["failed", "deleting"] })).toMatchObject([
    { entryId: "a", sampleId: "s", sourceVersion: "v1", state: "failed", reason: "too small", attempts: 1 },
    { entryId: "b", state: "deleting", attempts: 0 },
  ]);
  await entries.settle(run.id, { indexed: ["a"], failed: [] });
  expect(await entries.list(run.id, { entryIds: ["a"] })).toMatchObject([
    { state: "indexed", reason: null, attempts: 2 },
  ]);
  expect(await entries.counts(run.id)).toEqual({ pending: 1, indexed: 1, failed: 0, deleting: 1 });
  expect(await entries.remove(run.id, ["b", "c", "none"])).toEqual(["c"]);
  expect(await states(run.id)).toEqual({ a: "indexed", c: "pending" });
});

test("entries are listed in planning order, by state and id, in pages", async () => {
  const { entries } = files.store;
  const run = await createRun();
  const ids = Array.from({ length: 25 }, (_, i) => `e${(i * 7) % 25}`);
  await entries.plan(
    run.id,
    ids.map((id, i) => ({ entryId: id, sampleId: `s${i % 5}` })),
  );
  const seen: string[] = [];
  for (let after = -1; ; ) {
    const page = await entries.list(run.id, { after, limit: 10 });
    if (page.length === 0) break;
    seen.push(...page.map((row) => row.entryId));
    after = page.at(-1)?.sequence ?? Number.POSITIVE_INFINITY;
  }
  expect(seen).toEqual(ids);
  expect((await entries.list(run.id, { sampleIds: ["s1", "s4"] })).map((row) => row.entryId)).toEqual(
    ids.filter((_, i) => i % 5 === 1 || i % 5 === 4),
  );
  expect(await entries.list(run.id, { entryIds: ["e3", "none"], states: ["indexed"] })).toEqual([]);
  expect(await entries.list(run.id, { entryIds: [] })).toEqual([]);
});

test("entries are gone that are not indexed, or whose sample does not exist", async () => {
  const { entries, samples } = files.store;
  const run = await createRun();
  const [one, two] = [newSample(), newSample()];
  await samples.add(run.datasetId, [one, two]);
  await entries.plan(run.id, entriesOf(one.id, two.id, "orphan"));
  await entries.settle(run.id, { indexed: [one.id, "orphan"], failed: [] });
  const asked = [two.id, one.id, "orphan", "unknown", "orphan"];
  expect(await entries.gone(run.id, asked)).toEqual(new Set([two.id, "orphan", "unknown"]));
  expect(await entries.gone("no run", [one.id])).toEqual(new Set([one.id]));
  expect(await entries.gone(run.id, [])).toEqual(new Set());
});

test("a view's rows are counted against the run's entries", async () => {
  const { entries, samples } = files.store;
  const run = await createRun();
  const list = [withBoxes(["cat", "dog"], { tags: ["t"] }), withBoxes(["cat"]), withBoxes([])];
  await samples.add(run.datasetId, list);
  const labels = list.flatMap((sample) => sample.labels);
  await entries.plan(
    run.id,
    labels.map((label) => ({ entryId: label.id, sampleId: label.sampleId })),
  );
  await entries.settle(run.id, { indexed: labels.slice(0, 2).map((label) => label.id), failed: [] });
  const inView = (stages: StoreStage[], field: string | null) =>
    entries.countInView(run.id, run.datasetId, stages, field);
  expect(await inView([], "boxes")).toEqual({ indexed: 2, stale: 0, total: 3 });
  expect(await inView([{ stage: "toPatches", field: "boxes" }], null)).toEqual({
    indexed: 2,
    stale: 0,
    total: 3,
  });
  expect(await inView([{ stage: "matchTags", tags: ["t"] }], "boxes")).toEqual({
    indexed: 2,
    stale: 0,
    total: 2,
  });
  const cats: StoreStage = {
    stage: "filterLabels",
    field: "boxes",
    filter: { op: "compare", field: "label", comparison: "eq", value: "cat" },
  };
  expect(await inView([cats], "boxes")).toEqual({ indexed: 1, stale: 0, total: 2 });
  expect(await inView([], null)).toEqual({ indexed: 0, stale: 0, total: 3 });
});

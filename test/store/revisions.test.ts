/** Revisions of a run: what became searchable, in which order, and what of a view is out of date. */

import { describe, expect, test } from "vitest";
import { newId } from "../../core/ids.ts";
import type { ArrivalPlace, RunRecord } from "../../core/store/store-runs.ts";
import { entriesOf, newRun, newSample, RUN_CONFIG, useStore } from "./helpers.ts";

const files = useStore();
const START: ArrivalPlace = { revision: 0, sequence: Number.MAX_SAFE_INTEGER };

async function plannedRun(sampleIds: readonly string[] = []): Promise<RunRecord> {
  const { id: datasetId } = await files.store.datasets.create(newId());
  await files.store.samples.add(
    datasetId,
    sampleIds.map((id) => newSample({ id })),
  );
  const config = { ...RUN_CONFIG, collectionName: newId() };
  const run = await files.store.runs.create(newRun({ datasetId, config }));
  await files.store.entries.plan(run.id, entriesOf(...sampleIds));
  return run;
}

const indexed = (...ids: string[]) => ({ indexed: ids, failed: [] });

async function arrivals(run: RunRecord, after: ArrivalPlace = START, limit = 100): Promise<string[]> {
  return (await files.store.entries.arrivals(run.id, after, limit)).map((one) => one.entryId);
}

describe("revisions", () => {
  test("rise with each write that settles entries, which arrive in its order", async () => {
    const { entries } = files.store;
    const run = await plannedRun(["a", "b", "c", "d"]);
    expect(await entries.revision(run.id)).toBe(0);
    await entries.settle(run.id, indexed("c", "b"));
    await entries.settle(run.id, indexed("a"));
    expect(await entries.revision(run.id)).toBe(2);
    expect(await arrivals(run)).toEqual(["b", "c", "a"]);
    await entries.plan(run.id, [{ entryId: "b", sampleId: "b" }], { overwrite: true });
    expect(await arrivals(run)).toEqual(["c", "a"]);
    await entries.settle(run.id, indexed("b", "d"));
    expect(await arrivals(run)).toEqual(["c", "a", "b", "d"]);
    expect(await entries.revision("none")).toBeNull();
  });

  test("are paged without a gap, also inside one write", async () => {
    const ids = Array.from({ length: 10 }, (_, i) => `e${i}`);
    const run = await plannedRun(ids);
    await files.store.entries.settle(run.id, indexed(...ids.slice(5)));
    await files.store.entries.settle(run.id, indexed(...ids.slice(0, 5)));
    const seen: string[] = [];
    let place: ArrivalPlace = START;
    for (let page = 0; page < 4; page++) {
      const found = await files.store.entries.arrivals(run.id, place, 3);
      seen.push(...found.map((one) => one.entryId));
      place = found.at(-1) ?? place;
    }
    expect(seen).toEqual([...ids.slice(5), ...ids.slice(0, 5)]);
    expect(await arrivals(run, place)).toEqual([]);
  });

  test("never come back when the newest entry is removed", async () => {
    const { entries } = files.store;
    const run = await plannedRun(["a", "b"]);
    await entries.settle(run.id, indexed("a"));
    const [last] = await entries.arrivals(run.id, START, 1);
    await entries.markDeleting(run.id, ["a"]);
    await entries.remove(run.id, ["a"]);
    await entries.settle(run.id, indexed("b"));
    expect(await arrivals(run, last)).toEqual(["b"]);
  });

  test("leave out entries that are not searchable or whose sample is gone", async () => {
    const { entries, samples } = files.store;
    const run = await plannedRun(["a", "b", "c", "d"]);
    await entries.settle(run.id, { indexed: ["a", "b", "c"], failed: [{ id: "d", reason: "broken" }] });
    await entries.markDeleting(run.id, ["b"]);
    await samples.delete(run.datasetId, ["c"]);
    expect(await arrivals(run)).toEqual(["a"]);
  });
});

describe("a view's coverage", () => {
  test("tells what is out of date from what never was there", async () => {
    const { entries } = files.store;
    const run = await plannedRun(["a", "b", "c", "d", "e"]);
    const count = () => entries.countInView(run.id, run.datasetId, [], null);
    expect(await count()).toEqual({ total: 5, indexed: 0, stale: 0 });
    await entries.settle(run.id, { indexed: ["a", "b", "c"], failed: [{ id: "d", reason: "broken" }] });
    expect(await count()).toEqual({ total: 5, indexed: 3, stale: 0 });
    await entries.plan(run.id, [{ entryId: "a", sampleId: "a" }], { overwrite: true });
    await entries.markDeleting(run.id, ["b"]);
    expect(await count()).toEqual({ total: 5, indexed: 1, stale: 2 });
  });
});

describe("source versions", () => {
  test("are recorded, kept, and taken back", async () => {
    const { entries } = files.store;
    const run = await plannedRun(["a", "b", "c"]);
    const versions = async () => (await entries.list(run.id, {})).map((one) => one.sourceVersion);
    await entries.settle(run.id, { ...indexed("a", "b"), sourceVersions: new Map([["a", "1 x"]]) });
    expect(await versions()).toEqual(["1 x", null, null]);
    await entries.recordSources(run.id, new Map([["b", "2 y"]]));
    await entries.settle(run.id, indexed("a", "b", "c"));
    expect(await versions()).toEqual(["1 x", "2 y", null]);
    await entries.settle(run.id, { ...indexed("a"), sourceVersions: new Map([["a", null]]) });
    expect(await versions()).toEqual([null, "2 y", null]);
  });
});

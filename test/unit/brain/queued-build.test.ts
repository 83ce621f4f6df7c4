/** Builds by way of a queue: parts in any order, doubled, given up, overtaken, and by processes that are killed. */

import { beforeEach, describe, expect, it } from "vitest";
import type { BatchRef, Dataset, Installation, SampleCollection } from "../../../core/index.ts";
import { open } from "../../../core/open.ts";
import { doBatches } from "../../support/batch-crew.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const ROWS = 90;
const PART = 20;
let ns: Installation & { home: string };
let dataset: Dataset;
let ids: string[];
let sent: BatchRef[];

const queue = {
  async send(batches: readonly BatchRef[]) {
    sent.push(...batches);
  },
};

beforeEach(async () => {
  sent = [];
  ns = await temporaryNearsight();
  [dataset, ids] = await filled(ROWS);
});

async function filled(rows: number): Promise<[Dataset, string[]]> {
  const made = await ns.createDataset("parts");
  const vectors = randomVectors(rows, 4, 3);
  const samples = Array.from({ length: rows }, (_, i) => ({ filepath: `${i}.png`, vector: vectors.row(i) }));
  return [made, await made.addSamples(samples)];
}

const plan = (batchEntries = PART, view: SampleCollection = dataset) =>
  ns.planSimilarity(
    view,
    { brainKey: "images", embeddings: "vector", metric: "euclidean" },
    { queue, batchEntries },
  );

const info = () => dataset.getBrainInfo("images");
const indexed = async () => (await dataset.loadBrainResults("images")).sampleIds();

describe("a build by way of a queue", () => {
  it("is planned in parts, and ready when the last is done, whatever their order", async () => {
    await plan();
    expect(sent).toHaveLength(Math.ceil(ROWS / PART));
    expect(await info()).toMatchObject({ state: "building", entries: { pending: ROWS, indexed: 0 } });
    const outcomes = [];
    for (const batch of sent.toReversed()) outcomes.push(await ns.runBatch(batch));
    expect(outcomes).toEqual(["done", "done", "done", "done", "ended"]);
    expect(await info()).toMatchObject({ state: "ready", entries: { pending: 0, indexed: ROWS } });
    expect((await indexed()).toSorted()).toEqual(ids.toSorted());
  });

  it("survives parts that come twice, one after the other and side by side", async () => {
    await plan();
    await Promise.all(sent.flatMap((batch) => [ns.runBatch(batch), ns.runBatch(batch)]));
    for (const batch of sent) expect(await ns.runBatch(batch)).toBe("superseded");
    expect(await info()).toMatchObject({ state: "ready", entries: { indexed: ROWS, failed: 0 } });
    expect((await indexed()).toSorted()).toEqual(ids.toSorted());
  });

  it("is ready at once where nothing is to be done", async () => {
    await plan(PART, dataset.matchTags(["none"]));
    expect(sent).toEqual([]);
    expect((await info()).state).toBe("ready");
  });

  it("ends partial with a part that was given up, and ready when it is resumed", async () => {
    await plan();
    const [first, ...others] = sent as [BatchRef, ...BatchRef[]];
    for (const batch of others) await ns.runBatch(batch);
    expect(await ns.giveUpBatch(first, "the queue gave it up")).toBe("ended");
    const { state, reason, failed } = await info();
    expect({ state, reason, failed: failed.length }).toEqual({
      state: "partial",
      reason: "the queue gave it up",
      failed: PART,
    });
    sent = [];
    await plan();
    expect(sent).toHaveLength(1);
    for (const batch of sent) await ns.runBatch(batch);
    expect(await info()).toMatchObject({ state: "ready", entries: { indexed: ROWS } });
    expect(await ns.runBatch(first)).toBe("superseded");
  });

  it("leaves out samples that are deleted while it goes on", async () => {
    await plan();
    await dataset.deleteSamples(ids.slice(0, 30));
    for (const batch of sent) await ns.runBatch(batch);
    expect((await info()).state).toBe("ready");
    expect((await indexed()).toSorted()).toEqual(ids.slice(30).toSorted());
  });

  it("is refused to a second planner while it goes on", async () => {
    await plan();
    await expect(plan()).rejects.toMatchObject({ code: "RUN_BUSY" });
    await expect(
      dataset.computeSimilarity({ brainKey: "images", embeddings: "vector", metric: "euclidean" }),
    ).rejects.toMatchObject({ code: "RUN_BUSY" });
  });

  it("is cancelled wherever its parts are, and resumed in this process", async () => {
    await plan();
    await ns.runBatch(sent[0] as BatchRef);
    expect(await ns.cancelBuild(dataset, "images")).toBe(true);
    expect(await ns.runBatch(sent[1] as BatchRef)).toBe("superseded");
    expect(await info()).toMatchObject({ state: "cancelled", entries: { indexed: PART } });
    expect(await ns.cancelBuild(dataset, "images")).toBe(false);
    await dataset.computeSimilarity({ brainKey: "images", embeddings: "vector", metric: "euclidean" });
    expect(await info()).toMatchObject({ state: "ready", entries: { indexed: ROWS } });
  });

  it("that is deleted makes its parts void", async () => {
    await plan();
    await dataset.deleteBrainRun("images");
    expect(await ns.runBatch(sent[0] as BatchRef)).toBe("superseded");
  });

  it("stops in the middle of a part when its signal fires, and goes on from there", async () => {
    await plan(ROWS);
    const [batch] = sent as [BatchRef];
    const stop = new AbortController();
    stop.abort();
    await expect(ns.runBatch(batch, { signal: stop.signal })).rejects.toMatchObject({ code: "ABORTED" });
    expect((await info()).state).toBe("building");
    expect(await ns.runBatch(batch)).toBe("ended");
  });

  it("takes no vectors that another process does not have", async () => {
    await expect(
      ns.planSimilarity(dataset, { brainKey: "x", embeddings: randomVectors(ROWS, 4) }, { queue }),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await dataset.listBrainRuns()).toEqual([]);
  });

  it("frees its run where the queue takes nothing", async () => {
    const broken = { send: () => Promise.reject(new Error("no queue")) };
    const options = { brainKey: "images", embeddings: "vector", metric: "euclidean" } as const;
    await expect(ns.planSimilarity(dataset, options, { queue: broken })).rejects.toThrow("no queue");
    expect(await info()).toMatchObject({ state: "failed", reason: "no queue" });
    await plan();
    for (const batch of sent) await ns.runBatch(batch);
    expect((await info()).state).toBe("ready");
  });
});

describe("a build by several processes", () => {
  it("indexes every entry once though processes are killed and parts come twice", async () => {
    await plan(10);
    const { kills } = await doBatches(ns.home, sent, { workers: 2, kills: 3 });
    expect(kills).toBe(3);
    expect(await info()).toMatchObject({
      state: "ready",
      entries: { pending: 0, indexed: ROWS, failed: 0, deleting: 0 },
    });
    const other = await open({ config: { home: ns.home } });
    const index = await (await other.loadDataset("parts")).loadBrainResults("images");
    expect((await index.sampleIds()).toSorted()).toEqual(ids.toSorted());
    expect(await index.totalIndexSize()).toBe(ROWS);
    await other.close();
  });
});

/** Indexes through `connect`: followed, stopped, filled with many vectors, searched by pictures of this machine. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../client/index.ts";
import type { Dataset, Nearsight, ProgressEvent } from "../../core/index.ts";
import { useModel } from "../functions/gated-model.ts";
import { type HttpServer, serveNearsight } from "../support/http-server.ts";
import { temporaryNearsight } from "../support/temporary.ts";
import { randomVectors } from "../support/vectors.ts";

let server: HttpServer;
let opened: Nearsight;
let ns: Nearsight;
let model: ReturnType<typeof useModel>;
let emoji: Dataset;

beforeAll(async () => {
  model = useModel();
  opened = await temporaryNearsight({ models: { colours: model } });
  server = await serveNearsight(opened);
  ns = await connect(server.url, { apiKey: server.keys.manage });
  emoji = await ns.loadZooDataset("emoji", { maxSamples: 24 });
  await emoji.computeSimilarity({ brainKey: "images" });
}, 180_000);
afterAll(() => server.close());

describe("a build", () => {
  test("that is stopped is cancelled on the server, and goes on when it is asked for again", async () => {
    const stop = new AbortController();
    const events: ProgressEvent[] = [];
    const progress = (event: ProgressEvent) => {
      events.push(event);
      stop.abort();
    };
    const request = { model: "colours", brainKey: "colours" };
    const building = emoji.computeSimilarity({ ...request, progress, signal: stop.signal });
    await expect(building).rejects.toMatchObject({ code: "ABORTED" });
    expect(events).toEqual([{ phase: "embedding", done: 0, total: 24, failed: 0 }]);
    expect((await emoji.getBrainInfo("colours")).state).toBe("cancelled");
    model.release();
    const index = await emoji.computeSimilarity({ ...request, progress: (event) => events.push(event) });
    expect(await index.totalIndexSize()).toBe(24);
    expect(events.at(-1)).toEqual({ phase: "embedding", done: 24, total: 24, failed: 0 });
  });

  test("that fails throws what it failed with", async () => {
    const dataset = await ns.createDataset("broken");
    await dataset.addSamples([{ filepath: "no-such-picture.jpg" }]);
    const strict = dataset.computeSimilarity({ brainKey: "strict", skipFailures: false });
    await expect(strict).rejects.toMatchObject({
      code: "MEDIA_NOT_FOUND",
      details: { uri: /no-such-picture/ },
    });
    const tolerant = dataset.computeSimilarity({ brainKey: "tolerant" });
    await expect(tolerant).rejects.toMatchObject({ code: "WRITE_PARTIAL" });
  });

  test("takes a model of the server, and none of this process", async () => {
    const tiny = await ns.loadZooModel("nearsight-tiny");
    const theirs = await opened.loadZooModel("nearsight-tiny");
    expect(tiny).toMatchObject({ dimension: 512, fingerprint: theirs.fingerprint });
    const prompts = ["a cat", "a red car"];
    expect((await tiny.embedPrompts?.(prompts))?.data).toEqual((await theirs.embedPrompts?.(prompts))?.data);
    const vectors = await emoji.limit(3).computeEmbeddings(tiny);
    const same = await emoji.limit(3).computeEmbeddings("nearsight-tiny");
    expect(vectors.embeddings.data).toEqual(same.embeddings.data);
    await expect(emoji.computeSimilarity({ model: theirs })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const batch = { data: new Float32Array(0), shape: [0] } as const;
    await expect(tiny.embed(batch as never)).rejects.toMatchObject({ code: "REMOTE_UNSUPPORTED" });
  });
});

describe("given vectors", () => {
  const ROWS = 1_100;
  const vectors = randomVectors(ROWS, 1_024, 3);

  test("of several requests are all there, and come back as they were", async () => {
    const dataset = await ns.createDataset("many");
    const ids = await dataset.addSamples(
      Array.from({ length: ROWS }, (_, i) => ({ filepath: `https://example.org/${i}.jpg` })),
    );
    const events: ProgressEvent[] = [];
    const index = await dataset.computeSimilarity({
      embeddings: vectors,
      progress: (event) => events.push(event),
    });
    expect(await index.totalIndexSize()).toBe(ROWS);
    expect(events.map(({ done }) => done)).toEqual([732, 1_100]);
    const stored = await index.getEmbeddings();
    expect(stored.sampleIds).toEqual(ids);
    expect(isSame(stored.embeddings.data, vectors.data)).toBe(true);
    await dataset.setVectors("vector", ids, vectors);
    const kept = await dataset.getVectors("vector", ids);
    expect(isSame(kept.vectors.data, vectors.data)).toBe(true);
    const whole = await dataset.sortBySimilarity({ id: ids[7] ?? "" }).values("id");
    expect(whole).toHaveLength(ROWS);
    expect(whole[0]).toBe(ids[7]);
  });

  test("that could not all be sent leave no run behind", async () => {
    const dataset = await ns.loadDataset("many");
    const stop = new AbortController();
    const request = { embeddings: vectors, brainKey: "stopped" };
    const sending = dataset.computeSimilarity({
      ...request,
      signal: stop.signal,
      progress: () => stop.abort(),
    });
    await expect(sending).rejects.toMatchObject({ code: "ABORTED" });
    expect(await dataset.hasBrainRun("stopped")).toBe(false);
  });
});

describe("searches", () => {
  test("with a picture of this machine, by path, by bytes and in a mix", async () => {
    const { id, filepath } = await emoji.first();
    const near = async (image: string | Uint8Array) =>
      (await emoji.sortBySimilarity({ image }, { k: 3, brainKey: "images" }).hits()).map((hit) => hit.id);
    expect((await near(filepath))[0]).toBe(id);
    expect(await near(readFileSync(filepath))).toEqual(await near(filepath));
    const mix = { combine: [{ image: filepath }, { not: { prompt: "a cat" }, weight: 0.1 }] };
    expect((await emoji.sortBySimilarity(mix, { k: 1, brainKey: "images" }).hits())[0]?.id).toBe(id);
  });

  test("for bare strings: ids where the index has them, else prompts, else an error naming both", async () => {
    const { id } = await emoji.first();
    const near = (query: string | string[], brainKey = "images") =>
      emoji.sortBySimilarity(query, { k: 2, brainKey }).values("id");
    expect((await near(id))[0]).toBe(id);
    expect(await near("a cat")).toEqual(
      await emoji.sortBySimilarity({ prompt: "a cat" }, { k: 2, brainKey: "images" }).values("id"),
    );
    await expect(near([id, "a cat"])).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    await emoji.computeSimilarity({ embeddings: randomVectors(24, 4, 1), brainKey: "given" });
    await expect(near("a cat", "given")).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
  });

  test("take no connection options: those are the server's", async () => {
    const view = emoji.sortBySimilarity("a cat", { brainKey: "images", connection: { token: "canary" } });
    await expect(view.hits()).rejects.toMatchObject({
      code: "REMOTE_UNSUPPORTED",
      message: expect.not.stringContaining("canary"),
    });
    await expect(emoji.loadBrainResults("images", { token: "canary" })).rejects.toMatchObject({
      code: "REMOTE_UNSUPPORTED",
    });
  });
});

test("runs are copied, evaluated, renamed and their views read", async () => {
  const copy = await emoji.copyRun("images", { to: "local", brainKey: "copied", metric: "euclidean" });
  expect(copy.config).toMatchObject({ metric: "euclidean", dimension: 512 });
  expect(await copy.evaluate({ k: 5, seed: 3 })).toMatchObject({ recall: 1, entries: 24, exact: true });
  await emoji.copyRun("images", { to: "local", brainKey: "copied", overwrite: true });
  expect((await emoji.getBrainInfo("copied")).config.metric).toBe("cosine");
  expect((await emoji.loadBrainView("images")).stages).toEqual([]);
  const index = await emoji.loadBrainResults("copied");
  await index.removeFromIndex({ sampleIds: (await emoji.first()).id });
  expect(await index.missingSize()).toBe(1);
  expect(await index.addMissing()).toEqual({ added: 1, failed: [] });
  await index.delete();
  await index.delete();
  expect(await emoji.hasBrainRun("copied")).toBe(false);
});

/** A million numbers at once, which a comparison one by one takes long for. */
function isSame(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}

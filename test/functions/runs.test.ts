/** Brain runs over the API: built while requests go on, followed, stopped, resumed, switched and deleted. */

import { beforeEach, describe, expect, test } from "vitest";
import { useModel } from "./gated-model.ts";
import { temporaryApi } from "./helpers.ts";

type Api = Awaited<ReturnType<typeof temporaryApi>>;

const RUNS = "/datasets/emoji/runs";
let api: Api;
let model: ReturnType<typeof useModel>;

beforeEach(async () => {
  model = useModel();
  api = await temporaryApi({ models: { colours: model } });
  await api.nearsight.loadZooDataset("emoji", { maxSamples: 24 });
});

/** Starts a build that embeds nothing before `model.release()`. */
const start = (brainKey = "images") => api.call("POST", RUNS, { body: { brainKey, model: "colours" } });

async function state(brainKey = "images") {
  const { state, entries } = (await api.call("GET", `${RUNS}/${brainKey}`)).body;
  return { state, indexed: entries.indexed };
}

/** When the build has ended. */
const ended = (brainKey = "images") =>
  expect.poll(() => state(brainKey), { timeout: 30_000 }).toEqual({ state: "ready", indexed: 24 });

describe("a build", () => {
  test("is answered at once, followed, and searched when it is ready", async () => {
    const { status, body } = await start();
    expect({ status, state: body.state, pending: body.entries.pending }).toEqual({
      status: 202,
      state: "building",
      pending: 24,
    });
    model.release();
    await ended();
    const search = {
      query: { id: (await api.call("POST", "/datasets/emoji/ids", { body: {} })).body.ids[0] },
      k: 3,
    };
    expect((await api.call("POST", "/datasets/emoji/search", { body: search })).body.hits).toHaveLength(3);
  });

  test("that is cancelled keeps what it has, and is resumed to its end", async () => {
    await start();
    expect((await api.call("POST", `${RUNS}/images/cancel`)).body.state).toBe("cancelled");
    model.release();
    expect((await api.call("POST", `${RUNS}/images/resume`)).status).toBe(202);
    await ended();
  });

  test("of a key that is being built is RUN_BUSY, of one that is ready RUN_EXISTS", async () => {
    await start();
    expect((await start()).body).toMatchObject({ code: "RUN_BUSY", retryable: true });
    model.release();
    await ended();
    expect((await start()).body).toMatchObject({ code: "RUN_EXISTS", status: 409 });
  });

  test.each([
    [{ brainKey: "x", model: "no-such-model" }, "NOT_ALLOWED"],
    [{ brainKey: "x", backend: "pinecone" }, "BACKEND_NOT_SUPPORTED"],
    [{ brainKey: "x", model: "colours", uri: "http://10.0.0.1" }, "INVALID_ARGUMENT"],
    [{ brainKey: "" }, "INVALID_ARGUMENT"],
  ])("%j is refused before a run is recorded: %s", async (body, code) => {
    expect((await api.call("POST", RUNS, { body })).body.code).toBe(code);
    expect((await api.call("GET", RUNS)).body.runs).toEqual([]);
  });
});

describe("runs", () => {
  beforeEach(async () => {
    model.release();
    for (const brainKey of ["first", "second"]) {
      await start(brainKey);
      await ended(brainKey);
    }
  });

  test("are listed by FiftyOne's filters", async () => {
    const keys = async (query: string) =>
      (await api.call("GET", `${RUNS}?${query}`)).body.runs.map((run: { key: string }) => run.key);
    expect(await keys("")).toEqual(["first", "second"]);
    expect(await keys("type=similarity&method=local&supportsPrompts=true")).toEqual(["first", "second"]);
    expect(await keys("metric=euclidean")).toEqual([]);
    expect((await api.call("GET", `${RUNS}?colour=red`)).body.code).toBe("INVALID_ARGUMENT");
  });

  test("are renamed, switched, evaluated and deleted", async () => {
    const collection = async (key: string) =>
      (await api.call("GET", `${RUNS}/${key}`)).body.config.collectionName;
    const before = await collection("second");
    expect((await api.call("PATCH", `${RUNS}/first`, { body: { brainKey: "images" } })).body.key).toBe(
      "images",
    );
    await api.call("POST", `${RUNS}/images/switch`, { body: { to: "second" } });
    expect(await collection("images")).toBe(before);
    expect((await api.call("POST", `${RUNS}/images/evaluate`, { body: { k: 5 } })).body).toMatchObject({
      recall: 1,
      exact: true,
      entries: 24,
    });
    expect((await api.call("DELETE", `${RUNS}/images?cleanup=true`)).status).toBe(204);
    expect((await api.call("DELETE", `${RUNS}/second`)).status).toBe(204);
    expect((await api.call("GET", RUNS)).body.runs).toEqual([]);
    expect((await api.call("DELETE", `${RUNS}/second`)).body.code).toBe("RUN_NOT_FOUND");
  });
});

/** Limits of a caller, a request and the whole service: what goes over them is refused early, with its number. */

import { describe, expect, test } from "vitest";
import { matrix } from "../../core/matrix.ts";
import type { EmbeddingModel } from "../../core/models/model.ts";
import { Builds } from "../../functions/builds.ts";
import type { Limits } from "../../functions/limits/limits.ts";
import { colourModel } from "../support/colour-model.ts";
import { useModel } from "./gated-model.ts";
import { temporaryApi } from "./helpers.ts";
import { sending, served } from "./serve.ts";

describe("requests of a caller", () => {
  test("beyond the limit are refused, each caller counted by itself", async () => {
    const api = await temporaryApi({}, { limits: { requestsPerMinute: 2 } });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await api.call("GET", "/datasets", { scope: "read" })).status);
    expect(statuses).toEqual([200, 200, 429]);
    const { headers, body } = await api.call("GET", "/datasets", { scope: "read" });
    expect(body).toMatchObject({ code: "RATE_LIMITED", retryable: true, details: { limit: 2 } });
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(60);
    expect((await api.call("GET", "/datasets", { scope: "write" })).headers.get("ratelimit")).toMatch(
      /^limit=2, remaining=1, reset=\d+$/,
    );
    expect((await api.call("GET", "/health", { scope: null })).status).toBe(200);
  });
});

describe("a body", () => {
  const tooLarge = { code: "REQUEST_TOO_LARGE", status: 413, details: { limit: 1_000 } };

  async function post(headers: Record<string, string>) {
    const api = await temporaryApi({}, { limits: { bodyBytes: 1_000 } });
    const url = `${await served(api.app)}/datasets`;
    const all = {
      authorization: `Bearer ${api.keys.write.key}`,
      "content-type": "application/json",
      ...headers,
    };
    return sending("POST", url, all);
  }

  test("that is announced too large is refused before it is sent", async () => {
    const { request, answered } = await post({ "content-length": "1000000000" });
    const { status, text } = await answered;
    request.destroy();
    expect({ status, body: JSON.parse(text) }).toMatchObject({ status: 413, body: tooLarge });
  });

  test("of unknown length is refused at the first byte over", async () => {
    const { request, answered } = await post({ "transfer-encoding": "chunked" });
    request.write("x".repeat(1_001));
    const { status, text } = await answered;
    request.destroy();
    expect({ status, body: JSON.parse(text) }).toMatchObject({ status: 413, body: tooLarge });
  });

  test("of just the limit is read", async () => {
    const body = JSON.stringify({ name: "pets" }).padEnd(1_000);
    const { request, answered } = await post({ "content-length": "1000" });
    request.end(body);
    expect((await answered).status).toBe(201);
  });

  test("of somebody without a key is not read at all", async () => {
    const { request, answered } = await post({
      authorization: "Bearer ns_wrong",
      "content-length": "1000000000",
    });
    expect((await answered).status).toBe(401);
    request.destroy();
  });
});

describe("the whole service", () => {
  /** A service whose searches by prompt wait until they are released. */
  async function slow(limits: Partial<Limits>) {
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const model = colourModel();
    const waiting: EmbeddingModel = {
      ...model,
      async embedPrompts(prompts) {
        entered.resolve();
        await gate.promise;
        return (await model.embedPrompts?.(prompts)) ?? matrix(new Float32Array(), model.dimension);
      },
    };
    const api = await temporaryApi({ models: { colours: waiting } }, { limits });
    const dataset = await api.nearsight.loadZooDataset("emoji", { maxSamples: 4 });
    await dataset.computeSimilarity({ brainKey: "images", model: "colours" });
    const search = () => api.call("POST", "/datasets/emoji/search", { body: { query: { prompt: "red" } } });
    return { api, search, entered: entered.promise, release: () => gate.resolve() };
  }

  test("turns requests away while it works on as many as it can, and takes them when it has ended", async () => {
    const { api, search, entered, release } = await slow({ inFlight: 1 });
    const first = search();
    await entered;
    const { status, headers, body } = await api.call("GET", "/datasets");
    expect({ status, code: body.code, after: headers.get("retry-after") }).toEqual({
      ...{ status: 503, code: "OVERLOADED", after: "1" },
    });
    expect((await api.call("GET", "/health", { scope: null })).status).toBe(200);
    release();
    expect((await first).body.hits).toHaveLength(4);
    expect((await api.call("GET", "/datasets")).status).toBe(200);
  });

  test("gives up what takes too long, and counts it until it has really ended", async () => {
    const { api, search, release } = await slow({ inFlight: 1, timeoutMs: 100 });
    const { status, body } = await search();
    expect({ status, ...body }).toMatchObject({ status: 504, code: "TIMED_OUT", retryable: true });
    expect((await api.call("GET", "/datasets")).body.code).toBe("OVERLOADED");
    release();
    await expect.poll(async () => (await api.call("GET", "/datasets")).status).toBe(200);
  });

  test("builds only so many indexes at once", async () => {
    const model = useModel();
    const api = await temporaryApi({ models: { colours: model } }, { builds: new Builds(1) });
    await api.nearsight.loadZooDataset("emoji", { maxSamples: 2 });
    const start = (brainKey: string) =>
      api.call("POST", "/datasets/emoji/runs", { body: { brainKey, model: "colours" } });
    expect((await start("first")).status).toBe(202);
    expect((await start("second")).body).toMatchObject({ code: "OVERLOADED", details: { limit: 1 } });
    model.release();
    await expect.poll(async () => (await start("second")).status, { timeout: 30_000 }).toBe(202);
  });
});

/** The packed search under AWS's runtime client, on this project's Elasticsearch: prompts, pictures, lines, lost sockets. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Dataset, Installation } from "../../core/index.ts";
import { urlEvent } from "../support/lambda-events.ts";
import { AUTHORIZED, callFunction, type PackedFunction, packedFunction } from "../support/packed-function.ts";
import { elasticsearchServer } from "../support/servers.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { temporaryNearsight } from "../support/temporary.ts";

const LINES = { ...AUTHORIZED, accept: "application/x-ndjson" };

let ns: Installation & { home: string };
let dataset: Dataset;
let query: PackedFunction;

beforeAll(async () => {
  const similarityBackends = { elasticsearch: { ...elasticsearchServer() } };
  ns = await temporaryNearsight({ config: { similarityBackends } });
  dataset = await ns.loadZooDataset("emoji", { maxSamples: 24 });
  await dataset.computeSimilarity({ brainKey: "images", backend: "elasticsearch" });
  query = await packedFunction("query", "elasticsearch", {
    home: ns.home,
    backendOptions: { ...elasticsearchServer() },
    environment: { NEARSIGHT_API_MEDIA: join(ns.home, "zoo") },
  });
});

afterAll(async () => {
  await (await dataset.loadBrainResults("images")).delete();
});

function search(called: PackedFunction, what: object) {
  const body = { query: what, k: 3 };
  return callFunction(
    called,
    urlEvent({ method: "POST", path: "/datasets/emoji/search", headers: AUTHORIZED, body }),
  );
}

describe("a search", () => {
  test("by prompt, picture and id gives the library's own hits", async () => {
    const { id, filepath } = await dataset.first();
    const image = `data:image/png;base64,${readFileSync(filepath).toString("base64")}`;
    for (const what of [{ prompt: "a cat" }, { image }, { id }]) {
      const expected = await dataset.sortBySimilarity(what, { k: 3 }).hits();
      expect((await search(query, what)).json.hits).toEqual(expected);
    }
  });

  test("is answered when all connections were lost while the function was frozen", async () => {
    const { hosts, ...rest } = elasticsearchServer();
    const proxy = await startTcpProxy(Number(new URL(hosts[0] ?? "").port));
    onTestFinished(() => proxy.close());
    const backendOptions = { ...rest, hosts: [`http://127.0.0.1:${proxy.port}`] };
    const vectors = await packedFunction("query-vectors", "elasticsearch", { home: ns.home, backendOptions });
    const { id } = await dataset.first();
    const expected = (await search(vectors, { id })).json.hits;
    expect(expected).toHaveLength(3);
    process.kill(vectors.pid, "SIGSTOP");
    proxy.cut();
    process.kill(vectors.pid, "SIGCONT");
    expect((await search(vectors, { id })).json.hits).toEqual(expected);
  });

  test("by prompt is refused where there is no model", async () => {
    const backendOptions = { ...elasticsearchServer() };
    const vectors = await packedFunction("query-vectors", "elasticsearch", { home: ns.home, backendOptions });
    expect((await search(vectors, { prompt: "a cat" })).json).toMatchObject({
      code: "MODEL_NOT_FOUND",
    });
  });
});

test("a picture comes as it is, to the byte", async () => {
  const { id, filepath } = await dataset.first();
  const event = urlEvent({ path: `/datasets/emoji/samples/${id}/media`, headers: AUTHORIZED });
  const { body, isBase64Encoded, headers } = await callFunction(query, event);
  expect(isBase64Encoded).toBe(true);
  expect(headers["content-type"]).toBe("image/png");
  expect(Buffer.from(body, "base64").equals(readFileSync(filepath))).toBe(true);
});

test("lines are streamed in order, more of them than an answer may have at once", async () => {
  const long = await ns.createDataset("long");
  const note = "x".repeat(1_000_000);
  await long.addSamples(
    Array.from({ length: 9 }, (_, number) => ({ filepath: `${number}.png`, number, note })),
  );
  const stream = await packedFunction("query-vectors", "elasticsearch", {
    home: ns.home,
    handler: "index.stream",
  });
  const event = urlEvent({ method: "POST", path: "/datasets/long/rows", headers: LINES, body: {} });
  const { parts, isError } = await stream.invoke(event);
  expect(isError).toBe(false);
  const whole = Buffer.concat(parts);
  const border = whole.indexOf(Buffer.alloc(8));
  expect(JSON.parse(whole.subarray(0, border).toString()).statusCode).toBe(200);
  const found = whole
    .subarray(border + 8)
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(found.slice(0, -1).map(({ row }) => row.fields.number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(found.at(-1)).toEqual({ complete: true, count: 9 });
});

/** Rows and hits as lines: as many as there are, read as slowly as the caller likes, and never cut in silence. */

import { beforeAll, describe, expect, test } from "vitest";
import { NearsightError } from "../../core/errors.ts";
import { lines } from "../../functions/ndjson.ts";
import { temporaryApi } from "./helpers.ts";

let api: Awaited<ReturnType<typeof temporaryApi>>;
beforeAll(async () => {
  api = await temporaryApi();
  const dataset = await api.nearsight.createDataset("many");
  await dataset.addSamples(Array.from({ length: 1_500 }, (_, i) => ({ filepath: `${i}.png`, size: i })));
  const few = dataset.limit(30);
  const vectors = Array.from({ length: 30 }, (_, i) => [1, i]);
  await few.computeSimilarity({ brainKey: "images", embeddings: vectors, metric: "euclidean" });
});

async function ask(route: string, body: object, accept = "application/x-ndjson") {
  const response = await api.app.request(`/datasets/many/${route}`, {
    method: "POST",
    headers: { authorization: `Bearer ${api.keys.read.key}`, "content-type": "application/json", accept },
    body: JSON.stringify(body),
  });
  return { response, found: parsed(await response.text()) };
}

const parsed = (text: string) =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe("lines", () => {
  test("give every row of a view, and say at the end that they are complete", async () => {
    const { response, found } = await ask("rows", {});
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(found.at(-1)).toEqual({ complete: true, count: 1_500 });
    expect(found.slice(0, -1).map(({ row }) => row.fields.size)).toEqual(
      Array.from({ length: 1_500 }, (_, i) => i),
    );
    const part = await ask("rows", { offset: 1_490, limit: 5 });
    expect(part.found.map(({ row }) => row?.fields.size)).toEqual([1490, 1491, 1492, 1493, 1494, undefined]);
  });

  test("give hits with the facts of the answer", async () => {
    const query = { vector: [1, 0] };
    const { hits, facts } = (await api.call("POST", "/datasets/many/search", { body: { query, k: 7 } })).body;
    const { found } = await ask("search", { query, k: 7 });
    expect(found.slice(0, -1)).toEqual(hits.map((hit: object) => ({ hit })));
    expect(found.at(-1)).toMatchObject({ complete: true, count: 7, facts, cursor: expect.any(String) });
    const withRows = (await ask("search", { query, k: 2, rows: true })).found;
    expect(withRows.slice(2, 4).map(({ row }) => row.id)).toEqual(
      hits.slice(0, 2).map(({ id }: { id: string }) => id),
    );
  });

  test.each(["application/json", "*/*", "text/html", "application/x-ndjson;q=0.1, application/json"])(
    "are not given to those who ask for %s",
    async (accept) => {
      const { response } = await ask("rows", { limit: 1 }, accept);
      expect(response.headers.get("content-type")).toBe("application/json");
    },
  );

  test("are an ordinary problem where nothing was sent yet", async () => {
    const { response } = await ask("rows", { view: { saved: "none" } });
    expect({ status: response.status, type: response.headers.get("content-type") }).toEqual({
      ...{ status: 404, type: "application/problem+json" },
    });
  });

  test("end with the problem where something fails later, and tell nothing that is not ours", async () => {
    async function* failing(error: Error) {
      yield { row: 1 };
      throw error;
    }
    const ours = new NearsightError({ code: "STORE_BUSY", message: "busy" });
    expect(parsed(await lines(failing(ours)).text()).at(-1)).toMatchObject({
      problem: { code: "STORE_BUSY" },
    });
    const text = await lines(failing(new Error("canary"))).text();
    expect(parsed(text).at(-1)).toMatchObject({ problem: { code: "INTERNAL" } });
    expect(text).not.toContain("canary");
  });

  test("are made as they are taken, and no more after a reader has left", async () => {
    let made = 0;
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield { row: made++ };
      } finally {
        ended = true;
      }
    }
    const reader = (lines(endless()).body ?? new ReadableStream()).getReader();
    for (let i = 0; i < 10; i++) await reader.read();
    expect(made).toBeLessThan(20);
    await reader.cancel();
    expect(ended).toBe(true);
  });
});

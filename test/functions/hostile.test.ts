/** Bodies that mean harm: deep, long, odd or polluting ones are refused, by name and without a failure. */

import { beforeAll, describe, expect, test } from "vitest";
import { temporaryApi } from "./helpers.ts";

const DEEP = 50_000;

let api: Awaited<ReturnType<typeof temporaryApi>>;
beforeAll(async () => {
  api = await temporaryApi({}, { allow: { media: ["https://example.org"] } });
  const dataset = await api.nearsight.createDataset("pets");
  await dataset.addSamples([{ filepath: "https://example.org/a.jpg", size: 1 }]);
  await dataset.computeSimilarity({ brainKey: "images", embeddings: [[1, 0]] });
});

/** A body as it is written: some cannot be made by JSON.stringify. */
async function send(path: string, body: string) {
  const response = await api.app.request(`/datasets/pets/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${api.keys.manage.key}`, "content-type": "application/json" },
    body,
  });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text) };
}

const nested = (before: string, inner: string, after: string) =>
  before.repeat(DEEP) + inner + after.repeat(DEEP);
const filter = (text: string) => `{"view":{"stages":[{"stage":"match","filter":${text}}]}}`;

describe("depth", () => {
  test.each([
    ["count", filter(nested('{"not":', '{"field":"size","op":"eq","value":1}', "}"))],
    ["count", filter(nested('{"and":[', "{}", "]}"))],
    ["count", filter(nested("[", "", "]"))],
    ["count", `{"view":{"stages":${nested("[", "", "]")}}}`],
    ["count", nested('{"view":', "1", "}")],
    ["samples", `{"samples":[{"filepath":"https://example.org/b.jpg","deep":${nested("[", "", "]")}}]}`],
    ["samples", `{"samples":[{"filepath":"https://example.org/b.jpg","deep":${nested('{"a":', "1", "}")}}]}`],
    ["search", `{"query":${nested('{"not":', "1", "}")}}`],
    ["search", `{"query":{"combine":[${nested('{"not":', '{"prompt":"x"}', "}")}]}}`],
    ["runs", `{"brainKey":"x","indexParams":{"a":${nested("[", "", "]")}}}`],
  ])("of %s is refused", async (path, body) => {
    const { status, body: problem } = await send(path, body);
    expect({ status, code: problem.code }).toEqual({ status: 400, code: expect.stringMatching(/^INVALID_/) });
  });
});

describe("length", () => {
  test.each([
    { query: { prompt: "x".repeat(20_001) } },
    { query: { prompts: Array(101).fill("x") } },
    { query: { ids: Array(10_001).fill("x") } },
    { query: { vector: Array(65_537).fill(0) } },
    { query: { vectors: Array(101).fill([1, 0]) } },
    { query: { combine: Array(101).fill({ vector: [1, 0] }) } },
    { query: { vector: [1, 0] }, k: 10_001 },
    { query: { vector: [1, 0] }, view: { stages: Array(101).fill({ stage: "limit", count: 1 }) } },
  ])("of a query has an end: case %#", async (body) => {
    const answer = await send("search", JSON.stringify(body));
    expect({ status: answer.status, code: answer.body.code }).toEqual({
      status: 400,
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("members", () => {
  test("of a sample called __proto__ are refused", async () => {
    const { status, body } = await send(
      "samples",
      '{"samples":[{"filepath":"https://example.org/c.jpg","__proto__":{"polluted":1}}]}',
    );
    expect({ status, code: body.code }).toEqual({ status: 400, code: "INVALID_ARGUMENT" });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test.each([
    ["search", '{"query":{"vector":[1,0],"__proto__":{"k":1}}}'],
    ["search", '{"query":{"vector":[1,0]},"constructor":{"prototype":{"polluted":1}}}'],
    ["search", '{"query":{"vector":[1,0]},"surprise":1}'],
    ["search", '{"query":{"vector":[1e999,0]}}'],
    ["rows", '{"offset":-1}'],
    ["rows", '{"offset":1e309}'],
    ["rows", '{"limit":"1; DROP TABLE samples"}'],
    ["rows", "null"],
    ["rows", "[]"],
    ["rows", '"\\ud800"'],
  ])("%s takes none but its own: %s", async (path, body) => {
    expect((await send(path, body)).status).toBe(400);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

/** Keys, tokens and signatures are in no log, no answer and no metric. */

import { inspect } from "node:util";
import { expect, test } from "vitest";
import { byApiKey, createApiKey } from "../../functions/auth/api-keys.ts";
import { anyOf } from "../../functions/auth/caller.ts";
import type { Failure } from "../../functions/failures.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { temporaryApi } from "./helpers.ts";

const SECRET = "canary-secret-of-the-service-00000000000";

test("a failure is told to the log with its request, and nothing that opens anything", async () => {
  const failures: Failure[] = [];
  const { key, record } = createApiKey("app", "manage");
  const broken = async (request: Request) => {
    if (request.headers.has("x-broken")) throw new Error("the cause");
    return null;
  };
  const folder = temporaryFolder();
  const api = await temporaryApi(
    {},
    {
      ...{ authenticate: anyOf(broken, byApiKey([record])), allow: { media: [folder] }, secret: SECRET },
      report: (failure) => failures.push(failure),
    },
  );
  const headers = { authorization: `Bearer ${key}`, "x-request-id": "trace-7" };
  const texts: string[] = [];
  const call = async (path: string, more: Record<string, string> = {}) => {
    const response = await api.app.request(path, { headers: { ...headers, ...more } });
    texts.push(JSON.stringify([...response.headers]), await response.text());
    return response.status;
  };
  const [id = ""] = await (await api.nearsight.createDataset("pets")).addSamples([
    { filepath: `${folder}/a.png` },
  ]);
  const { url } = (await api.call("POST", "/datasets/pets/media", { key, body: { ids: [id] } })).body
    .links[0];
  await api.nearsight[Symbol.asyncDispose]();
  expect(await call("/datasets", { "x-broken": "1" })).toBe(500);
  expect(await call("/datasets/pets")).toBe(500);
  expect(await call(url, { authorization: "" })).toBe(500);
  expect(await call("/metrics")).toBe(200);
  expect(failures).toMatchObject([
    { requestId: "trace-7", caller: null, method: "GET", code: "INTERNAL", error: new Error("the cause") },
    { requestId: "trace-7", caller: "app", route: "/datasets/:dataset", code: "CLOSED" },
    { caller: "link", route: "/datasets/:dataset/samples/:id/media", code: "CLOSED" },
  ]);
  expect(texts.join("\n")).not.toContain("the cause");
  const signature = new URL(url, "http://api").searchParams.get("signature") ?? "";
  for (const canary of [key, record.sha256, signature, SECRET]) {
    expect(canary.length).toBeGreaterThan(20);
    expect(inspect(failures, { depth: 20 })).not.toContain(canary);
    expect(texts.join("\n")).not.toContain(canary);
  }
});

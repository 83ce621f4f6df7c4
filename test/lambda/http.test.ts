/** Packed HTTP functions under AWS's runtime client: every kind of event, limits, deadlines, frozen processes, logs. */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { open } from "../../core/open.ts";
import { restEvent, sqsEvent, urlEvent } from "../support/lambda-events.ts";
import { serve } from "../support/loopback.ts";
import { AUTHORIZED, callFunction, type PackedFunction, packedFunction } from "../support/packed-function.ts";
import { temporaryFolder } from "../support/temporary.ts";

const BACKENDS = ["milvus", "elasticsearch"] as const;
const headers = AUTHORIZED;

describe.each(BACKENDS)("manage on %s", (backend) => {
  let manage: PackedFunction;
  beforeAll(async () => {
    manage = await packedFunction("manage", backend);
  });

  test.each([
    ["a function URL or an HTTP API", urlEvent],
    ["a REST API", restEvent],
  ])("answers %s", async (name, event) => {
    const created = event({ method: "POST", path: "/datasets", headers, body: { name } });
    expect(await callFunction(manage, created)).toMatchObject({ statusCode: 201, json: { name } });
    const path = `/datasets/${encodeURIComponent(name)}`;
    const found = await callFunction(manage, event({ path, headers }));
    expect(found).toMatchObject({ statusCode: 200, isBase64Encoded: false, json: { name, samples: 0 } });
    const runs = event({ path: `${path}/runs`, query: "type=similarity&method=local", headers });
    expect((await callFunction(manage, runs)).json).toEqual({ runs: [] });
  });

  test("says that its backend is out of reach", async () => {
    const call = (method: string, path: string, body: unknown) =>
      callFunction(manage, urlEvent({ method, path, headers, body }));
    await call("POST", "/datasets", { name: "pets" });
    await call("POST", "/datasets/pets/samples", { samples: [{ filepath: "https://example.org/cat.jpg" }] });
    // A run is recorded without asking its server; whoever evaluates it asks.
    await recordRun(manage, backend);
    const { statusCode, json } = await call("POST", "/datasets/pets/runs/images/evaluate", { k: 1 });
    expect({ statusCode, code: json.code, retryable: json.retryable }).toEqual({
      statusCode: 503,
      code: "BACKEND_UNAVAILABLE",
      retryable: true,
    });
  });
});

/** Records a run on the store of a function, as another process would. */
async function recordRun({ home }: PackedFunction, backend: string): Promise<void> {
  await using ns = await open({ config: { home } });
  const dataset = await ns.loadDataset("pets");
  await dataset.computeSimilarity({
    brainKey: "images",
    backend,
    embeddings: false,
    collectionName: "elsewhere",
    lazy: true,
  });
}

describe("what a function is sent", () => {
  let manage: PackedFunction;
  beforeAll(async () => {
    manage = await packedFunction("manage", "elasticsearch");
  });

  test("may come as Base64, as API Gateway sends bodies of other kinds", async () => {
    const body = new TextEncoder().encode(JSON.stringify({ name: "größer" }));
    const event = urlEvent({ method: "POST", path: "/datasets", body, headers });
    const typed = { ...event, headers: { ...event.headers, "content-type": "application/json" } };
    expect((await callFunction(manage, typed)).json.name).toBe("größer");
  });

  test("over 6 MB never reaches it, and the next request does", async () => {
    const large = urlEvent({
      method: "POST",
      path: "/datasets",
      body: { name: "x".repeat(6_300_000) },
      headers,
    });
    expect(await manage.invoke(large)).toMatchObject({
      isError: true,
      payload: '{"errorType":"RequestEntityTooLargeException"}',
    });
    expect((await callFunction(manage, urlEvent({ path: "/health" }))).statusCode).toBe(200);
  });

  test.each([
    ["a schedule of EventBridge", { "detail-type": "Scheduled Event", source: "aws.events", detail: {} }],
    ["messages of a queue", sqsEvent(["{}"])],
  ])("that is %s is let in by no key, and the next request is answered", async (_, event) => {
    expect((await callFunction(manage, event)).json).toMatchObject({ code: "API_KEY_INVALID" });
    expect((await callFunction(manage, urlEvent({ path: "/health" }))).statusCode).toBe(200);
  });
});

describe("what a function answers", () => {
  test("over 6 MB is a problem that names the limit, up to it the answer", async () => {
    const home = temporaryFolder();
    await using ns = await open({ config: { home } });
    const dataset = await ns.createDataset("long");
    const note = '"'.repeat(1_000_000);
    await dataset.addSamples([1, 2, 3, 4].map((n) => ({ filepath: `${n}.png`, note })));
    const query = await packedFunction("query-vectors", "elasticsearch", { home });
    const rows = (limit: number) =>
      callFunction(
        query,
        urlEvent({ method: "POST", path: "/datasets/long/rows", body: { limit }, headers }),
      );
    expect((await rows(1)).json.rows).toHaveLength(1);
    const { statusCode, json } = await rows(4);
    expect(statusCode).toBe(413);
    expect(json).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 6_291_556 } });
  });

  test("in parts has its head first", async () => {
    const stream = await packedFunction("manage", "milvus", { handler: "index.stream" });
    const { parts, isError } = await stream.invoke(urlEvent({ path: "/openapi.json" }));
    expect(isError).toBe(false);
    const whole = Buffer.concat(parts);
    const border = whole.indexOf(Buffer.alloc(8));
    expect(JSON.parse(whole.subarray(0, border).toString())).toMatchObject({ statusCode: 200 });
    expect(JSON.parse(whole.subarray(border + 8).toString()).openapi).toBe("3.1.0");
    expect(parts.length).toBeGreaterThan(1);
  });
});

/** Bytes of a process that are in memory, after Linux. */
function residentBytes(pid: number): number {
  const [, kilobytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

describe("a function", () => {
  test("answers before its time is over", async () => {
    const silent = await serve(() => undefined);
    onTestFinished(() => silent.close());
    const backendOptions = { hosts: [silent.endpoint] };
    const manage = await packedFunction("manage", "elasticsearch", { backendOptions, timeoutMs: 4_000 });
    await callFunction(
      manage,
      urlEvent({ method: "POST", path: "/datasets", headers, body: { name: "pets" } }),
    );
    await recordRun(manage, "elasticsearch");
    const event = urlEvent({
      method: "POST",
      path: "/datasets/pets/runs/images/evaluate",
      body: { k: 1 },
      headers,
    });
    expect((await callFunction(manage, event)).json).toMatchObject({
      code: "TIMED_OUT",
      status: 504,
      retryable: true,
    });
    expect((await callFunction(manage, urlEvent({ path: "/health" }))).statusCode).toBe(200);
  });

  test("goes on after it was frozen", async () => {
    const manage = await packedFunction("manage", "milvus");
    const health = () => callFunction(manage, urlEvent({ path: "/datasets", headers }));
    expect((await health()).statusCode).toBe(200);
    for (let round = 0; round < 3; round++) {
      process.kill(manage.pid, "SIGSTOP");
      await pause(500);
      process.kill(manage.pid, "SIGCONT");
      expect((await health()).statusCode).toBe(200);
    }
  });

  test("keeps no more memory and no more files after 500 calls", async () => {
    const manage = await packedFunction("manage", "elasticsearch");
    const event = urlEvent({ path: "/datasets", headers });
    const calls = async (count: number) => {
      for (let i = 0; i < count; i++) await callFunction(manage, event);
      return { descriptors: readdirSync(`/proc/${manage.pid}/fd`).length, bytes: residentBytes(manage.pid) };
    };
    const before = await calls(200);
    const after = await calls(500);
    expect(after.descriptors).toBe(before.descriptors);
    expect(after.bytes - before.bytes).toBeLessThan(40_000_000);
  });

  test("writes no key, password or signature into its log", async () => {
    const password = "canary-password-5177";
    const backendOptions = { hosts: ["http://127.0.0.1:9"], username: "canary-user", password };
    const manage = await packedFunction("manage", "elasticsearch", { backendOptions });
    const signed = { "X-Amz-Signature": "canary-signature-4242", "X-Amz-Credential": "canary-credential" };
    const query = new URLSearchParams({ type: "similarity", ...signed }).toString();
    await callFunction(manage, urlEvent({ path: "/datasets/none/runs", query, headers }));
    await callFunction(
      manage,
      urlEvent({ path: "/datasets", headers: { authorization: "Bearer canary-bearer" } }),
    );
    const created = {
      method: "POST",
      path: "/datasets",
      headers,
      body: { name: "pets", note: "canary-body" },
    };
    await callFunction(manage, urlEvent(created));
    await callFunction(manage, urlEvent({ ...created, body: { name: "pets" } }));
    await recordRun(manage, "elasticsearch");
    const evaluate = { method: "POST", path: "/datasets/pets/runs/images/evaluate", headers, body: { k: 1 } };
    await callFunction(manage, urlEvent(evaluate));
    const log = manage.log();
    expect(log).toContain('"code":"BACKEND_UNAVAILABLE"');
    expect(log).not.toMatch(/canary/);
    expect(log).not.toContain(headers.authorization.slice("Bearer ".length));
    expect(log).not.toContain("test-secret-key");
  });

  test("with settings that are wrong says which, and nothing of their value", async () => {
    const environment = { NEARSIGHT_API_KEYS: "canary, no JSON" };
    const manage = await packedFunction("manage", "elasticsearch", { environment });
    await expect(manage.initMs).rejects.toThrow(/NEARSIGHT_API_KEYS/);
    expect(manage.log()).not.toMatch(/canary/);
  });
});

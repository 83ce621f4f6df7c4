/** More requests at once than a service takes: it refuses some by code, and keeps exactly what it acknowledged. */

import { expect, test } from "vitest";
import { temporaryApi } from "./helpers.ts";
import { served } from "./serve.ts";

const REQUESTS = 300;
const ALLOWED = 200;

test("what was acknowledged is there, and what was refused is not", async () => {
  const limits = { inFlight: 4, requestsPerMinute: ALLOWED };
  const api = await temporaryApi({}, { limits, allow: { media: ["https://example.org"] } });
  const dataset = await api.nearsight.createDataset("pets");
  const url = `${await served(api.app)}/datasets/pets`;
  const ask = (path: string, body: object) =>
    fetch(`${url}/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${api.keys.write.key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const acknowledged: string[] = [];
  const statuses: number[] = [];

  async function write(n: number): Promise<void> {
    const samples = [0, 1, 2].map((i) => ({
      id: `${n}-${i}`,
      filepath: `https://example.org/${n}-${i}.jpg`,
    }));
    const response = await ask("samples", { samples });
    statuses.push(response.status);
    const { ids = [], retryable = true } = (await response.json()) as { ids?: string[]; retryable?: boolean };
    expect(retryable).toBe(true);
    expect(response.headers.has("retry-after")).toBe(response.status !== 201);
    acknowledged.push(...ids);
  }

  async function read(): Promise<void> {
    const response = await ask("rows", {});
    statuses.push(response.status);
    await response.arrayBuffer();
  }

  await Promise.all(Array.from({ length: REQUESTS }, (_, n) => (n % 3 === 0 ? read() : write(n))));
  const kinds = new Set(statuses);
  for (const status of kinds) expect([200, 201, 429, 503]).toContain(status);
  expect(statuses.filter((status) => status === 429)).toHaveLength(REQUESTS - ALLOWED);
  const kept = await dataset.values<string>("id");
  expect(kept.sort()).toEqual(acknowledged.sort());
  expect(acknowledged.length).toBeGreaterThan(0);
});

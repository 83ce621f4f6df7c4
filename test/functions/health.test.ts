/** Figures for a monitor, and check-ups of an index over HTTP. */

import { beforeAll, expect, test } from "vitest";
import { temporaryApi } from "./helpers.ts";

const RUN = "/datasets/emoji/runs/images";

let api: Awaited<ReturnType<typeof temporaryApi>>;
beforeAll(async () => {
  api = await temporaryApi();
  const dataset = await api.nearsight.loadZooDataset("emoji", { maxSamples: 6 });
  const embeddings = Array.from({ length: 6 }, (_, i) => [1, i]);
  await dataset.computeSimilarity({ brainKey: "images", embeddings });
});

async function metrics() {
  const headers = { authorization: `Bearer ${api.keys.read.key}` };
  const response = await api.app.request("/metrics", { headers });
  return { type: response.headers.get("content-type"), text: await response.text() };
}

test("requests are counted by route, method and status, and name no data set", async () => {
  await api.call("POST", "/datasets/emoji/count", { body: {} });
  await api.call("POST", "/datasets/canary/count", { body: {} });
  await api.call("GET", "/canary/of/nothing");
  await api.call("GET", "/datasets/canary", { key: "ns_canary" });
  const { type, text } = await metrics();
  expect(type).toContain("text/plain; version=0.0.4");
  const counted = (labels: string) => `nearsight_http_request_duration_seconds_count{${labels}} 1\n`;
  expect(text).toContain(counted('method="POST",route="/datasets/:dataset/count",status="200"'));
  expect(text).toContain(counted('method="POST",route="/datasets/:dataset/count",status="404"'));
  expect(text).toContain(counted('method="GET",route="/datasets/:dataset",status="401"'));
  expect(text).toContain("nearsight_http_requests_in_flight 1\n");
  expect(text).toContain("nearsight_builds_running 0\n");
  expect(text).not.toContain("canary");
});

test("figures and check-ups need a key of their scope", async () => {
  expect((await api.call("GET", "/metrics", { scope: null })).status).toBe(401);
  expect((await api.call("POST", `${RUN}/doctor`, { body: {}, scope: "write" })).status).toBe(403);
});

test("an index is checked by itself, and repaired if asked to", async () => {
  const check = async (body: object) => (await api.call("POST", `${RUN}/doctor`, { body })).body;
  const healthy = await check({ deep: true, media: true });
  expect(healthy.healthy).toBe(true);
  const subjects = new Set(healthy.checks.map(({ subject }: { subject: string }) => subject));
  expect(subjects).toContain("emoji/images");
  expect(healthy.checks.map(({ name }: { name: string }) => name)).not.toContain("model");
  const dataset = await api.nearsight.loadDataset("emoji");
  await dataset.deleteSamples([(await dataset.first()).id]);
  expect(await check({})).toMatchObject({
    healthy: false,
    checks: expect.arrayContaining([expect.objectContaining({ name: "entries", status: "warning" })]),
  });
  expect((await check({ repair: true })).healthy).toBe(true);
  expect(await check({ deep: true })).toMatchObject({ healthy: true });
});

test("of an index that is not there is RUN_NOT_FOUND", async () => {
  const { body } = await api.call("POST", "/datasets/emoji/runs/none/doctor", { body: {} });
  expect(body.code).toBe("RUN_NOT_FOUND");
});

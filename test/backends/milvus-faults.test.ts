/** Milvus: a connection that is cut, slow, half open or refused, and a server that is killed. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Backend, Collection } from "../../core/backends/backend.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { isNearsightError } from "../../core/errors.ts";
import { entries, expectCode, fetched, floats, padded, stream, vectors } from "../contract/context.ts";
import { milvusServer, ownServer } from "../support/servers.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const NAME = "faults";
let proxy: TcpProxy;
let direct: Backend;
let kept: Collection;

beforeAll(async () => {
  const { uri } = milvusServer();
  proxy = await startTcpProxy(Number(new URL(uri).port));
  direct = milvusBackend({ uri });
  await (await direct.open(NAME).catch(() => undefined))?.drop();
  kept = await direct.create({ name: NAME, dimension: 8, metric: "euclidean" });
  await kept.upsert(stream(entries(500, "euclidean", 1)));
});
beforeEach(() => proxy.restore());
afterAll(async () => {
  await kept.drop();
  await direct.close();
  await proxy.close();
});

const throughProxy = (patience = {}) => milvusBackend({ uri: `http://127.0.0.1:${proxy.port}` }, patience);

test("a cut connection is made again, and each operation ends right", async () => {
  const backend = throughProxy();
  const collection = await backend.open(NAME);
  proxy.cut();
  expect((await collection.describe()).size).toBe(500);
  proxy.cut();
  expect((await collection.search(floats(padded(1)), { k: 5 }))[0]?.ids).toHaveLength(5);
  proxy.cut();
  expect((await fetched(collection.fetch())).size).toBe(500);
  await backend.close();
});

test("an upload that is cut again and again ends with exactly its entries", async () => {
  const name = "faults_upload";
  await (await direct.open(name).catch(() => undefined))?.drop();
  const written = await direct.create({ name, dimension: 512, metric: "euclidean" });
  const backend = throughProxy();
  const collection = await backend.open(name);
  const parts = Array.from({ length: 6 }, (_, i) => entries(1000, "euclidean", i, `p${i}_`, 512));
  async function* batches() {
    for (const part of parts) {
      proxy.cutAfter(1_000_000);
      yield part;
    }
  }
  expect(await collection.upsert(batches())).toEqual({ written: 6000, failed: [] });
  expect((await written.describe()).size).toBe(6000);
  await written.drop();
  await backend.close();
});

test("a first answer after 30 seconds is waited for", async () => {
  proxy.delayFirstAnswer(30_000);
  const backend = throughProxy();
  expect(await backend.list(NAME)).toContain(NAME);
  await backend.close();
});

test("a connection that takes all and answers nothing is BACKEND_UNAVAILABLE", async () => {
  proxy.halfOpen();
  // Connections outlive the clients that made them for a while, and later clients use them again.
  proxy.cut();
  const backend = throughProxy({ connect: 1000, attempt: 2000 });
  await expectCode(() => backend.list(), "BACKEND_UNAVAILABLE");
  await backend.close();
});

test("a signal ends a call that hangs", async () => {
  const backend = throughProxy();
  const collection = await backend.open(NAME);
  proxy.pause();
  const controller = new AbortController();
  const searching = collection.search(vectors(1, "euclidean", 2), { k: 5, signal: controller.signal });
  setImmediate(() => controller.abort());
  await expectCode(() => searching, "ABORTED");
  proxy.resume();
  await backend.close();
});

test("refused connections are BACKEND_UNAVAILABLE after the budget, and right once they are taken", async () => {
  const backend = throughProxy({ call: 1000 });
  const collection = await backend.open(NAME);
  await proxy.refuse();
  proxy.cut();
  await expectCode(() => collection.describe(), "BACKEND_UNAVAILABLE");
  await proxy.accept();
  const patient = throughProxy();
  expect((await (await patient.open(NAME)).describe()).size).toBe(500);
  await patient.close();
  await backend.close();
});

describe("a server that is killed", () => {
  test("during a write and started again has every entry that was acknowledged", async () => {
    const server = await ownServer("milvus");
    const backend = milvusBackend(server.address, { call: 300_000 });
    const collection = await backend.create({ name: "killed", dimension: 8, metric: "euclidean" });
    await collection.upsert(stream(entries(300, "euclidean", 1, "before")));
    const writing = collection
      .upsert(stream(...Array.from({ length: 20 }, (_, i) => entries(200, "euclidean", i, `w${i}_`))))
      .catch((error: unknown) => error);
    await server.kill();
    const restarted = server.start();
    const report = await writing;
    await restarted;
    if (isNearsightError(report)) expect(report.retryable, `${report.code}: ${report.message}`).toBe(true);
    else expect(report).toEqual({ written: 4000, failed: [] });
    // A resumed build writes the same entries again.
    await collection.upsert(
      stream(...Array.from({ length: 20 }, (_, i) => entries(200, "euclidean", i, `w${i}_`))),
    );
    expect((await collection.describe()).size).toBe(4300);
    expect((await fetched(collection.fetch())).size).toBe(4300);
    await backend.close();
    await server.stop();
  }, 900_000);
});

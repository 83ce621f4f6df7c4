/** Milvus: a connection that is cut, slow, half open or refused, and a server that is killed. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Backend, Collection } from "../../core/backends/backend.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { at, entries, expectCode, fetched, select, stream, vectors } from "../contract/context.ts";
import { startGrpcProxy } from "../support/grpc-proxy.ts";
import { testServerFaults } from "../support/server-faults.ts";
import { milvusServer, type OwnServer, ownServer } from "../support/servers.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const NAME = "faults";
/** Status code 8 of gRPC. */
const RESOURCE_EXHAUSTED = 8;
/** Of the server of its own: a hundredth of the usual. */
const LARGEST_MESSAGE = 65_536;
/** A busy machine takes minutes to start a server. */
const PATIENT = { call: 600_000 };
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

testServerFaults({
  url: milvusServer().uri,
  connect: (uri, { budget, attempt } = {}) =>
    milvusBackend(
      { uri },
      {
        ...(budget === undefined ? {} : { call: budget }),
        ...(attempt === undefined ? {} : { attempt }),
      },
    ),
  async startBusyProxy(target) {
    const { uri, fail } = await startGrpcProxy(target);
    return {
      url: uri,
      beBusy: (times) => fail({ code: RESOURCE_EXHAUSTED, details: "too many requests", times }),
    };
  },
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

describe("a server of its own", () => {
  let server: OwnServer<"milvus">;
  beforeAll(async () => {
    server = await ownServer("milvus", {
      settings: {
        "proxy.grpc.serverMaxRecvSize": LARGEST_MESSAGE,
        // Milvus' own: for so long a server that is started again waits for the one that was killed.
        "common.session.ttl": 30,
      },
    });
  });
  afterAll(() => server.stop());

  test("gets messages as long as it takes, and names the limit of an entry that is longer", async () => {
    const backend = milvusBackend(server.address);
    const collection = await backend.create({ name: "long", dimension: 512, metric: "euclidean" });
    const written = entries(400, "euclidean", 4, "e", 512);
    const longest = { ...entries(1, "euclidean", 5, "x".repeat(60_000), 512) };
    expect(await collection.upsert(stream(written))).toEqual({ written: 400, failed: [] });
    const report = await collection.upsert(stream({ ...longest, sampleIds: longest.ids }));
    expect(report.written).toBe(0);
    expect(report.failed.map(({ id }) => id)).toEqual(longest.ids);
    expect(at(report.failed, 0).reason).toMatch(/^LIMIT_EXCEEDED: .*larger than max.*65536/);
    const hits = await collection.search(written.vectors, { k: 1 });
    expect(hits.map(({ ids }) => ids[0])).toEqual(written.ids);
    const long = written.ids.map((id) => `${id}${"x".repeat(200)}`);
    await collection.upsert(stream({ ...written, ids: long }));
    expect((await fetched(collection.fetch(select(long)))).size).toBe(400);
    expect(await collection.delete(stream(long))).toEqual({ written: 400, failed: [] });
    expect((await collection.describe()).size).toBe(400);
    await backend.close();
  });

  test("killed during a write and started again has every entry that was acknowledged", async () => {
    const backend = milvusBackend(server.address, PATIENT);
    const collection = await backend.create({ name: "killed", dimension: 8, metric: "euclidean" });
    await collection.upsert(stream(entries(300, "euclidean", 1, "before")));
    const parts = Array.from({ length: 20 }, (_, i) => entries(200, "euclidean", i, `w${i}_`));
    const crash = async () => {
      await server.kill();
      await server.start();
    };
    const [report] = await Promise.all([collection.upsert(stream(...parts)), crash()]);
    expect(report).toEqual({ written: 4000, failed: [] });
    expect((await collection.describe()).size).toBe(4300);
    expect((await fetched(collection.fetch())).size).toBe(4300);
    await backend.close();
  }, 900_000);

  test("killed during a query is BACKEND_UNAVAILABLE to the impatient, and answers the others", async () => {
    const [patient, impatient] = [
      milvusBackend(server.address, PATIENT),
      milvusBackend(server.address, { call: 300 }),
    ];
    const collection = await patient.create({ name: "asked", dimension: 8, metric: "euclidean" });
    const written = entries(500, "euclidean", 1);
    await collection.upsert(stream(written));
    const asked = await impatient.open("asked");
    const query = vectors(1, "euclidean", 2);
    const expected = await collection.search(query, { k: null });
    expect(at(expected, 0).ids).toHaveLength(500);
    await server.kill();
    const start = async () => {
      await expectCode(() => asked.search(query, { k: 5 }), "BACKEND_UNAVAILABLE");
      await server.start();
    };
    const [found] = await Promise.all([collection.search(query, { k: null }), start()]);
    expect(found).toEqual(expected);
    await Promise.all([patient.close(), impatient.close()]);
  }, 900_000);
});

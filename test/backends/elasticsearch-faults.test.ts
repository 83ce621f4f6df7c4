/** Servers that are busy, away, or lose answers: the work is done in full, or ends with an error that can be tried again. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Collection } from "../../core/backends/backend.ts";
import { elasticsearchBackend } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { at, entries, expectCode, fetched, floats, stream } from "../contract/context.ts";
import { type HttpProxy, startHttpProxy } from "../support/http-proxy.ts";
import { testServerFaults } from "../support/server-faults.ts";
import { elasticsearchServer, ownServer } from "../support/servers.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const DIMENSION = 4;
const QUERY = floats([1, 2, 3, 4]);
const [host = ""] = elasticsearchServer().hosts;

testServerFaults({
  url: host,
  connect: (url, { budget, attempt } = {}) =>
    elasticsearchBackend({
      hosts: url,
      patience: {
        ...(budget === undefined ? {} : { read: budget, write: budget }),
        ...(attempt === undefined ? {} : { attempt }),
      },
    }),
  async startBusyProxy(target) {
    const { url, answer } = await startHttpProxy(target);
    return { url, beBusy: (times) => answer({ status: 429, path: "", times }) };
  },
});

let made = 0;
const newName = () => `faults-${process.pid}-${made++}`;

describe("a busy server", () => {
  let proxy: HttpProxy;
  let collection: Collection;
  const written = entries(100, "cosine", 1, "e", DIMENSION);

  beforeAll(async () => {
    proxy = await startHttpProxy(host);
    const backend = elasticsearchBackend({ hosts: proxy.url });
    collection = await backend.create({ name: newName(), dimension: DIMENSION, metric: "cosine" });
    await collection.upsert(stream(written));
  });
  afterAll(() => collection.drop());

  test.each([429, 502, 503, 504])("that answers %i is asked again", async (status) => {
    proxy.answer({ status, path: "_search", times: 2 });
    expect(at(await collection.search(QUERY, { k: 5 }), 0).ids).toHaveLength(5);
    proxy.answer({ status, path: "_bulk", times: 2 });
    expect(await collection.upsert(stream(written))).toEqual({ written: 100, failed: [] });
    proxy.answer({ status, path: "_refresh" });
    expect((await collection.describe()).size).toBe(100);
  });

  test("that did the work but lost its answer has it done once", async () => {
    proxy.answer({ status: 503, path: "_bulk", afterwards: true });
    const more = entries(50, "cosine", 2, "m", DIMENSION);
    expect(await collection.upsert(stream(more))).toEqual({ written: 50, failed: [] });
    expect((await collection.describe()).size).toBe(150);
    proxy.answer({ status: 503, path: "_bulk", afterwards: true });
    await collection.delete(stream(more.ids));
    expect((await collection.describe()).size).toBe(100);
  });

  test("that made an index but lost its answer has made it, and one that is there is told as such", async () => {
    const backend = elasticsearchBackend({ hosts: proxy.url });
    const spec = { name: newName(), dimension: DIMENSION, metric: "cosine" } as const;
    proxy.answer({ status: 503, path: spec.name, afterwards: true });
    const collection = await backend.create(spec);
    expect((await collection.describe()).size).toBe(0);
    await expectCode(() => backend.create(spec), "INDEX_EXISTS");
    await collection.drop();
    await backend.close();
  });

  test("that refuses single entries gets them again, and no others", async () => {
    const refused = {
      status: 429,
      error: { type: "es_rejected_execution_exception", reason: "queue is full" },
    };
    // First comes the guard of each bulk.
    const guard = {
      update: { status: 404, error: { type: "index_not_found_exception", reason: "no alias" } },
    };
    const items = [
      guard,
      { index: { status: 201, result: "created" } },
      { index: refused },
      { index: refused },
    ];
    proxy.seen.length = 0;
    proxy.answer({ status: 200, path: "_bulk", body: JSON.stringify({ errors: true, items }) });
    const three = entries(3, "cosine", 3, "t", DIMENSION);
    expect(await collection.upsert(stream(three))).toEqual({ written: 3, failed: [] });
    const [first, second] = proxy.seen.filter(({ path }) => path.includes("_bulk"));
    expect(second?.bytes).toBeLessThan(first?.bytes ?? 0);
    // The first was only said to be written.
    expect([...(await fetched(collection.fetch())).keys()]).toEqual(
      expect.arrayContaining(three.ids.slice(1)),
    );
    await collection.delete(stream(three.ids));
  });

  test("that stays busy ends the call with an error to try again", async () => {
    const backend = elasticsearchBackend({ hosts: proxy.url, patience: { read: 200, write: 200 } });
    const impatient = await backend.open(collection.name);
    proxy.answer({ status: 503, path: "_search", times: 50 });
    await expect(impatient.search(QUERY, { k: 5 })).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      retryable: true,
    });
    proxy.answer({ status: 429, path: "_bulk", times: 50 });
    await expectCode(() => impatient.upsert(stream(written)), "BACKEND_UNAVAILABLE");
    await backend.close();
  });

  test("is not asked again once the signal fires", async () => {
    const busy = await startHttpProxy(host);
    const backend = elasticsearchBackend({ hosts: busy.url });
    const asked = await backend.open(collection.name);
    busy.answer({ status: 503, path: "_search", times: 1000 });
    const controller = new AbortController();
    const work = asked.search(QUERY, { k: 5, signal: controller.signal });
    controller.abort();
    await expectCode(() => work, "ABORTED");
    await backend.close();
  });
});

describe("no server", () => {
  test("is BACKEND_UNAVAILABLE, and says where it should be", async () => {
    const backend = elasticsearchBackend({ hosts: "http://127.0.0.1:9", patience: { read: 100 } });
    await expect(backend.open("pets")).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      message: expect.stringContaining("http://127.0.0.1:9"),
      hint: expect.stringContaining("hosts"),
    });
    await backend.close();
  });

  test("but another product is told as such", async () => {
    const proxy = await startHttpProxy(host);
    proxy.answer({ status: 200, path: "_mapping", body: "{}", isElasticsearch: false });
    const backend = elasticsearchBackend({ hosts: proxy.url, patience: { read: 0 } });
    await expectCode(() => backend.list(), "BACKEND_FAILED");
    await backend.close();
  });
});

describe("a connection", () => {
  const written = entries(300, "cosine", 1, "e", DIMENSION);
  const { hostname, port } = new URL(host);
  let proxy: TcpProxy;
  let collection: Collection;

  beforeAll(async () => {
    proxy = await startTcpProxy(Number(port), hostname);
    const backend = elasticsearchBackend({ hosts: `http://127.0.0.1:${proxy.port}` });
    collection = await backend.create({ name: newName(), dimension: DIMENSION, metric: "cosine" });
    await collection.upsert(stream(written));
  });
  afterAll(async () => {
    proxy.restore();
    await proxy.accept();
    await collection.drop();
    await proxy.close();
  });

  test("that is cut in any part of a build is made again, and nothing is lost", async () => {
    for (const bytes of [100, 5000, 20_000]) {
      proxy.cutAfter(bytes);
      expect(await collection.upsert(stream(written))).toEqual({ written: 300, failed: [] });
      expect((await collection.describe()).size).toBe(300);
    }
  });

  test("that is refused is BACKEND_UNAVAILABLE, and found again once it is taken", async () => {
    const backend = elasticsearchBackend({
      hosts: `http://127.0.0.1:${proxy.port}`,
      patience: { read: 200 },
    });
    const asked = await backend.open(collection.name);
    await proxy.refuse();
    proxy.cut();
    await expectCode(() => asked.search(QUERY, { k: 5 }), "BACKEND_UNAVAILABLE");
    await proxy.accept();
    expect(at(await asked.search(QUERY, { k: 5 }), 0).ids).toHaveLength(5);
    await backend.close();
  });
});

describe("a server that crashes", () => {
  let server: Awaited<ReturnType<typeof ownServer<"elasticsearch">>>;
  beforeAll(async () => {
    server = await ownServer("elasticsearch", { settings: { "http.max_content_length": "256kb" } });
  });

  test("takes bodies as long as it allows", async () => {
    const backend = elasticsearchBackend(server.address);
    const collection = await backend.create({ name: newName(), dimension: 256, metric: "cosine" });
    const written = entries(2000, "cosine", 4, "e", 256);
    expect(await collection.upsert(stream(written))).toEqual({ written: 2000, failed: [] });
    expect((await collection.describe()).size).toBe(2000);
    await backend.close();
  });

  test("and comes back in the middle of a build loses nothing that was written", async () => {
    // A busy machine takes minutes to start it.
    const backend = elasticsearchBackend({ ...server.address, patience: { read: 600_000, write: 600_000 } });
    const { name } = await backend.create({ name: newName(), dimension: DIMENSION, metric: "cosine" });
    const collection = await backend.open(name);
    const parts = Array.from({ length: 6 }, (_, i) => entries(200, "cosine", i, `p${i}-`, DIMENSION));
    let restart = Promise.resolve();
    async function* source() {
      for (const [i, part] of parts.entries()) {
        if (i === 3) {
          await server.kill();
          restart = server.start();
        }
        yield part;
      }
    }
    const report = await collection.upsert(source());
    await restart;
    expect(report).toEqual({ written: 1200, failed: [] });
    expect((await collection.describe()).size).toBe(1200);
    expect((await fetched(collection.fetch())).size).toBe(1200);
    expect(at(await collection.search(QUERY, { k: 1200 }), 0).ids).toHaveLength(1200);
    await backend.close();
  }, 900_000);

  test("during a query is BACKEND_UNAVAILABLE to the impatient, and answers the others", async () => {
    const [patient, impatient] = [
      elasticsearchBackend({ ...server.address, patience: { read: 600_000 } }),
      elasticsearchBackend({ ...server.address, patience: { read: 300 } }),
    ];
    const collection = await patient.create({ name: newName(), dimension: DIMENSION, metric: "cosine" });
    await collection.upsert(stream(entries(20, "cosine", 1, "e", DIMENSION)));
    const asked = await impatient.open(collection.name);
    const expected = await collection.search(QUERY, { k: null });
    expect(at(expected, 0).ids).toHaveLength(20);
    await server.kill();
    const start = async () => {
      await expectCode(() => asked.search(QUERY, { k: 5 }), "BACKEND_UNAVAILABLE");
      await server.start();
    };
    const [found] = await Promise.all([collection.search(QUERY, { k: null }), start()]);
    expect(found).toEqual(expected);
    await Promise.all([patient.close(), impatient.close()]);
  }, 900_000);
});

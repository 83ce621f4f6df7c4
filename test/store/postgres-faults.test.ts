/** What the store makes of a PostgreSQL that is away, refuses, is slow or breaks off: an error, and nothing by halves. */

import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NearsightError } from "../../core/errors.ts";
import { newId } from "../../core/ids.ts";
import { openPostgresStore } from "../../core/store/postgres-store.ts";
import type { MetadataStore } from "../../core/store/store.ts";
import { askPostgres, connectTo } from "../support/postgres.ts";
import { type OwnServer, ownServer, startServer } from "../support/servers.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { inSchema, postgresAddress, schemaOf } from "../support/temporary-store.ts";
import { EVERYTHING, newSample } from "./helpers.ts";

const address = postgresAddress() ?? "";
const opened: MetadataStore[] = [];

afterAll(async () => {
  for (const store of opened) await store.close();
});

async function openIn(url: string): Promise<MetadataStore> {
  const store = await openPostgresStore({ url });
  opened.push(store);
  return store;
}

/** The address with parts changed, in a schema of its own. */
function changed(change: (url: URL) => void): string {
  const url = new URL(schemaOf(address, newId()));
  change(url);
  return url.href;
}

async function refusal(url: string): Promise<NearsightError> {
  const error: unknown = await openPostgresStore({ url }).catch((reason: unknown) => reason);
  if (error instanceof NearsightError) return error;
  throw new Error(`Expected an error but found ${String(error)}`);
}

describe("an address", () => {
  test.each([
    "mysql://user:s3cret@host/database",
    "s3cret",
    "postgres://user:s3cret@host:port/database",
    "postgres://user:s3cret@host/database?schema=Upper",
    "postgres://user:s3cret@host/database?pool_size=0",
    "postgres://user:s3cret@host/database?statement_timeout=1s",
  ])("that means nothing is refused without being shown: %s", async (url) => {
    const error = await refusal(url);
    expect(error).toMatchObject({ code: "CONFIG_INVALID" });
    expect(inspect(error)).not.toContain("s3cret");
  });

  test("without a server says where none is", async () => {
    const error = await refusal("postgres://user:s3cret@127.0.0.1:1/database");
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    expect(error.message).toContain("127.0.0.1:1/database");
    expect(inspect(error)).not.toContain("s3cret");
  });

  test("with a wrong password says so, and shows none", async () => {
    const error = await refusal(
      changed((url) => {
        url.password = "s3cret";
      }),
    );
    expect(error).toMatchObject({ code: "AUTHENTICATION_FAILED" });
    expect(inspect(error)).not.toContain("s3cret");
    expect(JSON.stringify(error)).not.toContain("s3cret");
  });

  test("of a database that is not there says how to make it", async () => {
    const error = await refusal(
      changed((url) => {
        url.pathname = "/nowhere";
      }),
    );
    expect(error).toMatchObject({ code: "STORE_UNUSABLE" });
    expect(error.hint).toContain("createdb");
  });
});

describe("rights", () => {
  const role = `reader_${newId()}`;
  const asRole = (url: string) => {
    const own = new URL(url);
    own.username = role;
    own.password = "reader";
    return own.href;
  };

  beforeAll(() => askPostgres(address, `create role ${role} login password 'reader'`));
  afterAll(async () => {
    await askPostgres(address, `drop owned by ${role}`);
    await askPostgres(address, `drop role ${role}`);
  });

  test("to make the schema are asked for where there is none", async () => {
    expect(await refusal(asRole(schemaOf(address, newId())))).toMatchObject({ code: "PERMISSION_DENIED" });
  });

  test("to use a schema that is up to date are enough", async () => {
    const url = schemaOf(address, newId());
    const store = await openIn(url);
    const schema = new URL(url).searchParams.get("schema");
    await askPostgres(address, `grant usage on schema ${schema} to ${role}`);
    await askPostgres(
      address,
      `grant select, insert, update, delete on all tables in schema ${schema} to ${role}`,
    );
    const theirs = await openIn(asRole(url));
    await theirs.datasets.create("theirs");
    expect((await store.datasets.list()).map(({ name }) => name)).toEqual(["theirs"]);
  });
});

test("a schema of a newer nearsight is left alone", async () => {
  const url = schemaOf(address, newId());
  await (await openIn(url)).close();
  await askPostgres(url, "update schema_version set version = 999");
  expect(await refusal(url)).toMatchObject({ code: "STORE_TOO_NEW", details: { found: 999 } });
});

test("a statement that takes too long is given up", async () => {
  const url = schemaOf(address, newId());
  await (await openIn(url)).close();
  const limited = new URL(url);
  limited.searchParams.set("statement_timeout", "1000");
  const store = await openIn(limited.href);
  await using holder = await connectTo(url);
  await holder.query("begin; lock table datasets");
  await expect(store.datasets.list()).rejects.toMatchObject({
    code: "STORE_BUSY",
    hint: expect.stringContaining("statement_timeout"),
  });
  await holder.query("rollback");
  expect(await store.datasets.list()).toEqual([]);
});

test("texts that PostgreSQL cannot keep are refused, and what came with them", async () => {
  const store = await openIn(schemaOf(address, newId()));
  const { id } = await store.datasets.create("texts");
  const refused = { code: "INVALID_ARGUMENT" };
  for (const text of ["a\0b", "\ud800"]) {
    const samples = [newSample(), newSample({ fields: { text } })];
    await expect(store.samples.add(id, samples)).rejects.toMatchObject(refused);
  }
  await expect(store.datasets.create("a\0b")).rejects.toMatchObject(refused);
  expect(await store.samples.count(id, [])).toBe(0);
});

test("a closed store says so", async () => {
  const store = await openPostgresStore({ url: schemaOf(address, newId()) });
  await store.close();
  await store.close();
  await expect(store.datasets.list()).rejects.toMatchObject({ code: "CLOSED" });
});

describe("a connection", () => {
  let proxy: TcpProxy;
  let store: MetadataStore;
  let datasetId: string;

  beforeAll(async () => {
    proxy = await startTcpProxy(Number(new URL(address).port));
    const url = changed((own) => {
      own.port = String(proxy.port);
      own.searchParams.set("connect_timeout", "5");
    });
    store = await openIn(url);
    datasetId = (await store.datasets.create("cut")).id;
  });
  afterAll(() => proxy.close());

  test("that breaks while nobody uses it is replaced", async () => {
    await store.datasets.list();
    proxy.cut();
    expect(await store.datasets.list()).toHaveLength(1);
    proxy.cut();
    await store.datasets.create("after a cut");
  });

  test("that breaks within a write leaves all of it or nothing", async () => {
    const outcomes = new Set<string>();
    for (let bytes = 200; bytes < 14_000; bytes += 600) {
      const samples = Array.from({ length: 10 }, () => newSample({ tags: ["a"], fields: { bytes } }));
      const before = await store.samples.count(datasetId, []);
      proxy.cutAfter(bytes);
      const outcome = await store.samples.add(datasetId, samples).then(
        () => "kept",
        (error: NearsightError) => error.code,
      );
      proxy.restore();
      outcomes.add(outcome);
      const added = (await store.samples.count(datasetId, [])) - before;
      expect([0, 10]).toContain(added);
      if (outcome === "kept") expect(added).toBe(10);
    }
    expect([...outcomes].every((outcome) => outcome === "kept" || outcome === "STORE_UNAVAILABLE")).toBe(
      true,
    );
    expect(outcomes).toContain("kept");
  });

  test("to a server that never answers is given up", async () => {
    proxy.cut();
    proxy.halfOpen();
    const url = changed((own) => {
      own.port = String(proxy.port);
      own.searchParams.set("connect_timeout", "1");
    });
    const error = await refusal(url);
    proxy.restore();
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });
});

describe("a server", () => {
  let server: OwnServer<"postgres">;
  let tls: string;

  beforeAll(async () => {
    server = await ownServer("postgres");
    tls = (await startServer("postgres", "tls")).url;
  });

  test("that is killed and started again has what was acknowledged", async () => {
    const store = await openIn(inSchema(server.address.url, "kept"));
    const { id } = await store.datasets.create("kept");
    const samples = Array.from({ length: 50 }, () => newSample());
    await store.samples.add(id, samples);
    await server.kill();
    await expect(store.datasets.list()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await server.start();
    const ids = (await store.samples.ids(id, [], EVERYTHING)).map((row) => row.id);
    expect(ids).toEqual(samples.map((sample) => sample.id));
  });

  test("is reached by TLS where its certificate is known, and not otherwise", async () => {
    const url = inSchema(tls, "encrypted");
    const store = await openIn(url);
    const [row] = await askPostgres(url, "select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    expect(row).toEqual({ ssl: true });
    expect(await store.datasets.list()).toEqual([]);
    const unknown = new URL(url);
    unknown.searchParams.delete("sslrootcert");
    expect(await refusal(unknown.href)).toMatchObject({
      code: "STORE_UNAVAILABLE",
      hint: expect.stringContaining("sslrootcert"),
    });
  });
});

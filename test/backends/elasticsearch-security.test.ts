/**
 * Who may come in to Elasticsearch and by which way: users, tokens, keys, certificates, each right and wrong.
 *
 * | server | comes in | wrong secret | wrong authority | wrong role |
 * |---|---|---|---|---|
 * | users | user and password; bearer token | password, user, token, key, none | no TLS there: asked for it | a reader |
 * | TLS with users | the same, by authority, fingerprint or unchecked | password, token, none | another one, none, another fingerprint, no TLS | a reader |
 * | a recorder with TLS | `apiKey`, `bearerAuth`, user, `cloudId` are sent as they should | it refuses all | another one: nothing is sent | it has none |
 */

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import type { ElasticsearchOptions } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { elasticsearchBackend } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { NearsightError } from "../../core/errors.ts";
import { batch, floats, stream } from "../contract/context.ts";
import { startServer } from "../support/servers.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { startTlsRecorder, type TlsRecorder } from "../support/tls-recorder.ts";

const CANARY = "canary-9b42e7";

/** What `list()` gives, or the error's code; fails where the error tells a secret. */
async function outcome(options: ElasticsearchOptions): Promise<unknown> {
  const backend = elasticsearchBackend({ ...options, patience: { read: 0 } });
  try {
    return await backend.list("no-such-prefix");
  } catch (error) {
    return codeOf(error);
  } finally {
    await backend.close();
  }
}

function codeOf(error: unknown): unknown {
  if (!(error instanceof NearsightError)) throw error;
  expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(CANARY);
  expect(JSON.stringify(error)).not.toContain(CANARY);
  expect(error.hint).not.toBe("");
  return error.code;
}

/** Fails unless a reader may read and nothing else, and is told which right is missing. */
async function expectReader(
  address: Awaited<ReturnType<typeof startServer<"elasticsearch">>>,
): Promise<void> {
  const { hosts, username, password, reader, caCerts } = address;
  const place = { hosts, ...(caCerts === undefined ? {} : { caCerts }) };
  const owner = elasticsearchBackend({ ...place, username, password });
  const guest = elasticsearchBackend({ ...place, ...reader });
  const name = `security-${process.pid}`;
  const spec = { name, dimension: 2, metric: "cosine" as const };
  const made = await owner.create(spec);
  await made.upsert(stream(batch(["a"], floats([1, 2]))));
  const seen = await guest.open(name);
  expect((await seen.describe()).size).toBe(1);
  expect((await seen.search(floats([1, 2]), { k: 1 }))[0]?.ids).toEqual(["a"]);
  const denied = [
    () => seen.upsert(stream(batch(["b"], floats([1, 2])))),
    () => seen.delete(stream(["a"])),
    () => seen.drop(),
    () => guest.create({ ...spec, name: `${name}-2` }),
  ];
  for (const work of denied) {
    await expect(work()).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      message: expect.stringContaining("unauthorized for user"),
    });
  }
  expect((await made.describe()).size).toBe(1);
  await made.drop();
  await Promise.all([owner.close(), guest.close()]);
}

describe("a server with users", () => {
  let users: Awaited<ReturnType<typeof startServer<"elasticsearch">>>;
  beforeAll(async () => {
    users = await startServer("elasticsearch", "users");
  });

  test("lets in user and password, and a bearer token", async () => {
    const { hosts, username, password, bearerAuth } = users;
    expect(await outcome({ hosts, username, password })).toEqual([]);
    expect(await outcome({ hosts, bearerAuth })).not.toBe("AUTHENTICATION_FAILED");
  });

  test.each<[string, (hosts: string[], username?: string) => ElasticsearchOptions]>([
    ["nobody", (hosts) => ({ hosts })],
    ["a wrong password", (hosts, username) => ({ hosts, username, password: CANARY })],
    ["an unknown user", (hosts) => ({ hosts, username: "nobody", password: CANARY })],
    ["a wrong token", (hosts) => ({ hosts, bearerAuth: CANARY })],
    ["a wrong key", (hosts) => ({ hosts, apiKey: Buffer.from(`id:${CANARY}`).toString("base64") })],
  ])("keeps out %s", async (_name, options) => {
    expect(await outcome(options(users.hosts, users.username))).toBe("AUTHENTICATION_FAILED");
  });

  test("asked for TLS is told that it may have none", async () => {
    const { username, password } = users;
    const hosts = users.hosts.map((host) => host.replace("http:", "https:"));
    expect(await outcome({ hosts, username, password })).toBe("AUTHENTICATION_FAILED");
  });

  test("lets a reader read and nothing else, and says which right is missing", () => expectReader(users));
});

describe("a server with TLS", () => {
  let tls: Awaited<ReturnType<typeof startServer<"elasticsearch">>>;
  let strange: TlsRecorder;
  beforeAll(async () => {
    tls = await startServer("elasticsearch", "tls");
    strange = await startTlsRecorder(join(temporaryFolder(), "strange"), {
      status: 200,
      headers: {},
      body: "",
    });
  });

  const options = () => {
    const { hosts, username, password, caCerts } = tls;
    return { hosts, username, password, caCerts };
  };

  test("is trusted by its authority, by no check, and by its fingerprint", async () => {
    expect(await outcome(options())).toEqual([]);
    const { caCerts: _authority, ...others } = options();
    expect(await outcome({ ...others, verifyCerts: false })).toEqual([]);
    const sslAssertFingerprint = await fingerprintOf(tls.hosts[0] ?? "");
    expect(await outcome({ ...others, sslAssertFingerprint })).toEqual([]);
    expect(
      await outcome({ ...others, sslAssertFingerprint: sslAssertFingerprint.replaceAll(":", "") }),
    ).toEqual([]);
  });

  test("is not trusted without, by another authority, or by another fingerprint", async () => {
    const { caCerts: _authority, ...others } = options();
    expect(await outcome(others)).toBe("AUTHENTICATION_FAILED");
    expect(await outcome({ ...others, caCerts: strange.certificates.authority })).toBe(
      "AUTHENTICATION_FAILED",
    );
    const { fingerprint256 } = new X509Certificate(readFileSync(strange.certificates.server));
    expect(await outcome({ ...others, sslAssertFingerprint: fingerprint256 })).toBe("AUTHENTICATION_FAILED");
  });

  test("keeps out a wrong password, a wrong token and nobody", async () => {
    const { hosts, caCerts, username } = options();
    const place = { hosts, ...(caCerts === undefined ? {} : { caCerts }) };
    for (const secret of [{ username, password: CANARY }, { bearerAuth: CANARY }, {}]) {
      expect(await outcome({ ...place, ...secret })).toBe("AUTHENTICATION_FAILED");
    }
  });

  test("lets a reader read and nothing else", () => expectReader(tls));

  test("asked without TLS is no server", async () => {
    const plain = tls.hosts.map((host) => host.replace("https:", "http:"));
    expect(await outcome({ ...options(), hosts: plain })).toBe("BACKEND_UNAVAILABLE");
  });
});

describe("a recorder in the place of a server", () => {
  let recorder: TlsRecorder;
  beforeAll(async () => {
    recorder = await startTlsRecorder(join(temporaryFolder(), "recorder"), {
      status: 401,
      headers: { "content-type": "application/json", "x-elastic-product": "Elasticsearch" },
      body: JSON.stringify({
        error: { type: "security_exception", reason: `no key ${CANARY}` },
        status: 401,
      }),
    });
  });

  async function authorization(options: ElasticsearchOptions): Promise<string | undefined> {
    recorder.requests.length = 0;
    const caCerts = recorder.certificates.authority;
    const hosts = `https://127.0.0.1:${recorder.port}`;
    const place = options.cloudId === undefined ? { hosts } : {};
    expect(await outcome({ ...place, caCerts, ...options })).toBe("AUTHENTICATION_FAILED");
    return recorder.requests[0]?.headers.authorization;
  }

  test("gets each credential as it should, and none comes back in an error", async () => {
    expect(await authorization({ apiKey: CANARY })).toBe(`ApiKey ${CANARY}`);
    expect(await authorization({ bearerAuth: CANARY })).toBe(`Bearer ${CANARY}`);
    const basic = Buffer.from(`me:${CANARY}`).toString("base64");
    expect(await authorization({ username: "me", password: CANARY })).toBe(`Basic ${basic}`);
    expect(await authorization({ hosts: `https://me:${CANARY}@127.0.0.1:${recorder.port}` })).toBe(
      `Basic ${basic}`,
    );
  });

  test("is found by a cloudId", async () => {
    // The address of a deployment is cluster.domain: here 127 and 0.0.1.
    const parts = Buffer.from(`0.0.1:${recorder.port}$127$kibana`).toString("base64");
    expect(await authorization({ cloudId: `deployment:${parts}`, apiKey: CANARY })).toBe(`ApiKey ${CANARY}`);
  });

  test("gets nothing at all from who trusts another authority", async () => {
    const { certificates } = await startTlsRecorder(join(temporaryFolder(), "other"), {
      status: 200,
      headers: {},
      body: "",
    });
    expect(await authorization({ apiKey: CANARY, caCerts: certificates.authority })).toBeUndefined();
    expect(recorder.requests).toEqual([]);
  });

  test("is asked in plain JSON, which every version takes", async () => {
    await authorization({ apiKey: CANARY });
    expect(recorder.requests[0]?.headers.accept).toBe("application/json, text/plain");
  });
});

/** Read from the server itself, as `openssl s_client` would show it. */
async function fingerprintOf(host: string): Promise<string> {
  const { connect } = await import("node:tls");
  const { hostname, port } = new URL(host);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.end();
    });
    socket.on("error", reject);
  });
}

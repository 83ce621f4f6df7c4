/**
 * Milvus: who may come in and how, with right and with wrong secrets; no secret in what is said.
 *
 * | server | comes in | wrong secret | wrong authority | wrong role |
 * |---|---|---|---|---|
 * | users | user and password; token | password, user, two tokens, none | no TLS there: asked for it | a user without any |
 * | TLS with users | the same | password, none | another one, none, another name, no TLS | a user without any |
 * | mutual TLS | own certificate | none, one of another authority, one with another's key | another one, none, no TLS | it has no users |
 * | second database | the same | password | that of its server | a user without any; no such database |
 */

import { join } from "node:path";
import { inspect } from "node:util";
import type { RbacObjects } from "@zilliz/milvus2-sdk-node";
import { beforeAll, describe, expect, test } from "vitest";
import { type MilvusOptions, milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { type ErrorCode, isNearsightError } from "../../core/errors.ts";
import { type Certificates, certificatesIn } from "../../tools/servers/certificates.ts";
import { batch, expectCode, fetched, floats, padded, stream } from "../contract/context.ts";
import { type MilvusAddress, startServer } from "../support/servers.ts";
import { temporaryFolder } from "../support/temporary.ts";

const CANARY = "canary-7f3a91";
/** Where nobody answers, that is found out soon. */
const IMPATIENT = { connect: 3000, call: 3000, attempt: 10_000 };

/** Fails unless the work ends with this code, and with no secret anywhere in the error. */
async function expectRefusal(options: MilvusOptions, code: ErrorCode, hint: RegExp): Promise<void> {
  const backend = milvusBackend(options, code === "BACKEND_UNAVAILABLE" ? IMPATIENT : {});
  const error: unknown = await backend.list().then(
    () => "no error",
    (reason: unknown) => reason,
  );
  await backend.close();
  if (!isNearsightError(error)) throw new Error(`Expected ${code} but found ${String(error)}`);
  expect(error.code, error.message).toBe(code);
  expect(error.hint).toMatch(hint);
  const said = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) + error.stack;
  expect(said).not.toContain(CANARY);
  expect(said).not.toContain(Buffer.from(CANARY).toString("base64").slice(0, 12));
}

/** Fails unless this server lets its users in. */
async function expectEntrance(options: MilvusOptions): Promise<void> {
  const backend = milvusBackend(options);
  expect(await backend.list("absent")).toEqual([]);
  await backend.close();
}

const STRANGER = { user: "stranger", password: "Stranger-123" };

/** Fails unless a user without a role may come in and do nothing. */
async function expectNoRight(address: MilvusAddress & { readonly dbName?: string }): Promise<void> {
  const root = milvusBackend(address);
  const client = await root.client();
  await client.deleteUser({ username: STRANGER.user });
  await client.createUser({ username: STRANGER.user, password: STRANGER.password });
  const stranger = milvusBackend({ ...address, ...STRANGER });
  await expect(stranger.create({ name: "forbidden", dimension: 8, metric: "cosine" })).rejects.toMatchObject({
    code: "PERMISSION_DENIED",
    hint: expect.stringContaining("role"),
  });
  await client.deleteUser({ username: STRANGER.user });
  await Promise.all([stranger.close(), root.close()]);
}

describe("users and roles", () => {
  let address: MilvusAddress;
  beforeAll(async () => {
    address = await startServer("milvus", "users");
  });

  test("user and password, or both as a token, come in", async () => {
    const { user, password, uri } = address;
    await expectEntrance(address);
    await expectEntrance({ uri, token: `${user}:${password}` });
  });

  test("a wrong password, an unknown user, a wrong token and none at all are AUTHENTICATION_FAILED", async () => {
    const { uri, user = "root" } = address;
    await expectRefusal({ uri, user, password: CANARY }, "AUTHENTICATION_FAILED", /password/);
    await expectRefusal({ uri, user: "nobody", password: CANARY }, "AUTHENTICATION_FAILED", /password/);
    await expectRefusal({ uri, token: `root:${CANARY}` }, "AUTHENTICATION_FAILED", /token/);
    await expectRefusal({ uri, token: CANARY }, "AUTHENTICATION_FAILED", /token/);
    await expectRefusal({ uri }, "AUTHENTICATION_FAILED", /user/);
  });

  test("asked for TLS, it is told that the server may have none", () =>
    expectRefusal({ ...address, secure: true }, "AUTHENTICATION_FAILED", /secure/));

  test("a user without a role is PERMISSION_DENIED", () => expectNoRight(address));

  test("a role lets its users do what it says and nothing else", async () => {
    const root = milvusBackend(address);
    const client = await root.client();
    const name = "secured";
    await (await root.open(name).catch(() => undefined))?.drop();
    await client.dropRole({ roleName: "reader", force_drop: true } as never).catch(() => undefined);
    await client.deleteUser({ username: "guest" });
    const collection = await root.create({ name, dimension: 8, metric: "cosine" });
    await collection.upsert(stream(batch(["a"], floats(padded(1)))));
    await client.createUser({ username: "guest", password: "Guest-123" });
    const guest = milvusBackend({ uri: address.uri, user: "guest", password: "Guest-123" });
    await client.createRole({ roleName: "reader" });
    await client.addUserToRole({ username: "guest", roleName: "reader" });
    for (const privilegeName of ["Search", "Query", "IndexDetail"]) {
      const privilege = { object: "Collection" as RbacObjects, objectName: name, privilegeName };
      await client.grantRolePrivilege({ roleName: "reader", ...privilege });
    }
    const global = { object: "Global" as RbacObjects, objectName: "*", privilegeName: "DescribeCollection" };
    await client.grantRolePrivilege({ roleName: "reader", ...global });
    const seen = await guest.open(name);
    expect((await seen.search(floats(padded(1)), { k: 1 }))[0]?.ids).toEqual(["a"]);
    await expectCode(() => seen.upsert(stream(batch(["b"], floats(padded(1))))), "PERMISSION_DENIED");
    await expectCode(
      () => guest.create({ name: "other", dimension: 8, metric: "cosine" }),
      "PERMISSION_DENIED",
    );
    await guest.close();
    await collection.drop();
    await root.close();
  });

  test("a second database keeps collections apart, and an unknown one is named", async () => {
    const root = milvusBackend(address);
    const client = await root.client();
    await client.createDatabase({ db_name: "second" });
    const second = milvusBackend({ ...address, dbName: "second" });
    const collection = await second.create({ name: "apart", dimension: 8, metric: "cosine" });
    await collection.upsert(stream(batch(["a"], floats(padded(1)))));
    expect([...(await fetched(collection.fetch())).keys()]).toEqual(["a"]);
    expect(await second.list("apart")).toEqual(["apart"]);
    expect(await root.list("apart")).toEqual([]);
    await collection.drop();
    await expectRefusal(
      { ...address, dbName: "second", password: CANARY },
      "AUTHENTICATION_FAILED",
      /password/,
    );
    await expectNoRight({ ...address, dbName: "second" });
    await second.close();
    await client.dropDatabase({ db_name: "second" });
    await root.close();
    await expectRefusal({ ...address, dbName: "nowhere" }, "CONFIG_INVALID", /dbName/);
  });
});

describe.each(["tls", "mutual-tls"] as const)("%s", (variant) => {
  let address: MilvusAddress;
  let strange: Certificates;
  beforeAll(async () => {
    address = await startServer("milvus", variant);
    strange = await certificatesIn(join(temporaryFolder(), "strange"));
  });

  test("the right authority and the own certificate or password come in", () => expectEntrance(address));

  test("another authority, none, and another name are AUTHENTICATION_FAILED", async () => {
    const { caPemPath: _, ...without } = address;
    await expectRefusal({ ...address, caPemPath: strange.authority }, "AUTHENTICATION_FAILED", /caPemPath/);
    await expectRefusal({ ...without, secure: true }, "AUTHENTICATION_FAILED", /caPemPath/);
    await expectRefusal({ ...address, serverName: "elsewhere" }, "AUTHENTICATION_FAILED", /serverName/);
  });

  test("asked without TLS is no server", () =>
    expectRefusal({ uri: address.uri.replace("https:", "http:") }, "BACKEND_UNAVAILABLE", /uri/));
});

describe("secrets over TLS", () => {
  test("a wrong password, none, and a user without a role are refused", async () => {
    const address = await startServer("milvus", "tls");
    const { user: _user, password: _password, ...nobody } = address;
    await expectRefusal({ ...address, password: CANARY }, "AUTHENTICATION_FAILED", /password/);
    await expectRefusal(nobody, "AUTHENTICATION_FAILED", /user/);
    await expectNoRight(address);
  });

  test("no own certificate, or one of another authority, is AUTHENTICATION_FAILED", async () => {
    const address = await startServer("milvus", "mutual-tls");
    const strange = await certificatesIn(join(temporaryFolder(), "strange"));
    const { clientKeyPath: _key, clientPemPath: _pem, ...without } = address;
    const other = { clientKeyPath: strange.clientKey, clientPemPath: strange.client };
    await expectRefusal(without, "AUTHENTICATION_FAILED", /clientPemPath with clientKeyPath/);
    await expectRefusal(
      { ...address, ...other },
      "AUTHENTICATION_FAILED",
      /clientPemPath with clientKeyPath/,
    );
    await expectRefusal({ ...address, clientKeyPath: strange.clientKey }, "CONFIG_INVALID", /clientKeyPath/);
  });
});

test("errors of a server that is not there name the address's option and no secret", () =>
  expectRefusal({ uri: "http://127.0.0.1:1", user: "root", password: CANARY }, "BACKEND_UNAVAILABLE", /uri/));

/** Milvus: who may come in and how, with right and with wrong secrets; no secret in what is said. */

import { inspect } from "node:util";
import type { RbacObjects } from "@zilliz/milvus2-sdk-node";
import { beforeAll, describe, expect, test } from "vitest";
import { type MilvusOptions, milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { type ErrorCode, isNearsightError } from "../../core/errors.ts";
import { batch, fetched, floats, padded, stream } from "../contract/context.ts";
import { type MilvusAddress, startServer } from "../support/servers.ts";

const CANARY = "canary-7f3a91";
const IMPATIENT = { connect: 3000, call: 3000, attempt: 10_000 };

/** Fails unless the work ends with this code, and with no secret anywhere in the error. */
async function expectRefusal(options: MilvusOptions, code: ErrorCode, hint: RegExp): Promise<void> {
  const backend = milvusBackend(options, IMPATIENT);
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

describe("users and roles", () => {
  let address: MilvusAddress;
  beforeAll(async () => {
    address = await startServer("milvus", "users");
  });

  test("user and password, or both as a token, come in", async () => {
    const { user, password, uri } = address;
    for (const options of [address, { uri, token: `${user}:${password}` }]) {
      const backend = milvusBackend(options);
      expect(await backend.list("absent")).toEqual([]);
      await backend.close();
    }
  });

  test("a wrong password, a wrong token and none at all are AUTHENTICATION_FAILED", async () => {
    const { uri, user = "root" } = address;
    await expectRefusal({ uri, user, password: CANARY }, "AUTHENTICATION_FAILED", /password/);
    await expectRefusal({ uri, token: `root:${CANARY}` }, "AUTHENTICATION_FAILED", /token/);
    await expectRefusal({ uri, token: CANARY }, "AUTHENTICATION_FAILED", /token/);
    await expectRefusal({ uri }, "AUTHENTICATION_FAILED", /user/);
  });

  test("a user without the right is PERMISSION_DENIED, and with it may search and not write", async () => {
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
    const refused = await guest
      .create({ name: "other", dimension: 8, metric: "cosine" })
      .catch((error: unknown) => error);
    expect(isNearsightError(refused, "PERMISSION_DENIED")).toBe(true);
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
    const written = await seen
      .upsert(stream(batch(["b"], floats(padded(1)))))
      .catch((error: unknown) => error);
    expect(isNearsightError(written, "PERMISSION_DENIED")).toBe(true);
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
    await second.close();
    await client.dropDatabase({ db_name: "second" });
    await root.close();
    await expectRefusal({ ...address, dbName: "nowhere" }, "CONFIG_INVALID", /dbName/);
  });
});

describe("TLS", () => {
  let oneWay: MilvusAddress;
  beforeAll(async () => {
    oneWay = await startServer("milvus", "tls");
  });

  test("the right authority comes in", async () => {
    const backend = milvusBackend(oneWay);
    expect(await backend.list("absent")).toEqual([]);
    await backend.close();
  });

  test("no authority, and no TLS at all, are refused", async () => {
    const { caPemPath: _, ...without } = oneWay;
    await expectRefusal({ ...without, secure: true }, "AUTHENTICATION_FAILED", /caPemPath/);
    await expectRefusal({ uri: oneWay.uri.replace("https:", "http:") }, "BACKEND_UNAVAILABLE", /uri/);
  });
});

describe("mutual TLS", () => {
  let mutual: MilvusAddress;
  beforeAll(async () => {
    mutual = await startServer("milvus", "mutual-tls");
  });

  test("the own certificate comes in", async () => {
    const backend = milvusBackend(mutual);
    expect(await backend.list("absent")).toEqual([]);
    await backend.close();
  });

  test("without it the server ends the connection", async () => {
    const { clientKeyPath: _key, clientPemPath: _pem, ...without } = mutual;
    const backend = milvusBackend(without, IMPATIENT);
    const error: unknown = await backend.list().catch((reason: unknown) => reason);
    await backend.close();
    expect(isNearsightError(error)).toBe(true);
  });
});

test("errors of a server that is not there name the address's option and no secret", () =>
  expectRefusal({ uri: "http://127.0.0.1:1", user: "root", password: CANARY }, "BACKEND_UNAVAILABLE", /uri/));

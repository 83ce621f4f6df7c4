/** Keys that rotate, end and are revoked, AWS's own callers, and services that are public because they say so. */

import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { byApiKey, createApiKey } from "../../functions/auth/api-keys.ts";
import { authentication } from "../../functions/auth/authentication.ts";
import { type Authenticate, anyOf } from "../../functions/auth/caller.ts";
import { everyone } from "../../functions/auth/everyone.ts";
import { byIam } from "../../functions/auth/iam.ts";
import { settings } from "../../functions/settings.ts";
import { temporaryApi } from "./helpers.ts";

const END = "2030-01-01T00:00:00Z";

const asked = (headers: Record<string, string> = {}) => new Request("http://api/datasets", { headers });

describe("an API key", () => {
  const [old, next] = [createApiKey("app", "read"), createApiKey("app", "read")];

  test("and the next one are valid together, until the old one ends", async () => {
    const records = [{ ...old.record, notAfter: END }, next.record];
    const atEnd = byApiKey(records, () => Date.parse(END));
    const pastEnd = byApiKey(records, () => Date.parse(END) + 1);
    for (const { key } of [old, next]) {
      expect(await atEnd(asked({ authorization: `Bearer ${key}` }), {})).toEqual({
        id: "app",
        scope: "read",
      });
    }
    expect(await pastEnd(asked({ "x-api-key": old.key }), {})).toBeNull();
    expect(await pastEnd(asked({ "x-api-key": next.key }), {})).toEqual({ id: "app", scope: "read" });
  });

  test("that is revoked is none", async () => {
    const authenticate = byApiKey([{ ...old.record, revoked: true }, next.record]);
    expect(await authenticate(asked({ "x-api-key": old.key }), {})).toBeNull();
  });

  test.each([
    ...["", "ns_", next.key.slice(0, -1), `${next.key}x`, next.key.toUpperCase(), next.record.sha256],
  ])("%j is none", async (key) => {
    expect(await byApiKey([next.record])(asked({ "x-api-key": key }), {})).toBeNull();
  });

  test.each(["Basic", "Digest", ""])("is not read after '%s'", async (scheme) => {
    const headers = { authorization: `${scheme} ${next.key}` };
    expect(await byApiKey([next.record])(asked(headers), {})).toBeNull();
  });
});

describe("a caller that AWS has checked", () => {
  const ROLE = "arn:aws:sts::123456789012:assumed-role/reader";
  const authenticate = byIam([{ arn: ROLE, scope: "read" }]);
  const platform = (userArn: unknown) => ({ requestContext: { authorizer: { iam: { userArn } } } });

  test("is known by its role, in every session", async () => {
    expect(await authenticate(asked(), platform(`${ROLE}/one`))).toEqual({ id: ROLE, scope: "read" });
    expect(await authenticate(asked(), platform(ROLE))).toEqual({ id: ROLE, scope: "read" });
  });

  test("may do nothing where nobody has listed it", async () => {
    expect(await authenticate(asked(), platform(`${ROLE}-other/one`))).toMatchObject({ scope: null });
  });

  test.each([undefined, null, "", 7, {}])("is not one whose name is %j", async (userArn) => {
    expect(await authenticate(asked(), platform(userArn))).toBeNull();
  });

  test("is never taken from a header", async () => {
    const claimed = JSON.stringify(platform(ROLE));
    const headers = {
      requestContext: claimed,
      "x-amzn-request-context": claimed,
      authorization: `AWS4 ${ROLE}`,
    };
    expect(await authenticate(asked(headers), {})).toBeNull();
    const api = await temporaryApi({}, { authenticate });
    const response = await api.app.request("/datasets", { headers });
    expect(response.status).toBe(401);
    expect((await api.app.request("/datasets", {}, platform(ROLE))).status).toBe(200);
    expect((await api.app.request("/datasets", {}, platform("arn:aws:iam::1:user/x"))).status).toBe(403);
  });
});

describe("all ways together", () => {
  const { key, record } = createApiKey("app", "manage");
  const jwt = { issuer: "https://login.example.org", audience: "x", jwksUrl: "http://127.0.0.1:1/keys" };
  const authenticate = authentication(
    { apiKeys: [record], jwt, iam: [], publicScope: "read" },
    createApiKey("dev", "read").record,
  );

  test("keys are known while the issuer of tokens is out of reach, tokens are not, and others are the public", async () => {
    expect(await authenticate(asked({ "x-api-key": key }), {})).toEqual({ id: "app", scope: "manage" });
    expect(await authenticate(asked({ "x-api-key": "ns_wrong" }), {})).toBeNull();
    expect(await authenticate(asked(), {})).toEqual({ id: "public", scope: "read" });
    const token = `${Buffer.from('{"alg":"ES256","kid":"a"}').toString("base64url")}.e30.AAAA`;
    await expect(authenticate(asked({ authorization: `Bearer ${token}` }), {})).rejects.toMatchObject({
      code: "IDENTITY_UNAVAILABLE",
    });
  });
});

describe("npm run key", () => {
  const run = promisify(execFile);
  const script = resolve(import.meta.dirname, "../../functions/new-key.ts");

  test("tells a key once, and the record that settings take", async () => {
    const { stdout } = await run(process.execPath, [script, "app", "write", "2999-01-01T00:00:00Z"]);
    const key = /once: (\S+)/.exec(stdout)?.[1] ?? "";
    const { apiKeys } = settings({ NEARSIGHT_API_KEYS: `[${/\{.+\}/.exec(stdout)?.[0]}]` });
    expect(apiKeys).toMatchObject([{ id: "app", scope: "write", notAfter: "2999-01-01T00:00:00Z" }]);
    expect(await byApiKey(apiKeys)(asked({ "x-api-key": key }), {})).toEqual({ id: "app", scope: "write" });
  });

  test.each([[[]], [["app"]], [["app", "all"]], [["app", "read", "tomorrow"]]])(
    "refuses %j",
    async (words) => {
      await expect(run(process.execPath, [script, ...words])).rejects.toMatchObject({ code: 2, stdout: "" });
    },
  );
});

describe("a public service", () => {
  const { key, record } = createApiKey("app", "manage");
  const authenticate: Authenticate = anyOf(byApiKey([record]), everyone("read"));

  test("lets anyone do what it says, and keys what they may", async () => {
    expect(await authenticate(asked(), {})).toEqual({ id: "public", scope: "read" });
    expect(await authenticate(asked({ "x-api-key": key }), {})).toEqual({ id: "app", scope: "manage" });
  });

  test("does not take a wrong key for none", async () => {
    expect(await authenticate(asked({ "x-api-key": "ns_wrong" }), {})).toBeNull();
    expect(await authenticate(asked({ authorization: "Basic x" }), {})).toBeNull();
  });
});

test("who is not let in is told how to show who they are", async () => {
  const { headers } = await (await temporaryApi()).call("GET", "/datasets", { scope: null });
  expect(headers.get("www-authenticate")).toBe("Bearer");
});

/** Tokens of an issuer that publishes its keys on a real server: accepted, refused, rotated, out of reach. */

import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { byJwt, type JwtOptions } from "../../functions/auth/jwt.ts";
import { type LoopbackServer, serve } from "../support/loopback.ts";
import { temporaryApi } from "./helpers.ts";

const ISSUER = "https://login.example.org/";
const AUDIENCE = "nearsight";
const HOUR = 3_600;

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

let server: LoopbackServer;
let pairs: Record<"first" | "second" | "foreign", KeyPair>;
/** What the issuer answers. */
let published: { status: number; keys: (keyof typeof pairs)[] };
let looks: number;

beforeAll(async () => {
  const make = () => generateKeyPair("ES256", { extractable: true });
  pairs = { first: await make(), second: await make(), foreign: await make() };
  server = await serve(async (_, response) => {
    looks++;
    const keys = published.keys.map(async (kid) => ({
      ...(await exportJWK(pairs[kid].publicKey)),
      kid,
      alg: "ES256",
    }));
    response.writeHead(published.status).end(JSON.stringify({ keys: await Promise.all(keys) }));
  });
});
afterAll(() => server.close());
beforeEach(() => {
  published = { status: 200, keys: ["first"] };
  looks = 0;
});

const options = (more: Partial<JwtOptions> = {}): JwtOptions => ({
  ...{ issuer: ISSUER, audience: AUDIENCE, jwksUrl: `${server.endpoint}/keys`, cooldownMs: 0 },
  ...more,
});

const now = () => Math.floor(Date.now() / 1_000);

/** A good token, but for what is given. */
function token(claims: object = {}, kid: keyof typeof pairs = "first", signedBy = kid): Promise<string> {
  const usual = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "ada",
    exp: now() + HOUR,
    scope: "openid nearsight:write",
  };
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg: "ES256", kid })
    .sign(pairs[signedBy].privateKey);
}

const asked = (text: string) => new Request("http://api/", { headers: { authorization: `Bearer ${text}` } });

async function callerOf(text: string, more: Partial<JwtOptions> = {}) {
  return byJwt(options(more))(asked(text), {});
}

describe("a token", () => {
  test("says who calls and what they may do", async () => {
    expect(await callerOf(await token())).toEqual({ id: "jwt:ada", scope: "write" });
  });

  test.each([
    [{ scope: "nearsight:read nearsight:manage" }, {}, "manage"],
    [{ scope: "write nearsight:" }, {}, null],
    [{ scope: undefined }, {}, null],
    [{ scope: { "nearsight:manage": true } }, {}, null],
    [{ scp: ["read"] }, { scopeClaim: "scp", scopePrefix: "" }, "read"],
  ])("with %j under %j has the scope %s", async (claims, more, scope) => {
    expect((await callerOf(await token(claims), more))?.scope).toBe(scope);
  });

  test.each([
    { iss: "https://other.example.org/" },
    { aud: "another" },
    { sub: undefined },
    { exp: undefined },
    { exp: 1 },
    { nbf: now() + HOUR },
  ])("with %j is refused", async (claims) => {
    expect(await callerOf(await token(claims))).toBeNull();
  });

  test("that ended within the tolerance of clocks is accepted", async () => {
    const justEnded = await token({ exp: now() - 10 });
    expect(await callerOf(justEnded, { clockTolerance: 3_600 })).not.toBeNull();
    expect(await callerOf(justEnded, { clockTolerance: 0 })).toBeNull();
  });

  test("of another key, or signed in another way, is refused", async () => {
    const payload = (await token()).split(".")[1] ?? "";
    const header = (fields: object) => Buffer.from(JSON.stringify(fields)).toString("base64url");
    const secret = Buffer.from(JSON.stringify(await exportJWK(pairs.first.publicKey)));
    const forged = await new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: "eve", exp: now() + HOUR })
      .setProtectedHeader({ alg: "HS256", kid: "first" })
      .sign(secret);
    const tokens = [
      ...[await token({}, "first", "foreign"), await token({}, "foreign"), forged],
      ...[`${header({ alg: "none" })}.${payload}.x`, `${header({ alg: "none" })}.${payload}.`],
      ...[
        `${header({ alg: "ES256", kid: "first" })}.${payload}.AAAA`,
        "a.b.c",
        "ns_key",
        "..",
        `${await token()}x`,
      ],
    ];
    for (const text of tokens) expect({ text, caller: await callerOf(text) }).toEqual({ text, caller: null });
    expect(await callerOf(await token(), { algorithms: ["RS256"] })).toBeNull();
  });
});

describe("the issuer's keys", () => {
  test("are read once, and again for a key that is new", async () => {
    const authenticate = byJwt(options());
    for (let i = 0; i < 3; i++) expect(await authenticate(asked(await token()), {})).not.toBeNull();
    expect(looks).toBe(1);
    published.keys = ["second", "first"];
    expect(await authenticate(asked(await token({}, "second")), {})).not.toBeNull();
    expect(await authenticate(asked(await token()), {})).not.toBeNull();
    expect(looks).toBe(2);
  });

  test("are not asked for again and again by tokens that nobody has signed", async () => {
    const authenticate = byJwt(options({ cooldownMs: 60_000 }));
    for (let i = 0; i < 5; i++) expect(await authenticate(asked(await token({}, "foreign")), {})).toBeNull();
    expect(looks).toBe(1);
  });

  test("that cannot be had are no fault of the caller", async () => {
    const unavailable = expect.objectContaining({ code: "IDENTITY_UNAVAILABLE", retryable: true });
    published.status = 500;
    await expect(callerOf(await token())).rejects.toEqual(unavailable);
    const gone = await serve(() => undefined);
    await expect(callerOf(await token(), { jwksUrl: gone.endpoint, timeoutMs: 100 })).rejects.toEqual(
      unavailable,
    );
    await gone.close();
    await expect(callerOf(await token(), { jwksUrl: gone.endpoint })).rejects.toEqual(unavailable);
    const api = await temporaryApi({}, { authenticate: byJwt(options({ jwksUrl: gone.endpoint })) });
    const { status, body } = await api.call("GET", "/datasets", { key: await token() });
    expect({ status, code: body.code }).toEqual({ status: 503, code: "IDENTITY_UNAVAILABLE" });
    expect((await api.call("GET", "/datasets", { key: "ns_no_token" })).status).toBe(401);
  });

  test.each(["http://login.example.org/keys", "file:///keys", "keys"])("are not read from %s", (jwksUrl) => {
    expect(() => byJwt(options({ jwksUrl }))).toThrowError(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});

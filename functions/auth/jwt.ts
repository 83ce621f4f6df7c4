/** Callers by JSON Web Tokens, checked with the keys that their issuer publishes. */

import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { NearsightError } from "../../core/index.ts";
import { type Authenticate, widest } from "./caller.ts";
import { credentialOf } from "./credentials.ts";

export interface JwtOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Where the issuer publishes its keys: https, or http on this machine. */
  readonly jwksUrl: string;
  /** Claim with the scopes: text with spaces between them, or a list. Default `scope`. */
  readonly scopeClaim?: string;
  /** What stands before `read`, `write` and `manage` in it. Default `nearsight:`. */
  readonly scopePrefix?: string;
  /** Ways to sign that are accepted. Default: those of public keys that are in common use. */
  readonly algorithms?: readonly string[];
  /** Seconds that clocks may differ. Default 30. */
  readonly clockTolerance?: number;
  /** Milliseconds to wait for the issuer. Default 5,000. */
  readonly timeoutMs?: number;
  /** Milliseconds between two looks at the issuer's keys for one that is not among those known. Default 30,000. */
  readonly cooldownMs?: number;
}

/** None with a shared secret: a published key would be one. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** Header, payload, signature: nothing else is taken for a token. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** What says that the keys could not be had, and nothing of the token. */
const UNREACHABLE: readonly string[] = [
  errors.JOSEError.code,
  errors.JWKSTimeout.code,
  errors.JWKSInvalid.code,
];

/** Callers by the `Authorization: Bearer` header. CONFIG_INVALID; while it runs IDENTITY_UNAVAILABLE. */
export function byJwt(options: JwtOptions): Authenticate {
  const { issuer, audience, scopeClaim = "scope", scopePrefix = "nearsight:" } = options;
  const { algorithms = ALGORITHMS, clockTolerance = 30, timeoutMs = 5_000, cooldownMs = 30_000 } = options;
  const keys = createRemoteJWKSet(keyAddress(options.jwksUrl), {
    timeoutDuration: timeoutMs,
    cooldownDuration: cooldownMs,
  });
  const checks = {
    ...{ issuer, audience, clockTolerance, algorithms: [...algorithms] },
    requiredClaims: ["sub", "exp"],
  };
  return async (request) => {
    const token = credentialOf(request);
    if (token === undefined || !TOKEN.test(token)) return null;
    try {
      const { payload } = await jwtVerify(token, keys, checks);
      return { id: `jwt:${payload.sub}`, scope: widest(scopesOf(payload, scopeClaim, scopePrefix)) };
    } catch (error) {
      if (error instanceof errors.JOSEError && !UNREACHABLE.includes(error.code)) return null;
      throw unavailable(error);
    }
  };
}

function scopesOf(payload: JWTPayload, claim: string, prefix: string): string[] {
  const value = payload[claim];
  const names = typeof value === "string" ? value.split(" ") : Array.isArray(value) ? value.map(String) : [];
  return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}

function keyAddress(text: string): URL {
  const url = URL.parse(text);
  const safe = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.includes(url.hostname));
  if (url !== null && safe) return url;
  throw new NearsightError({
    code: "CONFIG_INVALID",
    message: "Expected an https address of the issuer's keys but found another",
    hint: "Give the jwks_uri of the issuer's /.well-known/openid-configuration",
  });
}

function unavailable(cause: unknown): NearsightError {
  return new NearsightError({
    code: "IDENTITY_UNAVAILABLE",
    message: "The issuer's keys could not be read, so that no token can be checked",
    hint: "Try again later",
    cause,
  });
}

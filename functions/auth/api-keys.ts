/** API keys: random texts of which only the SHA-256 is kept, so that a leaked list opens nothing. */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Authenticate, Scope } from "./caller.ts";

/** A key as it is kept. */
export interface ApiKeyRecord {
  readonly id: string;
  readonly scope: Scope;
  /** SHA-256 of the key, hexadecimal. A key has 256 random bits, so it needs no slow hash. */
  readonly sha256: string;
}

const HEADER = "x-api-key";
const BEARER = /^Bearer +(\S+) *$/i;

/** A new key, and its record; the key is told this once. */
export function createApiKey(id: string, scope: Scope): { key: string; record: ApiKeyRecord } {
  const key = `ns_${randomBytes(32).toString("base64url")}`;
  return { key, record: { id, scope, sha256: sha256(key).toString("hex") } };
}

/** Callers by the `Authorization: Bearer` or `x-api-key` header. */
export function byApiKey(records: readonly ApiKeyRecord[]): Authenticate {
  const known = records.map(({ id, scope, sha256: hash }) => ({
    caller: { id, scope },
    hash: Buffer.from(hash, "hex"),
  }));
  return async ({ headers }) => {
    const key = headers.get(HEADER) ?? BEARER.exec(headers.get("authorization") ?? "")?.[1];
    if (key === undefined) return null;
    const hash = sha256(key);
    // Every record is compared, so that the time tells nothing.
    return (
      known.reduce<(typeof known)[number] | null>(
        (found, record) => (timingSafeEqual(record.hash, hash) ? record : found),
        null,
      )?.caller ?? null
    );
  };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

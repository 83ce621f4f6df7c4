/** API keys: random texts of which only the SHA-256 is kept, so that a leaked list opens nothing. */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { type Authenticate, SCOPES, type Scope } from "./caller.ts";
import { credentialOf } from "./credentials.ts";

/** A key as it is kept. Several may have one id: the old key and the new one, while clients change over. */
export const apiKeyRecordSchema = z.strictObject({
  id: z.string().min(1).max(200),
  scope: z.enum(SCOPES),
  /** SHA-256 of the key, hexadecimal. A key has 256 random bits, so it needs no slow hash. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/i, "Expected 64 hexadecimal digits"),
  /** When it ends to be valid. Default: never. */
  notAfter: z.iso.datetime({ offset: true }).optional(),
  revoked: z.boolean().optional(),
});

export type ApiKeyRecord = z.infer<typeof apiKeyRecordSchema>;

/** A new key, and its record; the key is told this once. */
export function createApiKey(id: string, scope: Scope): { key: string; record: ApiKeyRecord } {
  const key = `ns_${randomBytes(32).toString("base64url")}`;
  return { key, record: { id, scope, sha256: sha256(key).toString("hex") } };
}

/** Callers by the `Authorization: Bearer` or `x-api-key` header. */
export function byApiKey(records: readonly ApiKeyRecord[], now: () => number = Date.now): Authenticate {
  const known = records.map((record) => ({ record, hash: Buffer.from(record.sha256, "hex") }));
  return async (request) => {
    const key = credentialOf(request);
    if (key === undefined) return null;
    const hash = sha256(key);
    // Every record is compared, so that the time tells nothing.
    const found = known.filter((one) => timingSafeEqual(one.hash, hash)).map(({ record }) => record);
    const valid = found.find((record) => isValid(record, now()));
    return valid === undefined ? null : { id: valid.id, scope: valid.scope };
  };
}

function isValid({ notAfter, revoked = false }: ApiKeyRecord, now: number): boolean {
  return !revoked && (notAfter === undefined || now <= Date.parse(notAfter));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

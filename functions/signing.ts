/** Texts that callers carry and cannot change: signed with HMAC-SHA256 by a key for each purpose. */

import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";

export interface Signer {
  /** 43 characters that go with the text. */
  sign(text: string): string;
  /** Compares in the same time whatever is wrong. */
  isSigned(text: string, signature: string): boolean;
}

const KEY_BYTES = 32;

/** Of one purpose: what is signed for one is worth nothing for another. */
export function signer(secret: string, purpose: string): Signer {
  const key = Buffer.from(hkdfSync("sha256", secret, "", `nearsight ${purpose}`, KEY_BYTES));
  const sign = (text: string) => createHmac("sha256", key).update(text).digest("base64url");
  return {
    sign,
    isSigned(text, signature) {
      const [expected, given] = [Buffer.from(sign(text)), Buffer.from(signature)];
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

/** A secret for this process alone: what it signs is worth nothing after it has ended, or beside it. */
export function newSecret(): string {
  return randomBytes(KEY_BYTES).toString("base64url");
}

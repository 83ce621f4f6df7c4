/** The proof that a request carries in its headers. */

const HEADER = "x-api-key";
const BEARER = /^Bearer +(\S+) *$/i;

/** The text of the `x-api-key` or `Authorization: Bearer` header; undefined where there is none. */
export function credentialOf({ headers }: Request): string | undefined {
  return headers.get(HEADER) ?? BEARER.exec(headers.get("authorization") ?? "")?.[1];
}

/** Whether the request tries to show who sent it, well or not. */
export function hasCredential({ headers }: Request): boolean {
  return headers.has(HEADER) || headers.has("authorization");
}

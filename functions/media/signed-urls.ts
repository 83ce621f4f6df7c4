/** Addresses that let their holder make one request for a while, without a key: for images of a page, and forms. */

import { NearsightError } from "../../core/index.ts";
import type { Authenticate, Scope } from "../auth/caller.ts";
import { signer } from "../signing.ts";

export interface SignedUrl {
  /** Path and query, below the address of the service. */
  readonly url: string;
  /** ISO 8601. */
  readonly expires: string;
}

export interface SignedUrls {
  /** `expiresIn` is in seconds. */
  sign(
    method: Method,
    path: string,
    parameters: Readonly<Record<string, string>>,
    expiresIn: number,
  ): SignedUrl;
  /** Callers who hold such an address: they may do what it says, whatever scope that needs. LINK_INVALID */
  readonly authenticate: Authenticate;
}

type Method = "GET" | "POST";

const SCOPE_OF: Readonly<Record<Method, Scope>> = { GET: "read", POST: "write" };

export function signedUrls(secret: string, now: () => number = Date.now): SignedUrls {
  const seal = signer(secret, "link");
  return {
    sign(method, path, parameters, expiresIn) {
      const expires = Math.floor(now() / 1_000) + expiresIn;
      const query = new URLSearchParams({ ...parameters, expires: String(expires) });
      query.set("signature", seal.sign(signedText(method, path, query)));
      return { url: `${path}?${query}`, expires: new Date(expires * 1_000).toISOString() };
    },
    async authenticate(request) {
      const { pathname, searchParams: query } = new URL(request.url);
      const signature = query.get("signature");
      if (signature === null) return null;
      query.delete("signature");
      const method = request.method === "HEAD" ? "GET" : request.method;
      if (!seal.isSigned(signedText(method, pathname, query), signature)) {
        throw invalid("was not made by this service for this request");
      }
      if (now() > Number(query.get("expires")) * 1_000) throw invalid("has expired");
      return { id: `link:${signature}`, scope: SCOPE_OF[method as Method] };
    },
  };
}

function signedText(method: string, path: string, query: URLSearchParams): string {
  const parameters = [...query].filter(([name]) => name !== "signature").sort();
  return JSON.stringify([method, path, parameters]);
}

function invalid(reason: string): NearsightError {
  return new NearsightError({
    code: "LINK_INVALID",
    message: `Expected a signed link that is valid but this one ${reason}`,
    hint: "Ask for a new link, and use it as it was given",
  });
}

/** Headers of every answer: which pages may read it, and what a browser may do with it. */

import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";

/** What a page of another origin may read beside the body. */
const EXPOSED = ["retry-after", "ratelimit", "ratelimit-policy", "x-request-id", "www-authenticate"];

const PREFLIGHT_SECONDS = 600;

/** Callers from pages of these origins, and of no other. Keys travel in headers: browsers add no credentials. */
export function allowOrigins(origins: readonly string[]) {
  return cors({
    origin: [...origins],
    allowHeaders: ["authorization", "content-type", "x-api-key", "x-request-id"],
    exposeHeaders: EXPOSED,
    maxAge: PREFLIGHT_SECONDS,
  });
}

/** Nothing is loaded, framed or guessed: the only page, `/docs`, has its style in itself. */
export function guardBrowsers() {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'unsafe-inline'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
    xFrameOptions: "DENY",
    // A route may say otherwise of its own answer.
    overwrite: false,
  });
}

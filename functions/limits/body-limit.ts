/** Refuses bodies that are too large: by their announced length before a byte is read, else at the first byte over. */

import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { NearsightError } from "../../core/index.ts";
import type { Limits } from "./limits.ts";

/** Where files are sent. */
const UPLOAD = /^\/datasets\/[^/]+\/uploads\/[^/]+$/;

/** What a form has beside its file. */
const FORM_BYTES = 10_000;

/** REQUEST_TOO_LARGE */
export function limitBody({ bodyBytes, uploadBytes }: Limits): MiddlewareHandler {
  const [usual, upload] = [limitTo(bodyBytes), limitTo(uploadBytes + FORM_BYTES)];
  return (context, next) => (UPLOAD.test(context.req.path) ? upload : usual)(context, next);
}

function limitTo(maxSize: number): MiddlewareHandler {
  return bodyLimit({
    maxSize,
    onError: () => {
      throw new NearsightError({
        code: "REQUEST_TOO_LARGE",
        message: `Expected a body of at most ${maxSize} bytes but found more`,
        hint: "Send less at once; upload files by POST /datasets/{dataset}/uploads",
        details: { limit: maxSize },
      });
    },
  });
}

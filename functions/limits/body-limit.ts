/** Refuses bodies that are too large: by their announced length before a byte is read, else at the first byte over. */

import { bodyLimit } from "hono/body-limit";
import { NearsightError } from "../../core/index.ts";

/** REQUEST_TOO_LARGE */
export function limitBody(maxSize: number) {
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

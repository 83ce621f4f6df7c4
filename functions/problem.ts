/** Turns whatever a route threw into a problem document. */

import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ERROR_CODES, isNearsightError, NearsightError } from "../core/index.ts";

/** The answer to an error. */
export function problem(context: Context, error: unknown): Response {
  const body = problemOf(error);
  return context.json(body, body.status as ContentfulStatusCode, {
    "content-type": "application/problem+json",
    ...(body.status === 401 ? { "www-authenticate": "Bearer" } : {}),
  });
}

/** An error as a document. What is not ours is INTERNAL and tells nothing of itself. */
export function problemOf(error: unknown) {
  const { code, message, hint, retryable, details } = asNearsightError(error);
  return {
    type: `urn:nearsight:error:${code}`,
    title: titleOf(code),
    status: ERROR_CODES[code].status,
    detail: message,
    code,
    ...(hint === undefined ? {} : { hint }),
    retryable,
    details,
  };
}

/** `DATASET_NOT_FOUND` as `Dataset not found`. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function asNearsightError(error: unknown): NearsightError {
  if (isNearsightError(error)) return error;
  // What hono itself refuses, such as a body that is no JSON.
  if (error instanceof HTTPException && error.status < 500) {
    return new NearsightError({
      code: "INVALID_ARGUMENT",
      message: error.message,
      hint: "See /openapi.json for what the route takes",
    });
  }
  return new NearsightError({
    code: "INTERNAL",
    message: "The service failed in a way it did not expect",
    hint: "Look at its log at this time",
    cause: error,
  });
}

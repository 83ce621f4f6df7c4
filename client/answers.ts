/** Turns what came instead of an answer into errors: problems as the server sent them, and failures on the way. */

import { isHTTPError, isNetworkError, isTimeoutError } from "ky";
import * as z from "zod";
import { ERROR_CODES, type ErrorCode, isNearsightError, NearsightError } from "../core/errors.ts";

/** What the API says of an error. */
const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  hint: z.string().optional(),
  retryable: z.boolean().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});

export type Problem = z.infer<typeof problemSchema>;

/** The error that a request ended with. Requests, which carry the key, are never part of it. */
export function toError(error: unknown, url: string): NearsightError {
  if (isNearsightError(error)) return error;
  if (isHTTPError(error)) return problemError(error.data, url, error.response.status);
  if (isTimeoutError(error)) return unreachable(url, "it did not answer in time");
  const cause = isNetworkError(error) ? error.cause : error;
  return unreachable(url, reasonOf(cause), cause);
}

/** The error that an answer's JSON tells of, or that its status means where that is no problem. */
export function problemError(json: unknown, url: string, status: number): NearsightError {
  const { data: problem } = problemSchema.safeParse(json);
  return problem === undefined ? refusedElsewhere(url, status) : ofProblem(problem);
}

/** The error of the library that a problem tells of; a code that this version does not know is named in `details`. */
export function ofProblem({ code, detail, hint, retryable, details = {} }: Problem): NearsightError {
  const known = code in ERROR_CODES;
  return new NearsightError({
    code: known ? (code as ErrorCode) : "SERVER_INVALID",
    message: detail,
    hint,
    details: known ? details : { ...details, code },
    retryable,
  });
}

/** An answer that no nearsight server gives. */
export function notOurs(url: string, status: number, found: string): NearsightError {
  return new NearsightError({
    code: "SERVER_INVALID",
    message: `Expected the HTTP API of nearsight at ${url} but found ${found}`,
    hint: "Check the address: it is the one that /health answers below",
    details: { url, status },
  });
}

/** A status without a problem: of a proxy or a gateway, or of another kind of server. */
function refusedElsewhere(url: string, status: number): NearsightError {
  if (status >= 500) return unreachable(url, `it answered ${status}`);
  return notOurs(url, status, `an answer ${status} without a problem document`);
}

function unreachable(url: string, reason: string, cause?: unknown): NearsightError {
  return new NearsightError({
    code: "SERVER_UNREACHABLE",
    message: `The nearsight server at ${url} cannot be reached: ${reason}`,
    hint: "Check the address, and that the server runs; then try again",
    details: { url },
    cause,
  });
}

/** Such as `connect ECONNREFUSED 127.0.0.1:8787`, which fetch keeps in the cause of its error. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: unknown; message?: unknown };
  if (cause instanceof Error && cause.message !== "") return cause.message;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return String(code ?? message ?? "no answer came");
}

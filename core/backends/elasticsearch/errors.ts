/** What an Elasticsearch server and its SDK say, as errors of nearsight; nothing of it that could hold a secret. */

import { type ErrorCode, type ErrorDetails, isNearsightError, NearsightError } from "../../errors.ts";
import { withoutSecrets } from "../remote/secrets.ts";

/** Of which call an error tells. */
export interface CallFacts {
  /** What is done, such as `search`. */
  readonly action: string;
  readonly index?: string | undefined;
  /** Where the nodes are. */
  readonly addresses: readonly string[];
  /** What must not be told: passwords, keys and tokens. */
  readonly secrets: readonly string[];
}

/** What the server says went wrong: of a whole answer, or of one item of a bulk. */
export interface ServerReason {
  readonly status: number;
  readonly type: string;
  readonly reason: string;
}

/** Statuses of a server, or of what stands before it, that is busy or away. */
const BUSY: readonly number[] = [429, 502, 503, 504];

/** What TLS says in Node and OpenSSL where certificates do not fit. */
const CERTIFICATE_WORDS =
  /certificate|self.signed|altname|unable to (?:verify|get)|fingerprint|SSL routines|PEM routines|wrong version number|EPROTO/i;

/** Names of the SDK's errors for a call without an answer (`@elastic/transport`, `errors.js`). */
const NO_ANSWER = ["ConnectionError", "TimeoutError", "NoLivingConnectionsError"];

/** True where the call may succeed when it is done again. */
export function isBusy(status: number): boolean {
  return BUSY.includes(status);
}

/** The error of a failed call of the SDK. The SDK's own error holds the request and is not passed on. */
export function callError(error: unknown, call: CallFacts): unknown {
  if (isNearsightError(error) || !(error instanceof Error)) return error;
  const reason = reasonOf(error);
  if (reason !== undefined) return reasonError(reason, call);
  if (NO_ANSWER.includes(error.name)) return noAnswer(withoutSecrets(error.message, call.secrets), call);
  if (error.name === "ProductNotSupportedError") {
    return facts("BACKEND_FAILED", `Expected Elasticsearch at ${placeOf(call)} but found another product`, {
      hint: "Set hosts to an Elasticsearch server",
      details: detailsOf(call),
    });
  }
  if (error.name === "RequestAbortedError") return noAnswer("the answer was cut off or too long", call);
  return failed(withoutSecrets(error.message, call.secrets), call, {});
}

/** The error of what the server says. */
export function reasonError({ status, type, reason }: ServerReason, call: CallFacts): NearsightError {
  const said = withoutSecrets(reason, call.secrets);
  if (status === 401) return authenticationFailed(said, call);
  if (status === 403 && type === "security_exception" && !/license/.test(reason))
    return permissionDenied(said, call);
  if (type === "index_not_found_exception" || (status === 404 && type === ""))
    return indexNotFound(call.index ?? "");
  if (type === "resource_already_exists_exception") return indexExists(call.index ?? "");
  if (type === "mapper_parsing_exception") return wrongMapping(said, call);
  if (isBusy(status)) return unavailable(`${status} ${said}`, call);
  if (status === 413) return tooLarge(call);
  if (/different number of dimensions/.test(reason)) return dimensionMismatch(said, call);
  return failed(said, call, { status, type });
}

/** The reason in the body of an answer; none where there was no answer. */
function reasonOf(error: Error): ServerReason | undefined {
  if (error.name !== "ResponseError") return undefined;
  const { statusCode = 0, body } = error as { statusCode?: number; body?: unknown };
  const said = (typeof body === "object" && body !== null && "error" in body ? body.error : body) as unknown;
  if (typeof said !== "object" || said === null) {
    return { status: statusCode, type: "", reason: typeof said === "string" ? said : "" };
  }
  return { status: statusCode, ...deepest(said as Cause) };
}

interface Cause {
  readonly type?: string;
  readonly reason?: string;
  readonly root_cause?: readonly Cause[];
}

/** "All shards failed" tells nothing; its root does. */
function deepest(cause: Cause): { type: string; reason: string } {
  const root = cause.root_cause?.[0];
  const { type = "", reason = "" } = root?.type === undefined ? cause : root;
  return { type, reason: reason === "" ? type : reason };
}

export function indexNotFound(name: string): NearsightError {
  return facts("INDEX_NOT_FOUND", `Expected an Elasticsearch index named '${name}' but found none`, {
    hint: "Choose one of those that list() gives, or build it again",
    details: { index: name },
  });
}

function indexExists(name: string): NearsightError {
  return facts("INDEX_EXISTS", `Expected no Elasticsearch index named '${name}' yet but found one`, {
    hint: "Choose another name, or open that index",
    details: { index: name },
  });
}

function authenticationFailed(said: string, call: CallFacts): NearsightError {
  return facts(
    "AUTHENTICATION_FAILED",
    `Expected credentials that Elasticsearch accepts but it says: ${said}`,
    {
      hint: "Give username and password, apiKey, or bearerAuth, of this cluster",
      details: detailsOf(call),
    },
  );
}

function permissionDenied(said: string, call: CallFacts): NearsightError {
  return facts("PERMISSION_DENIED", `Expected the right to ${call.action} but Elasticsearch says: ${said}`, {
    hint: "Have a role with that privilege given to the user, or connect as another",
    details: detailsOf(call),
  });
}

function noAnswer(said: string, call: CallFacts): NearsightError {
  if (!CERTIFICATE_WORDS.test(said)) return unavailable(said, call);
  return facts("AUTHENTICATION_FAILED", `Expected a TLS connection to ${placeOf(call)} but found: ${said}`, {
    hint: "Check caCerts or sslAssertFingerprint, verifyCerts, and whether hosts begin with http: or https:",
    details: detailsOf(call),
  });
}

/** The error of a call that had no whole answer in time. */
export function tooSlow(milliseconds: number, call: CallFacts): NearsightError {
  return unavailable(`nothing for ${milliseconds / 1000} s`, call);
}

function unavailable(said: string, call: CallFacts): NearsightError {
  return facts(
    "BACKEND_UNAVAILABLE",
    `Expected Elasticsearch at ${placeOf(call)} to answer ${call.action} but found: ${said}`,
    {
      hint: "Check that the server runs and that hosts has its address, then call again",
      details: detailsOf(call),
    },
  );
}

function wrongMapping(said: string, call: CallFacts): NearsightError {
  return facts("INVALID_ARGUMENT", `Expected an index that Elasticsearch can make but it says: ${said}`, {
    hint: "Change indexOptions or the dimension",
    details: detailsOf(call),
  });
}

function tooLarge(call: CallFacts): NearsightError {
  return facts(
    "LIMIT_EXCEEDED",
    `Expected a request that Elasticsearch takes but ${call.action} is too long for it`,
    {
      hint: "Raise http.max_content_length of the server",
      details: detailsOf(call),
    },
  );
}

function dimensionMismatch(said: string, call: CallFacts): NearsightError {
  return facts(
    "DIMENSION_MISMATCH",
    `Expected vectors of the index's dimension but Elasticsearch says: ${said}`,
    {
      hint: "Open the index again: it may have been made anew",
      details: detailsOf(call),
    },
  );
}

function failed(said: string, call: CallFacts, more: ErrorDetails): NearsightError {
  return facts("BACKEND_FAILED", `Expected Elasticsearch to ${call.action} but it says: ${said}`, {
    hint: "See what the server says; its log has more",
    details: { ...detailsOf(call), ...more },
  });
}

function placeOf({ addresses }: CallFacts): string {
  return addresses.join(", ");
}

function detailsOf({ action, index, addresses }: CallFacts): ErrorDetails {
  return { action, hosts: addresses, ...(index === undefined ? {} : { index }) };
}

function facts(
  code: ErrorCode,
  message: string,
  rest: { hint: string; details: ErrorDetails },
): NearsightError {
  return new NearsightError({ code, message, ...rest });
}

/** What a Milvus server and its gRPC connection say, as errors of nearsight; nothing of it that could hold a secret. */

import { type ErrorCode, type ErrorDetails, NearsightError } from "../../errors.ts";
import { withoutSecrets } from "../remote/secrets.ts";

/** Status of an answer, as `common.Status` has it. */
export interface ServerStatus {
  readonly code?: number;
  readonly error_code?: string | number;
  readonly reason?: string;
  readonly retriable?: boolean;
}

/** What a failed call of gRPC is: `code` is one of its status codes. */
export interface GrpcFailure {
  readonly code: number;
  readonly details: string;
}

/** Of which call an error tells. */
export interface CallFacts {
  readonly method: string;
  readonly collection?: string | undefined;
  /** What must not be told: passwords and tokens. */
  readonly secrets: readonly string[];
}

/** The status codes of gRPC that mean something of their own here (grpc.github.io, "Status codes"). */
const GRPC = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Codes of an answer's status (milvus/pkg/util/merr, `errors.go`), for which servers have other texts. */
const STATUS = {
  collectionNotFound: 100,
  collectionNotLoaded: 101,
  databaseNotFound: 800,
  notAuthenticated: 1400,
  notPermitted: 1401,
} as const;

/**
 * Not ready, unavailable, out of memory, too many requests, rate limit; then a collection that is not loaded fully,
 * and replicas, channels and nodes that are not there at the moment.
 */
const BUSY_STATUS: readonly number[] = [1, 2, 3, 4, 8, 103, 105, 106, 202, 400, 401, 500, 502, 503, 901, 902];

/** The oldest servers say so in words only. */
const BUSY_WORDS =
  /not ready|unavailable|rate limit|shard leader|no available|channel (?:not|checker)|node (?:not|offline)|lag|try again|context deadline/i;

/** What gRPC says of a message above its limit, in Go, in C++ and here; of a busy server it says other things. */
const TOO_LARGE_WORDS = /larger than|too large|message size/i;

/** What TLS says in Node and in BoringSSL where certificates do not fit. */
const CERTIFICATE_WORDS =
  /certificate|self.signed|altname|issuer|unable to (?:verify|get local)|handshake|SSL routines|wrong version number|EPROTO/i;

/** True for an answer that says that all is well. */
export function isSuccess({ code = 0, error_code: word = "Success" }: ServerStatus): boolean {
  return code === 0 && (word === "Success" || word === 0);
}

/** True where the collection must be loaded first. */
export function isNotLoaded({ code, reason = "" }: ServerStatus): boolean {
  return code === STATUS.collectionNotLoaded || /collection not loaded/i.test(reason);
}

/** The error of an answer that is no success. */
export function statusError(status: ServerStatus, call: CallFacts): NearsightError {
  const { code = 0, reason = "", retriable = false } = status;
  const said = withoutSecrets(reason, call.secrets);
  if (code === STATUS.collectionNotFound || /collection not found|can't find collection/i.test(reason)) {
    return indexNotFound(call.collection ?? "");
  }
  if (code === STATUS.databaseNotFound || /database not found/i.test(reason)) return databaseNotFound(said);
  if (code === STATUS.notAuthenticated) return authenticationFailed(said);
  if (code === STATUS.notPermitted || /permission deny/i.test(reason)) return permissionDenied(said, call);
  // It was loaded before the call was made again: a server that has just started forgets that for a while.
  const isBusy = retriable || isNotLoaded(status) || BUSY_STATUS.includes(code) || BUSY_WORDS.test(reason);
  return isBusy ? unavailable(said, call) : failed(said, call, { status: code });
}

/** The error of a call that had no answer. */
export function grpcError({ code, details }: GrpcFailure, call: CallFacts): NearsightError {
  const said = withoutSecrets(details, call.secrets);
  switch (code) {
    case GRPC.unauthenticated:
      return authenticationFailed(said);
    case GRPC.permissionDenied:
      return permissionDenied(said, call);
    case GRPC.resourceExhausted:
      return TOO_LARGE_WORDS.test(details) ? tooLarge(said, call) : unavailable(said, call);
    case GRPC.unavailable:
    case GRPC.cancelled:
    case GRPC.deadlineExceeded:
    case GRPC.aborted:
    case GRPC.internal:
      return CERTIFICATE_WORDS.test(details) ? certificateFailed(said) : unavailable(said, call);
    case GRPC.unimplemented:
      return facts(
        "BACKEND_FAILED",
        `Expected a Milvus server that knows ${call.method} but found one that does not`,
        {
          hint: "Use Milvus 2.3 or newer",
          details: { method: call.method },
        },
      );
    case GRPC.unknown:
      if (BUSY_WORDS.test(details)) return unavailable(said, call);
      if (/database not found/i.test(details)) return databaseNotFound(said);
  }
  return failed(said, call, { grpcCode: code });
}

function indexNotFound(name: string): NearsightError {
  return facts("INDEX_NOT_FOUND", `Expected a Milvus collection named '${name}' but found none`, {
    hint: "Choose one of those that list() gives, or build it again",
    details: { collection: name },
  });
}

function authenticationFailed(said: string): NearsightError {
  return facts("AUTHENTICATION_FAILED", `Expected credentials that Milvus accepts but it says: ${said}`, {
    hint: "Give user and password, or token, of this server",
  });
}

function certificateFailed(said: string): NearsightError {
  return facts("AUTHENTICATION_FAILED", `Expected a TLS connection to Milvus but found: ${said}`, {
    hint: "Check caPemPath (or serverPemPath), clientPemPath with clientKeyPath, serverName, and whether the server uses TLS at all (secure)",
  });
}

function permissionDenied(said: string, call: CallFacts): NearsightError {
  return facts("PERMISSION_DENIED", `Expected the right to ${call.method} but Milvus says: ${said}`, {
    hint: "Have a role with that privilege granted to the user, or connect as another",
    details: { method: call.method, ...named(call) },
  });
}

function unavailable(said: string, call: CallFacts): NearsightError {
  return facts("BACKEND_UNAVAILABLE", `Expected Milvus to answer ${call.method} but found: ${said}`, {
    hint: "Check that the server runs and that uri is its address, then call again",
    details: { method: call.method, ...named(call) },
  });
}

function tooLarge(said: string, call: CallFacts): NearsightError {
  return facts("LIMIT_EXCEEDED", `Expected a message that Milvus takes but it says: ${said}`, {
    hint: "Raise proxy.grpc.serverMaxRecvSize of the server",
    details: { method: call.method, ...named(call) },
  });
}

function databaseNotFound(said: string): NearsightError {
  return facts("CONFIG_INVALID", `Expected a database that the Milvus server has but it says: ${said}`, {
    hint: "Correct dbName, or create that database",
  });
}

function failed(said: string, call: CallFacts, more: ErrorDetails): NearsightError {
  return facts("BACKEND_FAILED", `Expected Milvus to do ${call.method} but it says: ${said}`, {
    hint: "See what the server says; its log has more",
    details: { method: call.method, ...named(call), ...more },
  });
}

function named({ collection }: CallFacts): ErrorDetails {
  return collection === undefined ? {} : { collection };
}

function facts(
  code: ErrorCode,
  message: string,
  rest: { hint: string; details?: ErrorDetails },
): NearsightError {
  return new NearsightError({ code, message, ...rest });
}

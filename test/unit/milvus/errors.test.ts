/** What the server and gRPC say, as codes; no secret of it. */

import { describe, expect, test } from "vitest";
import { grpcError, isNotLoaded, isSuccess, statusError } from "../../../core/backends/milvus/errors.ts";
import type { ErrorCode } from "../../../core/errors.ts";

const call = { method: "Search", collection: "pets", secrets: ["canary"] };

const STATUSES: readonly (readonly [number, string, ErrorCode])[] = [
  [100, "collection not found[collection=1]", "INDEX_NOT_FOUND"],
  [65535, "can't find collection collection not found[database=default][collection=pets]", "INDEX_NOT_FOUND"],
  [800, "database not found[database=x]", "CONFIG_INVALID"],
  [1400, "unauthenticated", "AUTHENTICATION_FAILED"],
  [1401, "no rights", "PERMISSION_DENIED"],
  [8, "request is rejected by grpc RateLimiter middleware", "BACKEND_UNAVAILABLE"],
  [1, "service not ready[standalone=Initializing]", "BACKEND_UNAVAILABLE"],
  [503, "channel not available", "BACKEND_UNAVAILABLE"],
  [65535, "fail to get shard leaders from QueryCoord", "BACKEND_UNAVAILABLE"],
  [65535, "vector dimension mismatch", "BACKEND_FAILED"],
  [1100, "invalid parameter", "BACKEND_FAILED"],
];

test.each(STATUSES)("status %i, '%s' is %s", (code, reason, expected) => {
  const error = statusError({ code, reason, error_code: "UnexpectedError" }, call);
  expect(error.code).toBe(expected);
  expect(error.hint).not.toBe("");
});

test("what the server calls retriable is tried again", () => {
  expect(statusError({ code: 777, reason: "x", retriable: true }, call).retryable).toBe(true);
});

const FAILURES: readonly (readonly [number, string, ErrorCode])[] = [
  [16, "auth check failure, please check username and password are correct", "AUTHENTICATION_FAILED"],
  [7, "PrivilegeCreateCollection: permission deny to u1", "PERMISSION_DENIED"],
  [14, "No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1", "BACKEND_UNAVAILABLE"],
  [
    14,
    "No connection established. Last error: unable to verify the first certificate",
    "AUTHENTICATION_FAILED",
  ],
  [
    14,
    "No connection established. Last error: self-signed certificate in certificate chain",
    "AUTHENTICATION_FAILED",
  ],
  [14, "Last error: Hostname/IP does not match certificate's altnames", "AUTHENTICATION_FAILED"],
  [
    14,
    "Last error: 80DB:error:0A00010B:SSL routines:ssl3_get_record:wrong version number",
    "AUTHENTICATION_FAILED",
  ],
  [4, "Deadline exceeded", "BACKEND_UNAVAILABLE"],
  [13, "Received RST_STREAM with code 2", "BACKEND_UNAVAILABLE"],
  [1, "Cancelled on client", "BACKEND_UNAVAILABLE"],
  [8, "grpc: received message larger than max (72404008 vs. 67108864)", "LIMIT_EXCEEDED"],
  [8, "Bandwidth exhausted", "BACKEND_UNAVAILABLE"],
  [12, "unknown method", "BACKEND_FAILED"],
  [2, "Unexpected error in RPC handling", "BACKEND_FAILED"],
];

test.each(FAILURES)("gRPC %i, '%s' is %s", (code, details, expected) => {
  const error = grpcError({ code, details }, call);
  expect(error.code).toBe(expected);
  expect(error.hint).not.toBe("");
});

describe("secrets", () => {
  test("are in no message, hint or detail, and the SDK's error is no cause", () => {
    const said = "the token canary is wrong, canary";
    for (const error of [
      ...FAILURES.map(([code]) => grpcError({ code, details: said }, call)),
      ...STATUSES.map(([code]) => statusError({ code, reason: said }, call)),
    ]) {
      expect(JSON.stringify(error) + error.message + error.stack).not.toContain("canary");
      expect(error.cause).toBeUndefined();
    }
  });

  test("a long condition that the server repeats is cut", () => {
    const reason = `cannot parse expression: pk in [${'"id",'.repeat(10_000)}]`;
    expect(statusError({ code: 65535, reason }, call).message.length).toBeLessThan(700);
  });
});

test("success and a collection that is not loaded are told apart from failures", () => {
  expect(isSuccess({ code: 0, error_code: "Success" })).toBe(true);
  expect(isSuccess({})).toBe(true);
  expect(isSuccess({ code: 0, error_code: "UnexpectedError" })).toBe(false);
  expect(isSuccess({ code: 100, error_code: "Success" })).toBe(false);
  expect(isNotLoaded({ code: 101 })).toBe(true);
  expect(isNotLoaded({ code: 65535, reason: "collection not loaded[collection=1]" })).toBe(true);
  expect(isNotLoaded({ code: 100 })).toBe(false);
});

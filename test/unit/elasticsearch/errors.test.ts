/** What servers and the SDK say becomes a code and a hint, without credentials. */

import { errors } from "@elastic/elasticsearch";
import { describe, expect, test } from "vitest";
import { type CallFacts, callError, reasonError } from "../../../core/backends/elasticsearch/errors.ts";
import type { ErrorCode } from "../../../core/errors.ts";

const CANARY = "canary-51fe";
const CALL: CallFacts = { action: "search", index: "pets", addresses: ["https://a.org"], secrets: [CANARY] };

/** What the SDK holds of a failed request: its headers have the credentials. */
const META = {
  body: undefined as unknown,
  statusCode: 0,
  headers: {},
  warnings: null,
  meta: { request: { params: { headers: { authorization: `Bearer ${CANARY}` } }, options: {}, id: 1 } },
} as unknown as ConstructorParameters<typeof errors.ResponseError>[0];

function response(statusCode: number, body: unknown): Error {
  return new errors.ResponseError({ ...META, statusCode, body } as typeof META);
}

const reasons: [ErrorCode, number, string, string][] = [
  ["AUTHENTICATION_FAILED", 401, "security_exception", "unable to authenticate user [me] for REST request"],
  [
    "PERMISSION_DENIED",
    403,
    "security_exception",
    "action [indices:admin/create] is unauthorized for user [me]",
  ],
  ["BACKEND_FAILED", 403, "security_exception", "current license is non-compliant"],
  ["INDEX_NOT_FOUND", 404, "index_not_found_exception", "no such index [pets]"],
  ["INDEX_EXISTS", 400, "resource_already_exists_exception", "index [pets/x] already exists"],
  [
    "DIMENSION_MISMATCH",
    400,
    "illegal_argument_exception",
    "the query vector has a different number of dimensions [1]",
  ],
  ["BACKEND_FAILED", 400, "illegal_argument_exception", "[num_candidates] cannot be less than [k]"],
  ["BACKEND_UNAVAILABLE", 429, "es_rejected_execution_exception", "rejected execution"],
  [
    "BACKEND_UNAVAILABLE",
    503,
    "cluster_block_exception",
    "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered]",
  ],
];

test.each(reasons)("%s for %i %s", (code, status, type, reason) => {
  const body = { error: { type, reason, root_cause: [{ type, reason }] }, status };
  const said = callError(response(status, body), CALL);
  expect(said).toMatchObject({ code, hint: expect.stringMatching(/\w/) });
  expect(reasonError({ status, type, reason }, CALL)).toMatchObject({ code });
});

test.each<[number, unknown, ErrorCode]>([
  [413, "", "LIMIT_EXCEEDED"],
  [502, "<html>Bad gateway</html>", "BACKEND_UNAVAILABLE"],
  [504, undefined, "BACKEND_UNAVAILABLE"],
  [401, "", "AUTHENTICATION_FAILED"],
  [400, "bad", "BACKEND_FAILED"],
])("%i with another body than JSON", (status, body, code) => {
  expect(callError(response(status, body), CALL)).toMatchObject({ code });
});

test("the root cause is told, not that all shards failed", () => {
  const cause = { type: "illegal_argument_exception", reason: "[size] is too large" };
  const error = {
    type: "search_phase_execution_exception",
    reason: "all shards failed",
    root_cause: [cause],
  };
  expect(callError(response(400, { error }), CALL)).toMatchObject({
    message: expect.stringContaining("too large"),
  });
});

describe("calls without an answer", () => {
  test.each<[Error, ErrorCode]>([
    [new errors.ConnectionError("connect ECONNREFUSED 127.0.0.1:9200"), "BACKEND_UNAVAILABLE"],
    [new errors.TimeoutError("Request timed out"), "BACKEND_UNAVAILABLE"],
    [new errors.NoLivingConnectionsError("There are no living connections", META), "BACKEND_UNAVAILABLE"],
    [new errors.ConnectionError("unable to verify the first certificate"), "AUTHENTICATION_FAILED"],
    [
      new errors.ConnectionError("Hostname/IP does not match certificate's altnames"),
      "AUTHENTICATION_FAILED",
    ],
    [new errors.ConnectionError("The certificate has another fingerprint"), "AUTHENTICATION_FAILED"],
    [new errors.ProductNotSupportedError("Elasticsearch"), "BACKEND_FAILED"],
  ])("%s", (error, code) => {
    expect(callError(error, CALL)).toMatchObject({ code });
  });
});

test("credentials are in no message, detail or cause", () => {
  const said = [
    response(401, { error: { type: "security_exception", reason: `bad key ${CANARY}` } }),
    response(500, { error: { type: "x", reason: `echo ${CANARY}` } }),
    new errors.ConnectionError(`connection failed (https://me:${CANARY}@a.org)`, META),
    new TypeError(`header ${CANARY}`),
  ];
  for (const error of said) {
    const ours = callError(error, CALL) as Error;
    expect(`${ours.message} ${ours.stack} ${JSON.stringify(ours)} ${String(ours.cause)}`).not.toContain(
      CANARY,
    );
  }
});

test("errors of nearsight and what is no error pass", () => {
  const own = reasonError({ status: 401, type: "", reason: "" }, CALL);
  expect(callError(own, CALL)).toBe(own);
  expect(callError("text", CALL)).toBe("text");
});

/** The one error class of nearsight and the table of its codes. */

/**
 * Every code an error of nearsight can carry, with the HTTP status it maps to,
 * and whether calling again unchanged may succeed.
 */
export const ERROR_CODES = {
  INVALID_ARGUMENT: { status: 400, retryable: false },
  INVALID_FILTER: { status: 400, retryable: false },
  CONFIG_INVALID: { status: 400, retryable: false },
  BACKEND_NOT_SUPPORTED: { status: 400, retryable: false },
  METRIC_NOT_SUPPORTED: { status: 400, retryable: false },
  PROMPTS_UNSUPPORTED: { status: 400, retryable: false },
  PACKAGE_MISSING: { status: 500, retryable: false },
  DATASET_NOT_FOUND: { status: 404, retryable: false },
  DATASET_EXISTS: { status: 409, retryable: false },
  FIELD_NOT_FOUND: { status: 404, retryable: false },
  FIELD_TYPE_MISMATCH: { status: 400, retryable: false },
  ID_NOT_FOUND: { status: 404, retryable: false },
  ID_EXISTS: { status: 409, retryable: false },
  ZOO_NAME_UNKNOWN: { status: 404, retryable: false },
  MEDIA_NOT_FOUND: { status: 404, retryable: false },
  MEDIA_INVALID: { status: 422, retryable: false },
  MODEL_NOT_FOUND: { status: 404, retryable: false },
  MODEL_INVALID: { status: 422, retryable: false },
  MODEL_MISMATCH: { status: 409, retryable: false },
  DOWNLOAD_FAILED: { status: 502, retryable: true },
  CHECKSUM_MISMATCH: { status: 502, retryable: true },
  INDEX_NOT_FOUND: { status: 404, retryable: false },
  INDEX_EXISTS: { status: 409, retryable: false },
  INDEX_CORRUPT: { status: 500, retryable: false },
  DIMENSION_MISMATCH: { status: 400, retryable: false },
  VECTOR_INVALID: { status: 400, retryable: false },
  AUTHENTICATION_FAILED: { status: 502, retryable: false },
  PERMISSION_DENIED: { status: 502, retryable: false },
  BACKEND_UNAVAILABLE: { status: 503, retryable: true },
  BACKEND_FAILED: { status: 502, retryable: false },
  LIMIT_EXCEEDED: { status: 413, retryable: false },
  WRITE_FAILED: { status: 500, retryable: false },
  WRITE_PARTIAL: { status: 207, retryable: true },
  RUN_NOT_FOUND: { status: 404, retryable: false },
  RUN_EXISTS: { status: 409, retryable: false },
  RUN_AMBIGUOUS: { status: 409, retryable: false },
  RUN_BUSY: { status: 409, retryable: true },
  LEASE_LOST: { status: 409, retryable: true },
  STORE_TOO_NEW: { status: 500, retryable: false },
  STORE_UNUSABLE: { status: 500, retryable: false },
  STORE_BUSY: { status: 503, retryable: true },
  STORE_UNAVAILABLE: { status: 503, retryable: true },
  CLOSED: { status: 500, retryable: false },
  API_KEY_INVALID: { status: 401, retryable: false },
  IDENTITY_UNAVAILABLE: { status: 503, retryable: true },
  SCOPE_MISSING: { status: 403, retryable: false },
  NOT_ALLOWED: { status: 403, retryable: false },
  CURSOR_INVALID: { status: 400, retryable: false },
  CURSOR_STALE: { status: 409, retryable: false },
  LINK_INVALID: { status: 403, retryable: false },
  RATE_LIMITED: { status: 429, retryable: true },
  REQUEST_TOO_LARGE: { status: 413, retryable: false },
  OVERLOADED: { status: 503, retryable: true },
  TIMED_OUT: { status: 504, retryable: true },
  ROUTE_NOT_FOUND: { status: 404, retryable: false },
  REMOTE_UNSUPPORTED: { status: 501, retryable: false },
  SERVER_UNREACHABLE: { status: 503, retryable: true },
  SERVER_INVALID: { status: 502, retryable: false },
  ABORTED: { status: 499, retryable: false },
  INTERNAL: { status: 500, retryable: false },
} as const satisfies Record<string, { status: number; retryable: boolean }>;

/** What went wrong, as a stable word to switch on. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Plain JSON facts about an error; never secrets, never vectors. */
export type ErrorDetails = Record<string, unknown>;

/** What a `NearsightError` is made of. */
export interface ErrorFacts {
  code: ErrorCode;
  /** What failed, what was expected, what was found. */
  message: string;
  /** One thing to do about it. */
  hint?: string | undefined;
  details?: ErrorDetails | undefined;
  /** Default: what the code's row in `ERROR_CODES` says. */
  retryable?: boolean | undefined;
  cause?: unknown;
}

const MARKER = Symbol.for("nearsight.error");

/**
 * The error every function of nearsight throws: a `code` to switch on, a message, one `hint`.
 *
 * @example
 * try { await ns.loadDataset("pets"); }
 * catch (error) { if (isNearsightError(error, "DATASET_NOT_FOUND")) console.log(error.hint); }
 */
export class NearsightError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: ErrorDetails;
  readonly retryable: boolean;
  // Two copies of the package can meet in one process (a bundle, a notebook): `instanceof` would miss one.
  readonly [MARKER] = true;

  constructor(facts: ErrorFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = "NearsightError";
    this.code = facts.code;
    this.hint = facts.hint;
    this.details = facts.details ?? {};
    this.retryable = facts.retryable ?? ERROR_CODES[facts.code].retryable;
  }

  toJSON(): Omit<ErrorFacts, "cause"> {
    const { code, message, hint, details, retryable } = this;
    return { code, message, ...(hint === undefined ? {} : { hint }), details, retryable };
  }
}

/** True for errors of nearsight, of the given code if one is named. */
export function isNearsightError(error: unknown, code?: ErrorCode): error is NearsightError {
  const ours = typeof error === "object" && error !== null && MARKER in error;
  return ours && (code === undefined || (error as NearsightError).code === code);
}

/** Gives the error itself if it is ours, else wraps it once under the given code. */
export function wrapError(error: unknown, facts: Omit<ErrorFacts, "cause">): NearsightError {
  return isNearsightError(error) ? error : new NearsightError({ ...facts, cause: error });
}

/** Throws ABORTED when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new NearsightError({
    code: "ABORTED",
    message: "The operation was cancelled before it ended",
    hint: "Call it again to go on; what was already written is kept",
    cause: signal.reason,
  });
}

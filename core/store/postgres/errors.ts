/** PostgreSQL's errors in our words: what happened, by the code it came with. */

import { type ErrorCode, isNearsightError, NearsightError } from "../../errors.ts";

interface Advice {
  readonly code: ErrorCode;
  readonly hint: string;
}

const AWAY: Advice = {
  code: "STORE_UNAVAILABLE",
  hint: "Check that the server runs and can be reached from here, then try again",
};
const NO_LOGIN: Advice = {
  code: "AUTHENTICATION_FAILED",
  hint: "Correct user and password in the store's address",
};
const NO_RIGHT: Advice = {
  code: "PERMISSION_DENIED",
  hint: "Give the user all rights on the store's schema; to make or upgrade it, CREATE on the database too",
};
const BAD_TEXT: Advice = {
  code: "INVALID_ARGUMENT",
  hint: "PostgreSQL keeps no text with the character U+0000 or half a surrogate pair; take them out",
};
const TOO_LARGE: Advice = { code: "LIMIT_EXCEEDED", hint: "Write fewer samples at a time" };
const FULL: Advice = { code: "STORE_UNUSABLE", hint: "The server's disk is full; free some space" };
const DAMAGED: Advice = {
  code: "STORE_UNUSABLE",
  hint: "The database is damaged; restore it from a backup",
};

/** By SQLSTATE, or its first two characters, the class: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_STATE: Readonly<Record<string, Advice>> = {
  "08": AWAY,
  "22021": BAD_TEXT,
  "22P05": BAD_TEXT,
  "25006": {
    code: "STORE_UNUSABLE",
    hint: "The server only reads, as a standby does; give the address of the primary",
  },
  "28": NO_LOGIN,
  "3D000": { code: "STORE_UNUSABLE", hint: "Make the database first: createdb, or CREATE DATABASE" },
  "40": { code: "STORE_BUSY", hint: "Many write at the same time; try again" },
  "42501": NO_RIGHT,
  "53100": FULL,
  "53": {
    code: "STORE_BUSY",
    hint: "The server has no room for more; try again, or lower pool_size in the address",
  },
  "54": TOO_LARGE,
  "55P03": { code: "STORE_BUSY", hint: "Another process has been writing for 30 seconds; try again" },
  "57014": {
    code: "STORE_BUSY",
    hint: "A statement took longer than allowed; raise statement_timeout in the store's address (milliseconds)",
  },
  "57": AWAY,
  XX001: DAMAGED,
  XX002: DAMAGED,
};

/** Of the system, where no connection comes about or one breaks. */
const NETWORK_CODES = new Set([
  ...["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN"],
  ...["EHOSTUNREACH", "ENETUNREACH", "ENOENT", "EACCES"],
]);
/** What pg says, without a code, of connections that end or do not come about in time. */
const LOST =
  /connection terminated|connection ended|not queryable|timeout exceeded|timeout expired|connection error/i;

/** The error of a statement in our words; what has no row here passes as it is. */
export function postgresError(place: string, error: unknown): unknown {
  if (!(error instanceof Error) || isNearsightError(error)) return error;
  const advice = adviceFor(error);
  if (advice === undefined) return error;
  return new NearsightError({
    code: advice.code,
    message: `The store ${place} cannot be used: ${messageOf(error)}`,
    hint: advice.hint,
    details: { store: place },
    cause: error,
  });
}

/** True where the connection is gone, and with it what was not committed. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const state = stateOf(error);
  // Sent to every connection when the server stops or starts, or ends this one: then it closes them.
  if (state !== undefined) return ["57P01", "57P02", "57P03", "08006", "08003", "25P03"].includes(state);
  return isOfNetwork(error);
}

/**
 * True where somebody else's write came between: a deadlock, or a row that another write made or took away after this
 * one's guards had looked. Run once more, the guards see it, and say in our words what is the matter.
 */
export function isOvertaken(error: unknown): boolean {
  const state = error instanceof Error ? stateOf(error) : undefined;
  return state !== undefined && ["40001", "40P01", "23503", "23505"].includes(state);
}

function adviceFor(error: Error): Advice | undefined {
  const state = stateOf(error);
  // JSON is written by JSON.stringify: only half a surrogate pair in it is something PostgreSQL cannot read.
  if (state === "22P02" && error.message.includes("type json")) return BAD_TEXT;
  if (state !== undefined) return BY_STATE[state] ?? BY_STATE[state.slice(0, 2)];
  if (isOfNetwork(error)) return AWAY;
  // TLS has too many codes to list; pg says this where the server has none.
  return isOfTls(error)
    ? { code: "STORE_UNAVAILABLE", hint: "Correct sslmode and sslrootcert in the store's address" }
    : undefined;
}

/** SQLSTATE has five characters; codes of the system have more. */
function stateOf(error: Error): string | undefined {
  const code = codeOf(error);
  return code?.length === 5 && code !== "EPIPE" ? code : undefined;
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function isOfNetwork(error: Error): boolean {
  return NETWORK_CODES.has(codeOf(error) ?? "") || LOST.test(error.message);
}

function isOfTls(error: Error): boolean {
  return /SSL|TLS|certificate/i.test(`${codeOf(error) ?? ""} ${error.message}`);
}

/** Connecting to several addresses of one host fails with several errors and no message of its own. */
function messageOf(error: Error): string {
  return error instanceof AggregateError
    ? error.errors.map((one) => String(one?.message ?? one)).join("; ")
    : error.message;
}

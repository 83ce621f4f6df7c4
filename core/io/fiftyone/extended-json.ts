/** MongoDB's extended JSON, and the JSON of Python, which also has NaN and integers of any size. */

import { NearsightError } from "../../errors.ts";

/** A JSON object with anything in it. */
export type Document = Readonly<Record<string, unknown>>;

/** The kinds of values that plain JSON has no word for. */
export type ExtendedKind = "id" | "date" | "binary" | "number" | "other";

/** Documents nested deeper than this are refused: data sets keep no deeper ones. */
const MAX_DEPTH = 200;

/** A date without a time of day. */
export const DAY = /^\d{4}-\d\d-\d\d$/;

const KINDS: Readonly<Record<string, ExtendedKind>> = {
  $oid: "id",
  $date: "date",
  $binary: "binary",
  $numberDouble: "number",
  $numberLong: "number",
  $numberInt: "number",
  $numberDecimal: "number",
};

/** True for `{}`, not for lists and null. */
export function isDocument(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What an object says in extended JSON, or null where it is an ordinary one. */
export function extendedKind(value: unknown): ExtendedKind | null {
  if (!isDocument(value)) return null;
  const [key, second] = Object.keys(value);
  if (key === undefined || !key.startsWith("$")) return null;
  const kind = Object.hasOwn(KINDS, key) ? KINDS[key] : undefined;
  const isOldBinary = key === "$binary" && second === "$type";
  return kind === undefined || (second !== undefined && !isOldBinary) ? "other" : kind;
}

/** The 24 hexadecimal characters of `{ $oid }`, or null. */
export function idOf(value: unknown): string | null {
  const id = isDocument(value) ? value.$oid : value;
  return typeof id === "string" && isObjectId(id) ? id : null;
}

/** True for ids that MongoDB takes. */
export function isObjectId(id: string): boolean {
  return /^[0-9a-f]{24}$/.test(id);
}

/**
 * JSON as Python writes it. NaN and infinities become `{ $numberDouble: "NaN" }`, integers that a double
 * cannot hold `{ $numberLong: "…" }`. MEDIA_INVALID where it is none.
 *
 * @example
 * parsePythonJson('{"loss": NaN}'); // { loss: { $numberDouble: "NaN" } }
 */
export function parsePythonJson(text: string, place: string): unknown {
  try {
    return parse(text);
  } catch (first) {
    try {
      return parse(withoutBareNumbers(text));
    } catch {
      throw invalidJson(place, first);
    }
  }
}

/** The same; null where it is none, for files that may be of another format. */
export function parsePythonJsonOrNull(text: string): unknown {
  try {
    return parsePythonJson(text, "");
  } catch {
    return null;
  }
}

function parse(text: string): unknown {
  return /(?<![\d.])\d{16}/.test(text) ? JSON.parse(text, exactInteger) : JSON.parse(text);
}

/** Numbers as they stand in the text: V8 gives them to a reviver since Node 21. */
function exactInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !Number.isInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) && !isKept(source) ? { $numberLong: source } : value;
}

/** True for an integer that a double keeps, digit for digit, when it is written again. */
function isKept(integer: string): boolean {
  return String(Number(integer)) === integer.replace(/^-0+$/, "0");
}

/** Bare NaN and Infinity as extended JSON; the same letters inside texts stay. */
function withoutBareNumbers(text: string): string {
  return text.replaceAll(/"[^"\\]*(?:\\.[^"\\]*)*"|-?Infinity|NaN/gs, (part) =>
    part.startsWith('"') ? part : `{"$numberDouble":"${part}"}`,
  );
}

/** JSON as Python writes it: NaN and infinities are bare words. */
export function toPythonJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/\{"\$numberDouble":"(NaN|-?Infinity)"\}/g, "$1");
}

/**
 * A value as data sets keep it: numbers and dates in one form each, everything else as it is.
 * Dates are `{ $date: "2024-01-02T03:04:05.000Z" }`, NaN and infinities `{ $numberDouble: "NaN" }`.
 */
export function toKept(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw tooDeep();
  if (Array.isArray(value)) return value.map((one) => toKept(one, depth + 1));
  if (typeof value === "number") return Number.isFinite(value) ? value : { $numberDouble: String(value) };
  if (!isDocument(value)) return value;
  const kind = extendedKind(value);
  if (kind === "date") return keptDate(value);
  if (kind === "number") return keptNumber(value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toKept(inner, depth + 1)]));
}

function keptDate(value: Document): unknown {
  const { $date: given } = value;
  // A day without a time is how DateFields are kept.
  if (typeof given === "string" && DAY.test(given)) return value;
  const time = isDocument(given) ? Number(given.$numberLong) : given;
  const date = new Date(time as string | number);
  return Number.isNaN(date.getTime()) ? value : { $date: date.toISOString() };
}

/** A plain number where a double holds it exactly. */
function keptNumber(value: Document): unknown {
  const [[key, text]] = Object.entries(value) as [[string, unknown]];
  if (typeof text !== "string" || key === "$numberDecimal") return value;
  const number = Number(text);
  if (key === "$numberDouble") return Number.isFinite(number) ? number : value;
  return /^-?\d+$/.test(text) && isKept(text) ? number : value;
}

/** Integers of MongoDB have 64 bits. */
const FIRST_NO_INTEGER = 2 ** 63;

/** True for numbers that MongoDB keeps as integers. */
export function isMongoInteger(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < FIRST_NO_INTEGER;
}

/** The value as MongoDB reads it: days become midnights, as FiftyOne stores them. */
export function toWritten(value: unknown): unknown {
  if (typeof value === "number" && Number.isInteger(value) && !isMongoInteger(value)) {
    return { $numberDouble: String(value) };
  }
  if (Array.isArray(value)) return value.map(toWritten);
  if (!isDocument(value)) return value;
  const { $date: date } = value;
  if (typeof date === "string" && DAY.test(date)) return { $date: `${date}T00:00:00Z` };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toWritten(inner)]));
}

/** The first thing in a value that MongoDB would not read as it is meant, or null. */
export function unreadable(value: unknown): string | null {
  if (Array.isArray(value)) return firstOf(value.map(unreadable));
  if (!isDocument(value)) return null;
  const kind = extendedKind(value);
  if (kind === null) return firstOf(Object.values(value).map(unreadable));
  return kind !== "other" && isWellFormed(kind, value) ? null : `a key '${Object.keys(value)[0]}'`;
}

function isWellFormed(kind: Exclude<ExtendedKind, "other">, value: Document): boolean {
  const [inner] = Object.values(value);
  switch (kind) {
    case "id":
      return idOf(value) !== null;
    case "date":
      return typeof inner === "string" && /^\d{4}-/.test(inner) && !Number.isNaN(Date.parse(inner));
    case "binary":
      return typeof inner === "string" || (isDocument(inner) && typeof inner.base64 === "string");
    case "number":
      return typeof inner === "string" && (inner === "NaN" || !Number.isNaN(Number(inner)));
  }
}

function firstOf(found: readonly (string | null)[]): string | null {
  return found.find((one) => one !== null) ?? null;
}

/** The error for text that is no JSON. */
export function invalidJson(place: string, cause?: unknown): NearsightError {
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected JSON in ${place} but found something else, or a file that is cut off`,
    hint: "Export the data set again",
    details: { place },
    cause,
  });
}

function tooDeep(): NearsightError {
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected values nested at most ${MAX_DEPTH} deep but found deeper ones`,
    hint: "Leave the field out",
  });
}

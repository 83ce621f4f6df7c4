/** Names of collections as file names: one to one, and distinct where file systems ignore case. */

import { Buffer } from "node:buffer";
import { NearsightError } from "../../errors.ts";

/** File systems allow 255 bytes (NAME_MAX); SQLite appends up to "-journal" to the name. */
const MAX_FILE_NAME_BYTES = 240;
const SUFFIX = ".db";
/** Device names Windows reserves whatever their extension. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)$/;

/** The file of a collection, without its folder; INVALID_ARGUMENT for a name no file can have. */
export function fileNameOf(name: string): string {
  const problem = nameProblem(name);
  const encoded = problem === null ? encode(name) : "";
  const tooLong = encoded.length > MAX_FILE_NAME_BYTES;
  if (problem === null && !tooLong) return encoded + SUFFIX;
  const shown = JSON.stringify(name.slice(0, 80));
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: tooLong
      ? `Expected an index name of at most ${MAX_FILE_NAME_BYTES} bytes as a file name but ${shown} takes ${encoded.length}`
      : `Expected an index name that can be a file but ${shown} ${problem}`,
    hint: "Choose a name of letters, digits, - and _",
  });
}

/** The collection a file belongs to, or null for other files. */
export function nameOfFile(file: string): string | null {
  if (!file.endsWith(SUFFIX)) return null;
  try {
    const name = decodeURIComponent(file.slice(0, -SUFFIX.length));
    return nameProblem(name) === null && encode(name) + SUFFIX === file ? name : null;
  } catch {
    return null; // a stray % that no name of ours encodes to
  }
}

function nameProblem(name: string): string | null {
  if (name === "") return "is empty";
  if (/[/\\]/.test(name)) return "has a path separator";
  if (/\p{Cc}/u.test(name)) return "has a control character";
  return name.isWellFormed() ? null : "has half of a surrogate pair";
}

function encode(name: string): string {
  const safe = name.replaceAll(/[^a-z0-9_-]/gu, percent);
  return RESERVED.test(safe) ? percent(safe.charAt(0)) + safe.slice(1) : safe;
}

function percent(character: string): string {
  return [...Buffer.from(character, "utf8")].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

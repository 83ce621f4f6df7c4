/** Names of Elasticsearch indexes, checked before the server is asked. */

import { Buffer } from "node:buffer";
import { NearsightError } from "../../errors.ts";
import { MAX_NAME_BYTES } from "./limits.ts";

/** INVALID_ARGUMENT for a name that no index can have. */
export function checkName(name: string): void {
  const problem = nameProblem(name);
  if (problem === null) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a name that an Elasticsearch index can have but ${JSON.stringify(name.slice(0, 80))} ${problem}`,
    hint: "Choose a name of small letters, digits, - and _ that begins with a letter",
  });
}

/** Why no index can have this name, or null (`MetadataCreateIndexService.validateIndexOrAliasName`). */
export function nameProblem(name: string): string | null {
  if (name === "") return "is empty";
  if (name === "." || name === "..") return "means a folder";
  if (/^[-_+]/.test(name)) return "begins with -, _ or +";
  if (NOT_IN_NAMES.test(name)) return 'holds one of \\ / * ? " < > | , # : or a space';
  if (/\p{Cc}/u.test(name)) return "holds a control character";
  if (name !== name.toLowerCase()) return "has a capital letter";
  if (!name.isWellFormed()) return "has half of a surrogate pair";
  return Buffer.byteLength(name) > MAX_NAME_BYTES ? `is longer than ${MAX_NAME_BYTES} bytes` : null;
}

const NOT_IN_NAMES = /[\\/*?"<>|\s,#:]/;

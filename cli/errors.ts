/** How errors are told on a terminal, and the exit codes. */

import { inspect, stripVTControlCharacters } from "node:util";
import { CommanderError } from "commander";
import { ERROR_CODES, isNearsightError, type NearsightError } from "../core/index.ts";
import { paint } from "./output.ts";

/** What the process ends with. */
export const EXIT = {
  ok: 0,
  /** Something went wrong while running. */
  failed: 1,
  /** The command or one of its arguments is wrong. */
  usage: 2,
  /** There is no such data set, brain run, id, field, model or file. */
  notFound: 3,
  /** Done, but some media failed. */
  partial: 4,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const;

/** The exit code of an error: by the HTTP status of its code, so that new codes need no row here. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (!isNearsightError(error)) return EXIT.failed;
  const { status, retryable } = ERROR_CODES[error.code];
  if (status === 207) return EXIT.partial;
  if (status === 404) return EXIT.notFound;
  if (status === 499) return EXIT.interrupted;
  const isArgument = status === 400 || status === 422 || (status === 409 && !retryable);
  return isArgument ? EXIT.usage : EXIT.failed;
}

/** Message and hint; with `debug` the stack and what caused it too. As JSON: `{ "error": { code, message, hint, details } }`. */
export function errorText(error: unknown, options: { json: boolean; debug: boolean }): string {
  if (options.json) return `${JSON.stringify({ error: errorJson(error) })}\n`;
  const isStop = isNearsightError(error, "ABORTED");
  const label = isStop ? paint("yellow", "stopped:", process.stderr) : paint("red", "error:", process.stderr);
  const lines = [`${label} ${messageOf(error)}`];
  const hint = hintOf(error);
  if (hint !== undefined) lines.push(`${paint("cyan", "hint:", process.stderr)}  ${hint}`);
  if (options.debug) lines.push("", inspect(error));
  else if (!isNearsightError(error)) {
    lines.push(
      `${paint("cyan", "hint:", process.stderr)}  Run it again with --debug to see where it happened`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function errorJson(error: unknown) {
  if (!isNearsightError(error)) return { code: "INTERNAL", message: messageOf(error) };
  const { code, message, details } = error;
  return { code, message, hint: hintOf(error) ?? null, details };
}

/** Texts of errors can hold file names, and file names can hold control characters. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return stripVTControlCharacters(message);
}

function hintOf(error: unknown): string | undefined {
  if (!isNearsightError(error)) return undefined;
  const hint = HINTS[error.code]?.(error) ?? error.hint;
  return hint === undefined ? undefined : inOurWords(hint);
}

/** A hint in the words of the command line: core speaks of functions and options. */
export function inOurWords(hint: string): string {
  const translated = WORDS.reduce((text, [word, ours]) => text.replaceAll(word, ours), hint);
  return stripVTControlCharacters(translated);
}

/** What core calls by its functions and options, as it is typed here. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\b(metric|model|backend): "([^"]+)"/g, "--$1 $2"],
  [/\bdeleteBrainRun\("([^"]+)"\)/g, "nearsight runs delete DATASET $1"],
  [/\bcomputeSimilarity\((\{[^}]*\})?\)/g, "nearsight index"],
  [/\baddMissing\(\)/g, "nearsight index"],
  [/\boverwrite: true\b/g, "--overwrite"],
  [/\brepair: true\b/g, "--repair"],
  [/\bbrainKey\b/g, "--brain-key"],
];

const HINTS: { readonly [code in NearsightError["code"]]?: (error: NearsightError) => string | undefined } = {
  DATASET_NOT_FOUND: (error) =>
    namesOf(error) === ""
      ? "Make one from a folder of images: nearsight index DIR"
      : `The data sets are: ${namesOf(error)}`,
  RUN_AMBIGUOUS: (error) => `Name one with --brain-key: ${keysOf(error)}`,
  RUN_NOT_FOUND: (error) =>
    keysOf(error) === ""
      ? "Make an index first: nearsight index DATASET"
      : `Name one with --brain-key: ${keysOf(error)}`,
  ID_NOT_FOUND: () =>
    "Ids are what `nearsight search` prints: of samples, or of objects where objects are indexed",
};

const keysOf = (error: NearsightError) => listOf(error.details.keys);
const namesOf = (error: NearsightError) => listOf(error.details.names);

function listOf(value: unknown): string {
  return Array.isArray(value) ? value.join(", ") : "";
}

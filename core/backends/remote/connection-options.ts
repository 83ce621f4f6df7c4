/** How the options of a connection are checked, and how a wrong one is told; the same for every server. */

import { readFileSync } from "node:fs";
import { BACKEND_SETTINGS } from "../../backend-settings.ts";
import { NearsightError, wrapError } from "../../errors.ts";

/** What a value of each kind is called, and told by. Options of a connection are of these kinds. */
const KINDS: Readonly<Record<string, { expected: string; holds: (value: unknown) => boolean }>> = {
  string: { expected: "a string", holds: (value) => typeof value === "string" },
  boolean: { expected: "a boolean", holds: (value) => typeof value === "boolean" },
  list: {
    expected: "a string or a list of strings",
    holds: (value) => [value].flat().every((part) => typeof part === "string"),
  },
};

/**
 * The options that say something: FiftyOne leaves one out by "" as well. Options come from files and the
 * environment too, so a wrong type is said before a connection is tried. CONFIG_INVALID.
 */
export function givenOptions(
  backend: string,
  options: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given = Object.entries(options).filter(([, value]) => ![undefined, null, ""].includes(value as null));
  for (const [name, value] of given) {
    const kind = KINDS[BACKEND_SETTINGS[backend]?.[name]?.type ?? ""];
    if (kind === undefined || kind.holds(value)) continue;
    throw invalidOption(
      backend,
      name,
      `Expected ${name} of backend '${backend}' to be ${kind.expected} but found ${kindOf(value)}`,
    );
  }
  return Object.fromEntries(given);
}

/** Of what kind a value is; the value itself is not told. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list with something else in it";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** The bytes of the file that an option names, undefined where it is left out; CONFIG_INVALID. */
export function fileOfOption(backend: string, name: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw wrapError(error, {
      code: "CONFIG_INVALID",
      message: `Expected a PEM file at ${path} for ${name} of backend '${backend}' but it could not be read`,
      hint: `Correct ${name}, or leave it out`,
      details: { option: name, path },
    });
  }
}

/** The error of an option; the value is not shown, it may hold a password. */
export function invalidOption(backend: string, name: string, message: string): NearsightError {
  return new NearsightError({
    code: "CONFIG_INVALID",
    message,
    hint: `Correct ${name} of backend '${backend}', or leave it out`,
    details: { option: name },
  });
}

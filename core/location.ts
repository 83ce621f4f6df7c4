/**
 * Where the files of `core` lie that are not imported: in the sources, and in the build, which keeps their places.
 * The build may put any code into any file, but this file's code into one directly in `core`; it checks that it did.
 */

/** The address of data, from its path in `core`. */
export function dataUrl(path: string): URL {
  return new URL(path, import.meta.url);
}

/** The address of code that a thread runs, or that only some programs load, from its path in `core` without ending. */
export function codeUrl(path: string): URL {
  return new URL(`${path}.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
}

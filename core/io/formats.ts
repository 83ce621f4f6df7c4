/** The formats by name, and which of them a path looks like. */

import { NearsightError } from "../errors.ts";
import { coco } from "./coco.ts";
import { csv } from "./csv.ts";
import { directory } from "./directory.ts";
import { fiftyone } from "./fiftyone/fiftyone.ts";
import type { Format } from "./format.ts";
import { jsonl } from "./jsonl.ts";
import { parquet } from "./parquet.ts";
import { tree } from "./tree.ts";
import { npy } from "./vectors-npy.ts";
import { voc } from "./voc.ts";
import { yolo } from "./yolo.ts";

/**
 * All formats, in the order they are looked for: those with a file of their own name come first,
 * those that any folder of pictures would fit come last.
 */
export const FORMATS: readonly Format[] = [
  fiftyone,
  coco,
  yolo,
  voc,
  jsonl,
  csv,
  parquet,
  npy,
  tree,
  directory,
];

/** The format of that name, or of FiftyOne's class name, however written. INVALID_ARGUMENT */
export function formatNamed(name: string): Format {
  const wanted = name.toLowerCase();
  const found = FORMATS.find((format) =>
    [format.name, ...format.aliases].some((known) => known.toLowerCase() === wanted),
  );
  if (found !== undefined) return found;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected the name of a format but found ${JSON.stringify(name.slice(0, 50))}`,
    hint: `Use one of: ${FORMATS.map((format) => format.name).join(", ")}`,
    details: { format: name.slice(0, 50) },
  });
}

/** The first format that a file or folder looks like, or null. */
export async function detectFormat(path: string): Promise<Format | null> {
  for (const format of FORMATS) {
    if (await format.detect(path)) return format;
  }
  return null;
}

/** The format that a file of this name is written in: by its ending, else `fiftyone`. */
export function formatForPath(path: string): Format {
  const name = path.toLowerCase();
  const byEnding = FORMATS.find((format) => format.endings.some((ending) => name.endsWith(ending)));
  return byEnding ?? formatNamed("fiftyone");
}

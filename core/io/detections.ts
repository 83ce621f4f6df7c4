/** What the formats of detections have in common: which field they write, its classes, and boxes that are none. */

import { extname } from "node:path";
import type { ExportOptions } from "../dataset/io-port.ts";
import type { Detection, Detections } from "../dataset/labels.ts";
import type { Sample } from "../dataset/sample.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { NearsightError } from "../errors.ts";
import type { BoundingBox } from "../media/input-spec.ts";

/** Field that labels are put in where the caller names none. */
export const DEFAULT_LABEL_FIELD = "ground_truth";

/** The Detections field to write: the one named, else the only one. FIELD_NOT_FOUND, FIELD_TYPE_MISMATCH, INVALID_ARGUMENT. */
export async function detectionsField(samples: SampleCollection, options: ExportOptions): Promise<string> {
  const fields = await samples.dataset.fields();
  const fitting = fields.filter(({ type }) => type === "detections").map(({ name }) => name);
  const hint =
    fitting.length === 0 ? "Add detections first" : `Pass labelField: one of ${fitting.join(", ")}`;
  const { labelField } = options;
  if (labelField !== undefined) {
    if (fitting.includes(labelField)) return labelField;
    const type = fields.find(({ name }) => name === labelField)?.type;
    throw new NearsightError({
      code: type === undefined ? "FIELD_NOT_FOUND" : "FIELD_TYPE_MISMATCH",
      message: `Expected a field with detections but '${labelField}' is ${type === undefined ? "not there" : `a ${type} field`}`,
      hint,
    });
  }
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected one field with detections but found ${fitting.length}`,
    hint,
  });
}

/** The classes to number: those of the options, else those that occur, sorted. */
export async function classesOf(
  samples: SampleCollection,
  field: string,
  options: ExportOptions,
): Promise<readonly string[]> {
  return options.classes ?? (await samples.distinct<string>(`${field}.detections.label`));
}

/** The detections of a sample, or null where it has none of that field. */
export function detectionsOf(sample: Sample, field: string): readonly Detection[] | null {
  return sample.get<Detections>(field)?.detections ?? null;
}

/** Why four numbers are no box on a picture, or null where they are one; as relative left, top, width, height. */
export function boxProblem([left, top, width, height]: BoundingBox): string | null {
  if (![left, top, width, height].every(Number.isFinite)) return "its box is not four finite numbers";
  if (width < 0 || height < 0) return "its box has a negative width or height";
  const isOutside = left >= 1 || top >= 1 || left + width < 0 || top + height < 0;
  return isOutside ? "its box lies outside of the picture" : null;
}

/** A file name with another ending. */
export function withEnding(path: string, ending: string): string {
  return path.slice(0, path.length - extname(path).length) + ending;
}

/** Splits of a data set: by tags, by the values of a field, or as views; and which split each entry is in. */

import type { Splits } from "../../dataset/duplicates-port.ts";
import { F } from "../../dataset/field.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { NearsightError } from "../../errors.ts";
import type { FilterValue } from "../../filter.ts";
import type { EntryRows } from "./entry-rows.ts";

/** In no split. */
const NONE = -1;
/** In several at once. */
const SEVERAL = -2;

/** The view of each split by its name. FIELD_NOT_FOUND, FIELD_TYPE_MISMATCH, INVALID_ARGUMENT for fewer than two. */
export async function splitViews(
  samples: SampleCollection,
  splits: Splits,
): Promise<Readonly<Record<string, SampleCollection>>> {
  const views = await namedViews(samples, splits);
  if (views.length < 2) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected two splits or more but found ${views.length === 0 ? "none" : `only '${views[0]?.[0]}'`}`,
      hint: 'Give tags, such as ["train", "test"], a field with one value for each split, or views by name',
    });
  }
  // Names come from the data: one may be "__proto__".
  return Object.fromEntries(views);
}

async function namedViews(
  samples: SampleCollection,
  splits: Splits,
): Promise<readonly (readonly [string, SampleCollection])[]> {
  if (typeof splits === "string") return fieldViews(samples, splits);
  if (isTags(splits)) return [...new Set(splits)].map((tag) => [tag, samples.matchTags(tag)] as const);
  return Object.entries(splits);
}

function isTags(splits: Exclude<Splits, string>): splits is readonly string[] {
  return Array.isArray(splits);
}

async function fieldViews(
  samples: SampleCollection,
  field: string,
): Promise<readonly (readonly [string, SampleCollection])[]> {
  const type = field === "tags" ? "list" : await fieldType(samples, field);
  const values = await samples.distinct<FilterValue>(field);
  return values.map((value) => {
    const holds = type === "list" ? F(field).contains(value) : F(field).eq(value);
    return [String(value), samples.match(holds)] as const;
  });
}

async function fieldType(samples: SampleCollection, field: string): Promise<string> {
  const fields = await samples.dataset.fields();
  const type = fields.find((known) => known.name === field)?.type;
  if (type === "string" || type === "number" || type === "boolean" || type === "list") return type;
  throw new NearsightError({
    code: type === undefined ? "FIELD_NOT_FOUND" : "FIELD_TYPE_MISMATCH",
    message: `Expected a field with one value for each split but ${type === undefined ? `there is no field '${field}'` : `'${field}' is a ${type} field`}`,
    hint: "Name a field of texts, numbers or lists, or give tags or views",
  });
}

/** The split of each row, and what is to be said about it. */
export interface SplitCodes {
  /** By place: rows of different splits have different numbers; -1 for none, -2 for several. */
  readonly codes: Int32Array;
  /** Samples in several splits, and samples of splits that the index lacks. */
  readonly overlapping: number;
  readonly missing: number;
}

export async function splitCodes(
  rows: EntryRows,
  views: Readonly<Record<string, SampleCollection>>,
): Promise<SplitCodes> {
  const codes = new Int32Array(rows.ids.length).fill(NONE);
  const missing = new Set<string>();
  for (const [split, view] of Object.values(views).entries()) {
    for await (const page of view.ids()) {
      for (const { sampleId } of page) {
        const place = rows.places.get(sampleId);
        if (place === undefined) missing.add(sampleId);
        else codes[place] = codes[place] === NONE || codes[place] === split ? split : SEVERAL;
      }
    }
  }
  return { codes, overlapping: codes.filter((code) => code === SEVERAL).length, missing: missing.size };
}

/** True where two entries with these codes are in different splits. */
export function isAcross(a: number, b: number): boolean {
  return a !== NONE && b !== NONE && (a !== b || a === SEVERAL);
}

/** True for an entry that is a leak by itself. */
export function isInSeveral(code: number): boolean {
  return code === SEVERAL;
}

/** Reads the samples of a view with their vectors, and says which fields an export takes. */

import type { ExportOptions, IoFailure } from "../dataset/io-port.ts";
import type { Sample } from "../dataset/sample.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { type ErrorCode, isNearsightError, NearsightError } from "../errors.ts";
import type { FieldRecord, FieldType } from "../store/store.ts";

/** Samples whose vectors are read together. */
const SAMPLES_PER_PAGE = 500;

/** A sample, and its vectors by field: fields where it has none are absent. */
export interface FullSample {
  readonly sample: Sample;
  readonly vectors: Readonly<Record<string, Float32Array>>;
}

/** Every sample in the order of the view with its vectors of these fields, read in pages. */
export async function* fullSamples(
  samples: SampleCollection,
  vectorFields: readonly string[],
): AsyncGenerator<FullSample, void, undefined> {
  let page: Sample[] = [];
  for await (const sample of samples) {
    page.push(sample);
    if (page.length < SAMPLES_PER_PAGE) continue;
    yield* withVectors(samples, page, vectorFields);
    page = [];
  }
  yield* withVectors(samples, page, vectorFields);
}

async function* withVectors(
  samples: SampleCollection,
  page: readonly Sample[],
  fields: readonly string[],
): AsyncGenerator<FullSample, void, undefined> {
  const vectors = page.map((): Record<string, Float32Array> => ({}));
  const places = new Map(page.map(({ id }, i) => [id, i]));
  for (const field of page.length === 0 ? [] : fields) {
    const found = await samples.dataset.getVectors(field, page);
    found.ids.forEach((id, row) => {
      const own = vectors[places.get(id) ?? -1];
      if (own !== undefined) own[field] = found.vectors.row(row);
    });
  }
  for (const [i, sample] of page.entries()) yield { sample, vectors: vectors[i] ?? {} };
}

/** Names of the vector fields to write: the one of the options, or all. FIELD_NOT_FOUND */
export function vectorFieldsOf(
  fields: readonly FieldRecord[],
  { embeddingsField }: Pick<ExportOptions, "embeddingsField">,
): string[] {
  const names = namesOf(fields, ["vector"]);
  if (embeddingsField === undefined) return names;
  if (names.includes(embeddingsField)) return [embeddingsField];
  throw fieldNotFound(`the vector field '${embeddingsField}'`, names, { embeddingsField });
}

/** The field of the options, or the only one of these types. FIELD_NOT_FOUND, INVALID_ARGUMENT where there are several. */
export function onlyField(
  fields: readonly FieldRecord[],
  types: readonly FieldType[],
  option: "labelField" | "embeddingsField",
  options: ExportOptions,
): string {
  const names = namesOf(fields, types);
  const wanted = options[option];
  if (wanted !== undefined && names.includes(wanted)) return wanted;
  const what = `a field of type ${types.join(" or ")}`;
  if (wanted !== undefined) throw fieldNotFound(`${what} named '${wanted}'`, names, { [option]: wanted });
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  if (only === undefined) throw fieldNotFound(what, names, {});
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected one ${what.slice(2)} to export but found ${names.length}: ${names.slice(0, 10).join(", ")}`,
    hint: `Name one as ${option}`,
  });
}

function namesOf(fields: readonly FieldRecord[], types: readonly FieldType[]): string[] {
  return fields.filter(({ type }) => types.includes(type)).map(({ name }) => name);
}

function fieldNotFound(
  what: string,
  names: readonly string[],
  details: Record<string, unknown>,
): NearsightError {
  return new NearsightError({
    code: "FIELD_NOT_FOUND",
    message: `Expected ${what} to export but found none`,
    hint:
      names.length === 0
        ? "Choose a format that needs no such field"
        : `Fields that fit: ${names.slice(0, 10).join(", ")}`,
    details,
  });
}

const ITEM_FAULTS: readonly ErrorCode[] = ["MEDIA_NOT_FOUND", "MEDIA_INVALID", "LIMIT_EXCEEDED"];

/** What the file system says of one file alone: it vanished, may not be read, or has a name that is too long. */
const FILE_FAULTS: readonly unknown[] = ["ENOENT", "EACCES", "ENAMETOOLONG"];

/** The report of an error that is the fault of one sample; other errors are thrown again. */
export function sampleFailure(error: unknown, path: string): IoFailure {
  const ours = isNearsightError(error) && ITEM_FAULTS.includes(error.code);
  if (ours || FILE_FAULTS.includes((error as NodeJS.ErrnoException).code)) {
    return { path, reason: (error as Error).message };
  }
  throw error;
}

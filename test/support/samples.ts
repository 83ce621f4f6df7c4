/** Samples for tests of formats: arbitrary ones, and what of them must come back. */

import fc from "fast-check";
import type { Dataset } from "../../core/dataset/dataset.ts";
import type { SampleInput } from "../../core/dataset/sample-input.ts";

/** Texts with everything that breaks parsers; no U+0000 and no lone surrogates, which no data set keeps. */
export const hostileText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.replaceAll("\0", "")),
  fc.constantFrom("", " ", "a,b", 'say "hi"', "two\nlines", "\r\n", "\ufeffmark", "1", "-0", "true", "null"),
  fc.constantFrom("[1,2]", '{"a":1}', '"quoted"', "1e5", "007", "🙂", "é", "e\u0301", "=1+1", "__proto__"),
);

const numbers = fc.oneof(
  fc.constantFrom(0, 1e-300, 5e-324, 2 ** 53, 2 ** 60, -(2 ** 63), 1e21, 1.5, -1, 0.1, Number.MAX_VALUE),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
);

const attributes = fc.dictionary(fc.constantFrom("occluded", "a b", "ü"), fc.oneof(hostileText, numbers), {
  noNullPrototype: true,
});

const tags = fc.uniqueArray(hostileText, { maxLength: 3 });

const classification = fc.record(
  {
    _cls: fc.constant("Classification" as const),
    label: hostileText,
    confidence: fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0),
    tags,
    attributes,
  },
  { requiredKeys: ["_cls", "label"], noNullPrototype: true },
);

const unit = fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0);
const detection = fc.record(
  { label: hostileText, boundingBox: fc.tuple(unit, unit, unit, unit), confidence: unit, tags, attributes },
  { requiredKeys: ["label", "boundingBox"], noNullPrototype: true },
);

const json = fc.oneof(hostileText, numbers, fc.boolean());

/** Fields of every type, each missing in some samples. */
const fieldsArbitrary = fc.record(
  {
    text: hostileText,
    number: numbers,
    boolean: fc.boolean(),
    list: fc.array(json, { maxLength: 4 }),
    object: fc.dictionary(fc.constantFrom("a", "b c", "ü", "_cls"), json, { noNullPrototype: true }),
    "a name, 'with' {signs}": hostileText,
    ground_truth: classification,
    predictions: fc.record(
      { _cls: fc.constant("Detections" as const), detections: fc.array(detection, { maxLength: 3 }) },
      { noNullPrototype: true },
    ),
    embeddings: fc.float32Array({ minLength: 3, maxLength: 3, noNaN: true, noDefaultInfinity: true }),
    other: fc.float32Array({ minLength: 1, maxLength: 1, noNaN: true, noDefaultInfinity: true }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** Samples without files: their paths are never opened. */
export const samplesArbitrary: fc.Arbitrary<SampleInput[]> = fc
  .array(fc.tuple(hostileText, tags, fieldsArbitrary), { minLength: 1, maxLength: 6 })
  .map((rows) =>
    rows.map(([name, sampleTags, fields], i) => ({
      ...fields,
      filepath: `/pictures/${i} ${name.replaceAll("/", "")}.jpg`,
      tags: sampleTags,
    })),
  );

/** All that a data set holds of its samples, vectors as bytes, to compare. */
export async function contentsOf(dataset: Dataset, vectorFields: readonly string[] = []) {
  const contents: Record<string, unknown>[] = [];
  for await (const { id, filepath, mediaType, tags: sampleTags, fields } of dataset) {
    const row: Record<string, unknown> = { id, filepath, mediaType, tags: sampleTags, fields };
    for (const field of vectorFields) {
      const { ids, vectors } = await dataset.getVectors(field, id);
      row[`vector of ${field}`] =
        ids.length === 0 ? null : Buffer.from(vectors.row(0).slice().buffer).toString("hex");
    }
    contents.push(row);
  }
  return contents;
}

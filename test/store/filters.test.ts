/** Compares compiled filters with a plain evaluation in JavaScript, on random samples and filters. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { newId } from "../../core/ids.ts";
import type { LabelRecord, NewSample } from "../../core/store/store.ts";
import { holds, type Reader, reader } from "../support/filter-meaning.ts";
import { conditions, filters, filterValues } from "../support/random-filters.ts";
import { EVERYTHING, useStore } from "./helpers.ts";

const files = useStore();

// Few different values, so that random filters often hold.
const texts = fc.constantFrom(
  "",
  "a",
  "A",
  "ab",
  "Äb",
  "äB",
  "z'\"`--",
  "%_",
  "𝒳",
  "\uFFFD",
  "1",
  "true",
  "null",
);
const numbers = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.1, 0.30000000000000004, 2 ** 53, 1e300),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const scalars = filterValues(texts, numbers);

const fieldsOf = fc.record(
  {
    text: fc.oneof(texts, fc.constant(null)),
    number: fc.oneof(numbers, fc.constant(null)),
    flag: fc.oneof(fc.boolean(), fc.constant(null)),
    list: fc.array(scalars, { maxLength: 3 }),
    inner: fc.record({ deep: scalars }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
const labelOf = fc.record({
  label: texts,
  confidence: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  attributes: fc.record({ extra: scalars }, { requiredKeys: [] }),
});
const sampleOf = fc.record({
  fields: fieldsOf,
  tags: fc.uniqueArray(texts, { maxLength: 3 }),
  boxes: fc.option(fc.array(labelOf, { maxLength: 3 })),
});
type Model = typeof sampleOf extends fc.Arbitrary<infer Value> ? Value : never;

const SAMPLE_PATHS = ["text", "number", "flag", "list", "inner.deep", "inner", "tags", "filepath"];
const LABEL_PATHS = ["label", "confidence", "extra", "attributes.extra", "missing"];
const onPaths = (paths: readonly string[]) => conditions(fc.constantFrom(...paths), texts, numbers);

const onLabels = fc.record({
  op: fc.constant("labels" as const),
  field: fc.constant("boxes"),
  where: filters(onPaths(LABEL_PATHS)),
});
const onSamples = filters(
  fc.oneof({ weight: 4, arbitrary: onPaths(SAMPLE_PATHS) }, { weight: 1, arbitrary: onLabels }),
);

function toNewSample({ fields, tags, boxes }: Model, i: number): NewSample {
  const id = newId();
  const labels = (boxes ?? []).map(
    (box): LabelRecord => ({
      ...box,
      id: newId(),
      sampleId: id,
      field: "boxes",
      kind: "detection",
      boundingBox: [0, 0, 1, 1],
      tags: [],
    }),
  );
  const labelFields = boxes === null ? {} : { boxes: "detections" as const };
  return { id, filepath: `/${i}.jpg`, uri: null, mediaType: "image", tags, fields, labels, labelFields };
}

function labelReader(box: NonNullable<Model["boxes"]>[number]): Reader {
  return reader({ ...box.attributes, ...box });
}

// So that every field is known, whatever the random samples have.
const FULL: Model = {
  fields: { text: "a", number: 1, flag: true, list: [1], inner: { deep: 1 } },
  tags: ["a"],
  boxes: [],
};

test("a compiled filter finds what plain JavaScript finds", async () => {
  let matched = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(sampleOf, { maxLength: 8 }),
      fc.array(onSamples, { minLength: 5, maxLength: 15 }),
      async (random, list) => {
        const models = [FULL, ...random];
        const dataset = await files.store.datasets.create(newId());
        await files.store.samples.add(dataset.id, models.map(toNewSample));
        for (const filter of list) {
          const found = await files.store.samples.values(
            dataset.id,
            [{ stage: "match", filter }],
            "filepath",
            EVERYTHING,
          );
          const expected = models.flatMap((model, i) => {
            const read = reader({ ...model.fields, tags: model.tags, filepath: `/${i}.jpg` });
            return holds(filter, read, (model.boxes ?? []).map(labelReader)) ? [`/${i}.jpg`] : [];
          });
          matched += expected.length;
          expect(found).toEqual(expected);
        }
        await files.store.datasets.delete(dataset.id);
      },
    ),
    { numRuns: 150 },
  );
  expect(matched).toBeGreaterThan(100);
});

test("filterLabels keeps the labels that plain JavaScript keeps", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(sampleOf, { maxLength: 6 }),
      fc.array(filters(onPaths(LABEL_PATHS)), { minLength: 1, maxLength: 3 }),
      async (random, list) => {
        const models = [FULL, ...random];
        const dataset = await files.store.datasets.create(newId());
        await files.store.samples.add(dataset.id, models.map(toNewSample));
        const stages = list.map((filter) => ({ stage: "filterLabels" as const, field: "boxes", filter }));
        const kept = models.map((model, i) => ({
          path: `/${i}.jpg`,
          labels: (model.boxes ?? [])
            .filter((box) => list.every((filter) => holds(filter, labelReader(box), [])))
            .map((box) => box.label),
        }));
        const rows = await files.store.samples.rows(dataset.id, stages, EVERYTHING);
        const seen = rows.map(({ sample }) => ({
          path: sample.filepath,
          labels: (sample.labels.boxes ?? []).map((label) => label.label),
        }));
        expect(seen).toEqual(kept.filter(({ labels }) => labels.length > 0));
        const patches = await files.store.samples.values(
          dataset.id,
          [...stages, { stage: "toPatches", field: "boxes" }],
          "label",
          EVERYTHING,
        );
        expect(patches).toEqual(kept.flatMap(({ labels }) => labels));
        await files.store.datasets.delete(dataset.id);
      },
    ),
    { numRuns: 100 },
  );
});

/** SQLite and PostgreSQL give the same rows in the same order, values and counts, whatever is stored and asked. */

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../core/ids.ts";
import { openPostgresStore } from "../../core/store/postgres-store.ts";
import { openSqliteStore } from "../../core/store/sqlite-store.ts";
import type { MetadataStore, NewSample, StoreStage } from "../../core/store/store.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { postgresAddress, schemaOf } from "../support/temporary-store.ts";
import { EVERYTHING, newLabel, newSample } from "./helpers.ts";

let stores: MetadataStore[];

beforeAll(async () => {
  stores = [
    await openSqliteStore({ folder: temporaryFolder() }),
    await openPostgresStore({ url: schemaOf(postgresAddress() ?? "", newId()) }),
  ];
});
afterAll(async () => {
  for (const store of stores) await store.close();
});

// Words that English, ASCII and bytes put in different orders.
const texts = fc.oneof(
  fc.constantFrom(
    "",
    "a",
    "A",
    "b",
    "Z",
    "ä",
    "Ä",
    "z",
    "_",
    "-",
    "a b",
    "ab",
    "a-b",
    "é",
    "e\u0301",
    "𝒳",
    "\uFFFD",
    "İ",
    "ß",
  ),
  fc.string({ unit: "grapheme", maxLength: 4 }).filter((text) => !text.includes("\0") && text.isWellFormed()),
);
const numbers = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.1, 0.30000000000000004, 2 ** 53, 1e300, 5e-324),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const scalars = fc.oneof(texts, numbers, fc.boolean(), fc.constant(null));
const sampleOf = fc.record({
  fields: fc.record(
    {
      text: texts,
      number: numbers,
      flag: fc.boolean(),
      list: fc.array(texts, { maxLength: 2 }),
      inner: fc.record({ mixed: fc.oneof(scalars, fc.array(texts, { maxLength: 2 })) }),
    },
    { requiredKeys: [] },
  ),
  tags: fc.uniqueArray(texts, { maxLength: 3 }),
  scene: fc.option(texts),
  boxes: fc.array(
    fc.record({ label: texts, confidence: fc.option(fc.double({ min: 0, max: 1, noNaN: true })) }),
    { maxLength: 3 },
  ),
});
type Model = typeof sampleOf extends fc.Arbitrary<infer Value> ? Value : never;

function toNewSample({ fields, tags, scene, boxes }: Model, i: number): NewSample {
  const sample = newSample({ filepath: `/${(i * 7) % 5}.jpg`, tags, fields });
  const labels = boxes.map((box) => newLabel({ sampleId: sample.id, ...box }));
  if (scene === null) return { ...sample, labels, labelFields: { boxes: "detections" } };
  const own = newLabel({ sampleId: sample.id, label: scene, ...SCENE });
  const labelFields = { boxes: "detections", scene: "classification" } as const;
  return { ...sample, labels: [...labels, own], labelFields };
}

const SCENE = { field: "scene", kind: "classification", boundingBox: null } as const;

/** So that every field is known, whatever the random samples have. */
const FULL: Model = {
  fields: { text: "a", number: 1, flag: true, list: ["a"], inner: { mixed: 1 } },
  tags: ["a"],
  scene: "a",
  boxes: [{ label: "a", confidence: 0.5 }],
};

const paths = fc.constantFrom(
  "text",
  "number",
  "flag",
  "list",
  "inner.mixed",
  "filepath",
  "scene.label",
  "id",
);
const boxPaths = fc.constantFrom("label", "confidence", "area", "sample.text", "sample_id");
const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const cuts = fc.oneof(
  fc.record({ stage: fc.constant("limit" as const), count: fc.nat(8) }),
  fc.record({ stage: fc.constant("skip" as const), count: fc.nat(4) }),
  fc.record({ stage: fc.constant("shuffle" as const), seed: seeds }),
  fc.record({ stage: fc.constant("take" as const), size: fc.nat(8), seed: seeds }),
);
const sorted = (fields: fc.Arbitrary<string>) =>
  fc.record({ stage: fc.constant("sortBy" as const), field: fields, reverse: fc.boolean() });
const views: fc.Arbitrary<StoreStage[]> = fc
  .record({
    samples: fc.array(fc.oneof(cuts, sorted(paths)), { maxLength: 3 }),
    boxes: fc.option(fc.array(fc.oneof(cuts, sorted(boxPaths)), { maxLength: 3 })),
  })
  .map(({ samples, boxes }) =>
    boxes === null ? samples : [...samples, { stage: "toPatches", field: "boxes" }, ...boxes],
  );

/** What a store says of a view, in full. */
async function described({ samples }: MetadataStore, datasetId: string, stages: readonly StoreStage[]) {
  const isOfPatches = stages.some(({ stage }) => stage === "toPatches");
  const [value, counted] = isOfPatches ? ["sample.inner.mixed", "label"] : ["inner.mixed", "boxes.label"];
  return {
    ids: await samples.rowIds(datasetId, stages, null),
    rows: await samples.rows(datasetId, stages, EVERYTHING),
    values: await samples.values(datasetId, stages, value, EVERYTHING),
    counts: await samples.countValues(datasetId, stages, counted),
  };
}

test("views have the same rows in the same order, with the same values and counts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(sampleOf, { maxLength: 10 }),
      fc.array(views, { minLength: 3, maxLength: 6 }),
      async (random, list) => {
        const samples = [FULL, ...random].map(toNewSample);
        const datasets = [];
        for (const store of stores) {
          const { id } = await store.datasets.create(newId());
          await store.samples.add(id, samples);
          datasets.push({ store, id });
        }
        for (const stages of list) {
          const [here, there] = await Promise.all(
            datasets.map(({ store, id }) => described(store, id, stages)),
          );
          expect(there).toEqual(here);
        }
      },
    ),
    { numRuns: 60 },
  );
});

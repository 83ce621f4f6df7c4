/** Filters of any shape over fields of any name: understood as plain JavaScript understands them, or refused; never run as SQL. */

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { checkFilter } from "../../../core/dataset/check.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F } from "../../../core/dataset/field.ts";
import { parseFilter } from "../../../core/dataset/parse-filter.ts";
import { COMPARISONS, type Filter } from "../../../core/filter.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { holds, reader } from "../../support/filter-meaning.ts";
import { filterText } from "../../support/filter-text.ts";
import { conditions, filters, filterValues } from "../../support/random-filters.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { EDGE_NUMBERS } from "./edge-numbers.ts";

let ns: Nearsight;
let count = 0;

beforeAll(async () => {
  ns = await temporaryNearsight();
});

const newDataset = () => ns.createDataset(`filters ${count++}`);

const FIELDS = [
  ...["constructor", "toString", "'; drop table samples; --", "a`b", "%", "[0]", "#-1", "$", "a b"],
  ...["select", "null", "é", "e\u0301", "😀", "v", ")) or 1=1 --"],
];
const TEXTS = [
  ...[
    "",
    "a",
    "A",
    "%",
    "_",
    "a%",
    "\\",
    "'",
    "''",
    '"',
    "`",
    "\n",
    "\u0000",
    "\\u0000",
    "x'41'",
    "?1",
    ":a",
    "$.a",
  ],
  ...[
    "1",
    "1.0",
    "0x1",
    "true",
    "null",
    "{}",
    "[]",
    "' or '1'='1",
    "*",
    "[a-z]",
    ".*",
    "^",
    "(",
    "\uffff",
    "😀",
    "é",
    "e\u0301",
  ],
  ...["ß", "SS", "İ", "i\u0307", "\u2028", "x".repeat(5_000)],
];

const texts = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: "grapheme", maxLength: 5 }));
const numbers = fc.oneof(
  fc.constantFrom(...EDGE_NUMBERS),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const values = filterValues(texts, numbers);
const fields = fc.constantFrom(...FIELDS);
/** What a database can keep. */
const stored = values.filter((value) => typeof value !== "string" || !value.includes("\0"));

/** Filters that have a text, in which `and` and `or` join at least two. */
const hostileFilters = (field: fc.Arbitrary<string>): fc.Arbitrary<Filter> =>
  filters(conditions(field, texts, numbers), 2);

describe("random filters over strange names and values", () => {
  test("find what plain JavaScript finds, as objects, as JSON and as text", async () => {
    // Every field holds one kind of value; which one, its place says.
    const kinds = [
      texts.filter((text) => !text.includes("\0")),
      numbers,
      fc.boolean(),
      fc.array(stored, { maxLength: 3 }),
    ];
    const shape = Object.fromEntries(FIELDS.map((name, i) => [name, kinds[i % kinds.length] ?? texts]));
    const samples = fc.array(fc.record(shape, { requiredKeys: [] }), { maxLength: 6 });
    let matched = 0;
    await fc.assert(
      fc.asyncProperty(
        samples,
        fc.array(hostileFilters(fields), { minLength: 5, maxLength: 12 }),
        async (rows, list) => {
          const dataset = await newDataset();
          const full = { text: "", number: 0, boolean: true, list: [] };
          const first = Object.fromEntries(FIELDS.map((name, i) => [name, Object.values(full)[i % 4]]));
          const all: Readonly<Record<string, unknown>>[] = [first, ...rows];
          const ids = await dataset.addSamples(all.map((row, i) => ({ filepath: `/${i}.jpg`, ...row })));
          for (const filter of list) {
            const expected = ids.filter((_, i) => holds(filter, reader(all[i] ?? {}), []));
            matched += expected.length;
            expect(await dataset.match(filter).values("id")).toEqual(expected);
            const stages = JSON.parse(JSON.stringify(dataset.match(filter)));
            expect(await dataset.view(stages).values("id")).toEqual(expected);
          }
          await dataset.delete();
        },
      ),
      { numRuns: 40 },
    );
    expect(matched).toBeGreaterThan(100);
    expect(await ns.datasetExists("filters 0")).toBe(false);
  });

  test("come back from their text as they were", () => {
    const printable = fields.filter((name) => !name.includes("`"));
    fc.assert(
      fc.property(hostileFilters(printable), (filter) => {
        // JSON has no -0.
        expect(parseFilter(filterText(filter))).toEqual(JSON.parse(JSON.stringify(filter)));
        expect(parseFilter(JSON.stringify(filter))).toEqual(JSON.parse(JSON.stringify(filter)));
      }),
      { numRuns: 500 },
    );
  });

  test("whatever JSON comes, it is a filter or INVALID_FILTER", () => {
    const ops = fc.constantFrom(
      "compare",
      "in",
      "exists",
      "contains",
      "and",
      "or",
      "not",
      "labels",
      "__proto__",
      "x",
    );
    const member = fc.constantFrom(
      "op",
      "field",
      "value",
      "values",
      "filters",
      "filter",
      "where",
      "comparison",
      "__proto__",
    );
    const nodes = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(values, ops, fc.constantFrom(...COMPARISONS)),
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(member, tie("node"), { maxKeys: 4 }),
      ),
    })).node;
    fc.assert(
      fc.property(nodes, (node) => {
        try {
          expect(checkFilter(node)).toEqual(node);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_FILTER", hint: expect.any(String) });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("names of fields that do not exist", () => {
  let dataset: Dataset;
  beforeAll(async () => {
    dataset = await newDataset();
    await dataset.addSample({ filepath: "/a.jpg", text: "a", inner: { deep: 1 } });
  });

  test.each([
    "constructor",
    "__proto__",
    "hasOwnProperty",
    "1=1",
    "text' or '1'='1",
    "s.id",
    "samples.id",
    "rowid",
    "*",
  ])("%s is FIELD_NOT_FOUND", async (name) => {
    for (const view of [dataset.match(F(name).exists()), dataset.sortBy(name), dataset.exists(name)]) {
      await expect(view.count()).rejects.toMatchObject({ code: "FIELD_NOT_FOUND" });
    }
    await expect(dataset.values(name)).rejects.toMatchObject({ code: "FIELD_NOT_FOUND" });
    await expect(dataset.toPatches(name).count()).rejects.toMatchObject({ code: "FIELD_NOT_FOUND" });
  });

  test.each(['inner."deep', "inner.a\\b", "inner.a\u0001", "inner.", "inner..deep", 'text") or 1=1 --.x"'])(
    "%j is refused",
    async (path) => {
      await expect(dataset.match(F(path).exists()).count()).rejects.toMatchObject({
        code: expect.stringMatching(/INVALID_FILTER|FIELD_NOT_FOUND/),
      });
    },
  );

  test("members that are not there, of every name, are missing", async () => {
    for (const name of ["constructor", "__proto__", "length", "[0]", "$", "#-1", "%"]) {
      expect(await dataset.match(F(`inner.${name}`).exists()).count()).toBe(0);
      expect(await dataset.match(F(`text.${name}`).eq(null)).count()).toBe(1);
    }
  });
});

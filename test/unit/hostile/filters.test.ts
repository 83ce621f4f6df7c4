/** Filters and views from outside: understood as plain JavaScript understands them, or refused; never run as SQL. */

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { checkFilter } from "../../../core/dataset/check.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F, not } from "../../../core/dataset/field.ts";
import { parseFilter } from "../../../core/dataset/parse-filter.ts";
import { COMPARISONS, type Filter, type FilterValue } from "../../../core/filter.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { holds, reader } from "../../support/filter-meaning.ts";
import { filterText } from "../../support/filter-text.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

let ns: Nearsight;
let count = 0;

beforeAll(async () => {
  ns = await temporaryNearsight();
});

const newDataset = () => ns.createDataset(`filters ${count++}`);

const FIELDS = [
  ...["constructor", "toString", "'; drop table samples; --", "a`b", "%", "[0]", "#-1", "$", "a b"],
  ...["select", "null", "é", "e\u0301", "😀", "v.x\u200b".slice(0, 1), ")) or 1=1 --"],
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
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.1,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 63),
  1.7976931348623157e308,
  5e-324,
  1e21,
  1e-7,
];

const texts = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: "grapheme", maxLength: 5 }));
const numbers = fc.oneof(fc.constantFrom(...NUMBERS), fc.double({ noNaN: true, noDefaultInfinity: true }));
const values: fc.Arbitrary<FilterValue> = fc.oneof(texts, numbers, fc.boolean(), fc.constant(null));
const fields = fc.constantFrom(...FIELDS);
/** What a database can keep. */
const stored = values.filter((value) => typeof value !== "string" || !value.includes("\0"));

function conditions(field: fc.Arbitrary<string>): fc.Arbitrary<Filter> {
  const ordered = fc.constantFrom(...COMPARISONS.filter((one) => one !== "eq" && one !== "ne"));
  const [compare, isIn] = [fc.constant("compare" as const), fc.constant("in" as const)];
  return fc.oneof(
    fc.record({
      op: compare,
      field,
      comparison: fc.constantFrom("eq" as const, "ne" as const),
      value: values,
    }),
    fc.record({ op: compare, field, comparison: ordered, value: fc.oneof(texts, numbers) }),
    fc.record({ op: isIn, field, values: fc.array(values, { maxLength: 4 }) }),
    fc.record({ op: fc.constant("exists" as const), field }),
    fc.record({ op: fc.constant("contains" as const), field, value: values }),
    fc.record({ op: fc.constant("startsWith" as const), field, value: texts }),
    fc.record({ op: fc.constant("matches" as const), field, value: texts }),
  );
}

function filters(field: fc.Arbitrary<string>): fc.Arbitrary<Filter> {
  return fc.letrec<{ filter: Filter }>((tie) => {
    const parts = fc.array(tie("filter"), { minLength: 2, maxLength: 3 });
    return {
      filter: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        conditions(field),
        fc.record({ op: fc.constant("and" as const), filters: parts }),
        fc.record({ op: fc.constant("or" as const), filters: parts }),
        fc.record({ op: fc.constant("not" as const), filter: tie("filter") }),
      ),
    };
  }).filter;
}

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
        fc.array(filters(fields), { minLength: 5, maxLength: 12 }),
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
      fc.property(filters(printable), (filter) => {
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

describe("views from outside", () => {
  let dataset: Dataset;
  beforeAll(async () => {
    dataset = await newDataset();
    await dataset.addSamples([{ filepath: "/a.jpg" }, { filepath: "/b.jpg" }]);
  });

  const nested = (depth: number): Filter => {
    let filter: Filter = { op: "exists", field: "filepath" };
    for (let i = 0; i < depth; i++) filter = { op: "not", filter };
    return filter;
  };
  const refusal = (json: unknown): unknown => {
    try {
      return dataset.view(json as never);
    } catch (error) {
      return error;
    }
  };

  test.each<[string, unknown]>([
    ["null", null],
    ["a number", 5],
    ["a text", "limit"],
    ["a list", []],
    ["nothing", {}],
    ["stages that are no list", { stages: { length: 1 } }],
    ["a stage of null", { stages: [null] }],
    ["a stage of text", { stages: ["limit"] }],
    ["a stage without a name", { stages: [{}] }],
    ["a stage of another name", { stages: [{ stage: "constructor" }] }],
    ["a version of text", { version: "1", stages: [] }],
    ["version 0", { version: 0, stages: [] }],
    ["version NaN", { version: Number.NaN, stages: [] }],
    ["a newer version", { version: 2, stages: [] }],
    ["a misspelt member", { stages: [{ stage: "limit", count: 1, reversed: true }] }],
    ["a member __proto__", JSON.parse('{"stages":[{"stage":"limit","count":1,"__proto__":{"x":1}}]}')],
    [
      "a name of a distance that is __proto__",
      { stages: [{ stage: "sortBySimilarity", query: { id: "x" }, distField: "__proto__" }] },
    ],
    ["a search without a query", { stages: [{ stage: "sortBySimilarity" }] }],
    ["a search for null", { stages: [{ stage: "sortBySimilarity", query: null }] }],
    ["a bare search for a number", { stages: [{ stage: "sortBySimilarity", query: { bare: 5 } }] }],
    ["k of half", { stages: [{ stage: "sortBySimilarity", query: { id: "x" }, k: 0.5 }] }],
    ["a limit of 1e300", { stages: [{ stage: "limit", count: 1e300 }] }],
    ["half a surrogate pair", { stages: [{ stage: "select", ids: ["\ud800"] }] }],
  ])("%s is INVALID_ARGUMENT", (_, json) => {
    expect(refusal(json)).toMatchObject({ code: "INVALID_ARGUMENT", hint: expect.any(String) });
  });

  test.each<[string, unknown]>([
    ["no filter", undefined],
    ["a member __proto__", JSON.parse('{"op":"exists","field":"a","__proto__":{"op":"exists"}}')],
    ["Infinity", { op: "compare", field: "a", comparison: "lt", value: Number.POSITIVE_INFINITY }],
    ["half a surrogate pair", { op: "compare", field: "a", comparison: "eq", value: "\ud800" }],
    ["half a pair in a name", { op: "exists", field: "\udc00" }],
    ["a name without end", { op: "exists", field: "x".repeat(257) }],
    ["depth beyond the limit", nested(40)],
    ["depth beyond any stack", nested(100_000)],
  ])("a match with %s is INVALID_FILTER", (_, filter) => {
    for (const stage of [
      { stage: "match", filter },
      { stage: "filterLabels", field: "f", filter },
    ]) {
      expect(refusal({ stages: [stage] })).toMatchObject({
        code: "INVALID_FILTER",
        hint: expect.any(String),
      });
    }
    expect(() => dataset.match(filter as never)).toThrowError(
      expect.objectContaining({ code: "INVALID_FILTER" }),
    );
    expect(() => not(filter as never)).toThrowError(expect.objectContaining({ code: "INVALID_FILTER" }));
  });

  test("depth up to the limit is taken", async () => {
    expect(await dataset.match(nested(32)).count()).toBe(2);
    expect(await dataset.view({ stages: [{ stage: "match", filter: nested(31) }] }).count()).toBe(0);
  });

  test("parts that are shared do not multiply", () => {
    let filter: Filter = { op: "exists", field: "filepath" };
    for (let i = 0; i < 31; i++) filter = { op: "and", filters: [filter, filter] };
    expect(() => dataset.match(filter)).toThrowError(expect.objectContaining({ code: "INVALID_FILTER" }));
  });

  test("lists of any length are values, conditions are counted", async () => {
    const many = Array.from({ length: 200_000 }, (_, i) => `/${i}.jpg`);
    expect(await dataset.match(F("filepath").in([...many, "/b.jpg"])).count()).toBe(1);
    expect(await dataset.select([...many, ...(await dataset.values<string>("id"))]).count()).toBe(2);
    const conditions = Array.from({ length: 5_001 }, () => F("filepath").exists());
    const [first, ...rest] = conditions;
    await expect(dataset.match(first?.or(...rest) as Filter).count()).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
  });

  test("a view is what it was made of, whatever becomes of the object", async () => {
    const json = { stages: [{ stage: "match", filter: { op: "exists", field: "filepath" } }] };
    const view = dataset.view(json as never);
    Object.assign(json.stages[0]?.filter ?? {}, { field: "gone" });
    expect(await view.count()).toBe(2);
    expect(Object.prototype).not.toHaveProperty("x");
  });
});

describe("values of fields", () => {
  class Point {
    readonly x = 1;
  }
  const refused = {
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining("'v"),
    hint: expect.any(String),
  };

  test.each<[string, unknown]>([
    ["no date", new Date(Number.NaN)],
    ["a map", new Map([[1, 2]])],
    ["a set", new Set([1])],
    ["bytes", new Uint8Array(3)],
    ["whole numbers", new Int16Array(3)],
    ["a buffer", new ArrayBuffer(3)],
    ["a regular expression", /a/],
    ["a promise", Promise.resolve(1)],
    ["a boxed number", Object(5)],
    ["a symbol", Symbol("v")],
    ["a big number", 5n],
    ["a function", () => 1],
    ["infinity deep inside", { a: [{ b: Number.POSITIVE_INFINITY }] }],
    ["a map deep inside", { a: [new Map()] }],
    ["detections that are no list", { _cls: "Detections", detections: 5 }],
    ["detections that are missing", { _cls: "Detections" }],
    ["a detection of null", { _cls: "Detections", detections: [null] }],
    ["a detection of text", { _cls: "Detections", detections: ["cat"] }],
    ["a box of text", { _cls: "Detections", detections: [{ label: "a", boundingBox: "0 0 1 1" }] }],
    [
      "a box without end",
      { _cls: "Detections", detections: [{ label: "a", boundingBox: [0, 0, 1, Number.POSITIVE_INFINITY] }] },
    ],
    ["attributes of text", { _cls: "Classification", label: "a", attributes: "none" }],
    ["attributes of null", { _cls: "Classification", label: "a", attributes: null }],
    ["a confidence of text", { _cls: "Classification", label: "a", confidence: "high" }],
  ])("%s is INVALID_ARGUMENT", async (_, v) => {
    const dataset = await newDataset();
    await expect(dataset.addSample({ filepath: "/a.jpg", v })).rejects.toMatchObject(refused);
    expect(await dataset.count()).toBe(0);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["a number", 5],
    ["a text", "/a.jpg"],
    ["a list", ["/a.jpg"]],
  ])("%s is no sample", async (_, sample) => {
    const dataset = await newDataset();
    const code = "INVALID_ARGUMENT";
    await expect(dataset.addSamples([sample] as never)).rejects.toMatchObject({ code });
    expect(await dataset.count()).toBe(0);
  });

  test("one sample in place of a list is refused", async () => {
    const dataset = await newDataset();
    for (const samples of [null, 5, { filepath: "/a.jpg" }]) {
      await expect(dataset.addSamples(samples as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });

  test("objects of a class are kept as their members, numbers at the edges exactly", async () => {
    const dataset = await newDataset();
    const v = { point: new Point(), numbers: NUMBERS.filter((value) => !Object.is(value, -0)) };
    const id = await dataset.addSample({ filepath: "/a.jpg", v });
    expect((await dataset.sample(id)).get("v")).toEqual({ point: { x: 1 }, numbers: v.numbers });
  });
});

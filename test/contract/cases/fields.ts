/** Contract: fields beside the vectors, and searches that a condition on them limits. */

import { expect } from "vitest";
import type { Collection } from "../../../core/backends/backend.ts";
import type { FieldCondition, FieldValues, FilterField } from "../../../core/backends/filter-fields.ts";
import type { ContractCase } from "../backend-contract.ts";
import { batch, expectCode, floats, padded, stream } from "../context.ts";

const FIELDS: readonly FilterField[] = [
  { key: "field0_tags", kind: "texts" },
  { key: "field1_name", kind: "text" },
  { key: "field2_score", kind: "number" },
  { key: "field3_flag", kind: "boolean" },
];

const HOSTILE = "a\"b\\c' or true %*?\n\u{1F600}";

/** By the angle from `padded(1)`: `a` is the nearest. */
const VALUES: Readonly<Record<string, FieldValues | null>> = {
  a: { field0_tags: ["train", "cat"], field1_name: ["one"], field2_score: 1, field3_flag: true },
  b: { field0_tags: ["train"], field2_score: -2.5 },
  c: { field0_tags: [HOSTILE], field1_name: [HOSTILE], field2_score: 2 ** 63, field3_flag: false },
  d: { field1_name: ["cat"], field2_score: 1e300 },
  e: {},
  f: null,
};

const oneOf = (key: string, ...texts: string[]): FieldCondition => ({ op: "oneOf", key, texts });
const between = (from: number, to: number): FieldCondition => ({
  ...{ op: "between", key: "field2_score" },
  from,
  to,
});
const flag = (value: boolean): FieldCondition => ({ op: "is", key: "field3_flag", value });
const train = oneOf("field0_tags", "train");

/** Conditions with what meets them; what was written without values, `f`, goes along with all. */
const MEETING: readonly (readonly [FieldCondition, string])[] = [
  [train, "abf"],
  [oneOf("field0_tags", "cat", HOSTILE), "acf"],
  [oneOf("field0_tags", "CAT"), "f"],
  [oneOf("field0_tags", "tra"), "f"],
  [oneOf("field1_name", HOSTILE), "cf"],
  [oneOf("field1_name", ""), "f"],
  [between(-3, 1), "abf"],
  [between(1, 1), "af"],
  [between(2 ** 63, Number.MAX_VALUE), "cdf"],
  [between(-Number.MAX_VALUE, Number.MAX_VALUE), "abcdf"],
  [flag(true), "af"],
  [flag(false), "cf"],
  [{ op: "and", conditions: [train, flag(true)] }, "af"],
  [{ op: "or", conditions: [flag(false), { op: "and", conditions: [train, between(-9, 0)] }] }, "bcf"],
];

async function filled(collection: Collection): Promise<void> {
  const ids = Object.keys(VALUES);
  const rows = floats(...ids.map((_, place) => padded(1, place)));
  const report = await collection.upsert(stream({ ...batch(ids, rows), fields: Object.values(VALUES) }));
  expect(report).toEqual({ written: ids.length, failed: [] });
}

async function found(collection: Collection, condition: FieldCondition, more = {}): Promise<string> {
  const options = { k: 10, filter: { condition, unsure: [] }, ...more };
  const hits = await collection.searchWhere?.(floats(padded(1)), options);
  return (hits?.ids ?? ["null"]).join("");
}

export const FIELD_CASES: readonly ContractCase[] = [
  {
    name: "a condition leaves the entries that meet it, and those without values",
    needs: ({ filterFields }) => filterFields === true,
    async run({ make }) {
      const collection = await make({ filterFields: FIELDS });
      await filled(collection);
      for (const [condition, right] of MEETING) {
        expect([condition, await found(collection, condition)]).toEqual([condition, right]);
      }
      expect(await found(collection, train, { k: 2 })).toBe("ab");
      expect(await found(collection, train, { maxDistance: 0.5 })).toBe("ab");
    },
  },
  {
    name: "entries that nothing sure is known of go along with a condition",
    needs: ({ filterFields }) => filterFields === true,
    async run({ make }) {
      const collection = await make({ filterFields: FIELDS });
      await filled(collection);
      const filter = { condition: train, unsure: ["d", "absent", HOSTILE] };
      expect(await found(collection, train, { filter })).toBe("abdf");
    },
  },
  {
    name: "values are replaced, and removed, with their entries",
    needs: ({ filterFields }) => filterFields === true,
    async run({ make }) {
      const collection = await make({ filterFields: FIELDS });
      await filled(collection);
      const rows = floats(padded(1, 0), padded(1, 1));
      const fields = [{ field0_tags: ["val"] }, { field0_tags: ["train", "val"] }];
      await collection.upsert(stream({ ...batch(["a", "b"], rows), fields }));
      expect(await found(collection, train)).toBe("bf");
      expect(await found(collection, oneOf("field0_tags", "val"))).toBe("abf");
      await collection.upsert(stream({ ...batch(["a"], floats(padded(1, 0))), fields: [null] }));
      await collection.delete(stream(["f"]));
      expect(await found(collection, train)).toBe("ab");
    },
  },
  {
    name: "entries written as if there were no fields go along with a condition",
    needs: ({ filterFields }) => filterFields === true,
    async run({ make }) {
      const collection = await make({ filterFields: FIELDS });
      await filled(collection);
      await collection.upsert(stream(batch(["g", "d"], floats(padded(1, 0.5), padded(1, 3)))));
      expect(await found(collection, train)).toBe("agbdf");
    },
  },
  {
    name: "values for fewer or more entries than there are vectors are refused",
    needs: ({ filterFields }) => filterFields === true,
    async run({ make }) {
      const collection = await make({ filterFields: FIELDS });
      const wrong = { ...batch(["a"], floats(padded(1))), fields: [{}, {}] };
      await expectCode(() => collection.upsert(stream(wrong)), "INVALID_ARGUMENT");
    },
  },
  {
    name: "a key that is no plain name is refused",
    needs: ({ filterFields }) => filterFields === true,
    async run({ make }) {
      const filterFields: FilterField[] = [{ key: "pk or true", kind: "text" }];
      await expectCode(() => make({ filterFields }), "INVALID_ARGUMENT");
      const collection = await make({ filterFields: FIELDS });
      await expectCode(() => found(collection, oneOf("x) or (true", "a")), "INVALID_ARGUMENT");
    },
  },
  {
    name: "fields are refused",
    needs: ({ filterFields }) => filterFields !== true,
    run: ({ make }) => expectCode(() => make({ filterFields: FIELDS }), "INVALID_ARGUMENT"),
  },
];

/** Extended JSON, arrays and the reading of large JSON files piece by piece, as properties. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inflateArray, readArray, toFloat32, writeArray } from "../../../core/io/fiftyone/arrays.ts";
import {
  parsePythonJson,
  toKept,
  toPythonJson,
  toWritten,
  unreadable,
} from "../../../core/io/fiftyone/extended-json.ts";
import { jsonParts } from "../../../core/io/fiftyone/json-parts.ts";
import { writeNpy } from "../../../core/io/npy.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const special = fc.constantFrom("NaN", "Infinity", "-Infinity").map(($numberDouble) => ({ $numberDouble }));
const id = fc.stringMatching(/^[0-9a-f]{24}$/).map(($oid) => ({ $oid }));
const date = fc
  .date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
  .map((value) => ({ $date: value.toISOString() }));
const long = fc
  .bigInt({ min: 2n ** 53n + 1n, max: 2n ** 63n - 1n })
  .filter((value) => String(Number(value)) !== String(value))
  .map((value) => ({ $numberLong: String(value) }));

/** Values as data sets keep them. */
const { tree: kept } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    ...[fc.string(), fc.boolean(), fc.constant(null), fc.integer(), special, id, date, long],
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
    fc.array(tie("tree")),
    fc.dictionary(
      fc.string().filter((key) => !key.startsWith("$")),
      tie("tree"),
    ),
  ),
}));

describe("extended JSON", () => {
  test("is the same after it was written and read", () => {
    fc.assert(
      fc.property(kept, (value) => {
        expect(toKept(parsePythonJson(JSON.stringify(toWritten(value)), "a text"))).toEqual(value);
        expect(unreadable(value)).toBeNull();
      }),
    );
  });

  test("is the same with Python's bare words", () => {
    fc.assert(
      fc.property(kept, (value) => {
        expect(toKept(parsePythonJson(toPythonJson(value), "a text"))).toEqual(value);
      }),
    );
  });

  test.each([
    ['{"a": NaN, "b": "NaN \\" Infinity"}', { a: { $numberDouble: "NaN" }, b: 'NaN " Infinity' }],
    ["[9007199254740993, 1.5, 123]", [{ $numberLong: "9007199254740993" }, 1.5, 123]],
    ['["9007199254740993"]', ["9007199254740993"]],
    ['{"$numberLong": "5"}', 5],
    ['{"$numberDouble": "1.5"}', 1.5],
    ['{"$date": {"$numberLong": "-315521754322"}}', { $date: "1960-01-02T03:04:05.678Z" }],
    ['{"$date": 0}', { $date: "1970-01-01T00:00:00.000Z" }],
    ['{"$date": "2024-01-02"}', { $date: "2024-01-02" }],
    ['{"$date": "never"}', { $date: "never" }],
  ])("reads %s", (text, value) => {
    expect(toKept(parsePythonJson(text, "a text"))).toEqual(value);
  });

  test("a day is written as its midnight", () => {
    expect(toWritten({ a: [{ $date: "2024-01-02" }] })).toEqual({ a: [{ $date: "2024-01-02T00:00:00Z" }] });
  });

  test.each([
    { $price: 5 },
    { $oid: "x" },
    { $date: "never" },
    { a: [{ $numberLong: 5 }] },
    { $date: 1, b: 2 },
  ])("finds what MongoDB would misread: %j", (value) => expect(unreadable(value)).not.toBeNull());

  test("refuses text that is no JSON, whatever it is", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parsePythonJson(text, "a text");
        } catch (error) {
          expect(error).toMatchObject({ code: "MEDIA_INVALID" });
        }
      }),
    );
  });

  test("refuses values nested too deep", () => {
    expect(() => toKept(JSON.parse("[".repeat(500) + "]".repeat(500)))).toThrow(/nested/);
  });
});

describe("arrays", () => {
  test("are the same after they were written and read", () => {
    fc.assert(
      fc.property(fc.float32Array({ minLength: 1, noNaN: true, noDefaultInfinity: true }), (data) => {
        const array = readArray(JSON.parse(JSON.stringify(writeArray(data))));
        expect(array?.shape).toEqual([data.length]);
        expect(array?.data).toEqual(data);
      }),
    );
  });

  test("that are none are null", () => {
    fc.assert(
      fc.property(fc.base64String(), (text) => {
        expect(inflateArray(text)).toBeNull();
      }),
    );
    expect(inflateArray(deflateSync("no array").toString("base64"))).toBeNull();
  });

  test("that are bombs are null", () => {
    const bomb = deflateSync(Buffer.alloc(300 * 2 ** 20)).toString("base64");
    expect(inflateArray(bomb)).toBeNull();
  });

  test("say whether float32 holds them", () => {
    const array = (data: Float64Array) => inflateArray(deflateSync(writeNpy({ data })).toString("base64"));
    expect(toFloat32(array(Float64Array.of(0.5, -2)) ?? never())).toMatchObject({ exact: true });
    expect(toFloat32(array(Float64Array.of(0.1)) ?? never())).toMatchObject({ exact: false });
    expect(toFloat32(array(Float64Array.of(1, Number.NaN)) ?? never())).toBeNull();
  });
});

function never(): never {
  throw new Error("Expected an array");
}

async function partsOf(text: string | Uint8Array): Promise<unknown> {
  const path = join(temporaryFolder(), "a.json");
  writeFileSync(path, text);
  const members: [string, unknown][] = [];
  const lists = new Map<string, unknown[]>();
  for await (const { key, text: part, position } of jsonParts(path)) {
    if (position === null) members.push([key, JSON.parse(part)]);
    else {
      const list = lists.get(key) ?? [];
      expect(position).toBe(list.length);
      lists.set(key, [...list, JSON.parse(part)]);
    }
  }
  return Object.fromEntries([...members, ...lists]);
}

describe("a JSON file in parts", () => {
  const plain = fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 6 });

  test("has what JSON.parse finds, empty lists aside", async () => {
    await fc.assert(
      fc.asyncProperty(plain, fc.constantFrom(undefined, 2), async (value, indent) => {
        const filled = Object.fromEntries(
          Object.entries(value).filter(([, one]) => !(Array.isArray(one) && one.length === 0)),
        );
        expect(await partsOf(JSON.stringify(value, null, indent))).toEqual(
          JSON.parse(JSON.stringify(filled)),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("is read across the pieces that a file comes in", async () => {
    // Signs of several bytes fall on the borders of 256 KiB.
    const list = Array.from({ length: 20_000 }, (_, i) => ({ text: `☃"\\${"é".repeat(i % 40)}`, i }));
    expect(await partsOf(JSON.stringify({ a: 1, list, z: { y: [1, [2]] } }))).toEqual({
      a: 1,
      list,
      z: { y: [1, [2]] },
    });
  });

  test("is refused where it is cut off", async () => {
    const text = JSON.stringify({ a: [1, { b: "c" }], d: { e: [2] }, f: "g" });
    for (let end = 0; end < text.length; end++) {
      await expect(partsOf(text.slice(0, end))).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    }
  });

  test.each(["[1]", '{"a": 1} 2', '{"a": 1}}', '{"a": [1,]}', "{1: 2}", "null", '{"a": [1}]', '{"a" 1}'])(
    "is refused: %s",
    async (text) => {
      await expect(partsOf(text)).rejects.toThrow();
    },
  );

  test("that is not there is named", async () => {
    const reading = jsonParts(join(temporaryFolder(), "none.json")).next();
    await expect(reading).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
  });
});

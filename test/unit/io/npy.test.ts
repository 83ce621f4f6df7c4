/** .npy files of NumPy are read, ours are NumPy's byte for byte, and hostile ones are refused before memory is taken. */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type NpyData, npyHeader, readNpy, writeNpy } from "../../../core/io/npy.ts";

const FIXTURES = resolve(import.meta.dirname, "../../fixtures/io");
const fixture = (name: string) => readFileSync(join(FIXTURES, `${name}.npy`));

const signed = [-1, 0, 1, 2, 3, 4];
const unsigned = [0, 1, 2, 3, 4, 5];

test.each<[string, string, NpyData]>([
  ["bool", "bool", Uint8Array.of(0, 1, 1, 1, 1, 1)],
  ["i1", "int8", Int8Array.from(signed)],
  ["little-i2", "int16", Int16Array.from(signed)],
  ["big-i4", "int32", Int32Array.from(signed)],
  ["little-i8", "int64", BigInt64Array.from(signed, BigInt)],
  ["u1", "uint8", Uint8Array.from(unsigned)],
  ["little-u2", "uint16", Uint16Array.from(unsigned)],
  ["big-u4", "uint32", Uint32Array.from(unsigned)],
  ["little-u8", "uint64", BigUint64Array.from(unsigned, BigInt)],
  ["little-f2", "float16", Float32Array.from(signed)],
  ["big-f2", "float16", Float32Array.from(signed)],
  ["little-f4", "float32", Float32Array.from(signed)],
  ["big-f4", "float32", Float32Array.from(signed)],
  ["little-f8", "float64", Float64Array.from(signed)],
  ["big-f8", "float64", Float64Array.from(signed)],
  ["fortran", "float32", Float32Array.from(unsigned)],
  ["version-2", "float32", Float32Array.from(unsigned)],
  ["version-3", "float32", Float32Array.from(unsigned)],
])("NumPy's %s is read", (name, dtype, data) => {
  expect(readNpy(fixture(name))).toEqual({ dtype, shape: [2, 3], data });
});

test("half precision is exact, with infinities, NaN and subnormal numbers", () => {
  expect(readNpy(fixture("halves")).data).toEqual(readNpy(fixture("halves-as-f4")).data);
});

test("arrays of other dimensions come in C order", () => {
  const cube = { shape: [2, 3, 4], data: Uint8Array.from({ length: 24 }, (_, i) => i) };
  expect(readNpy(fixture("cube-fortran"))).toMatchObject(cube);
  expect(readNpy(fixture("number"))).toEqual({ dtype: "float32", shape: [], data: Float32Array.of(7) });
  expect(readNpy(fixture("empty"))).toMatchObject({ shape: [0, 5], data: new Float32Array(0) });
});

test.each(["objects", "records", "texts", "complex"])("%s are refused", (name) => {
  expect(() => readNpy(fixture(name))).toThrow(expect.objectContaining({ code: "VECTOR_INVALID" }));
});

test.each<[string, NpyData]>([
  ["little-f4", Float32Array.from(signed)],
  ["little-f8", Float64Array.from(signed)],
  ["u1", Uint8Array.from(unsigned)],
  ["little-i8", BigInt64Array.from(signed, BigInt)],
])("what is written is NumPy's %s byte for byte", (name, data) => {
  expect(Buffer.from(writeNpy({ data, shape: [2, 3] }))).toEqual(fixture(name));
});

test("any array comes back as it was written", () => {
  fc.assert(
    fc.property(
      fc.oneof<fc.Arbitrary<NpyData>[]>(
        fc.float32Array({ noNaN: true }),
        fc.float64Array({ noNaN: true }),
        fc.uint8Array(),
        fc.int32Array(),
        fc.bigInt64Array(),
      ),
      (data) => {
        const { shape, data: read } = readNpy(writeNpy({ data }));
        expect(shape).toEqual([data.length]);
        expect(read).toEqual(data);
      },
    ),
  );
});

test("a part of a larger buffer is written alone", () => {
  const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
  expect(readNpy(writeNpy({ data })).data).toEqual(Float32Array.of(1, 2));
  const bytes = new Uint8Array([7, ...writeNpy({ data })]).subarray(1);
  expect(readNpy(bytes).data).toEqual(Float32Array.of(1, 2));
});

test("truth values are marked as such", () => {
  expect(readNpy(writeNpy({ data: Uint8Array.of(1, 0), dtype: "bool" })).dtype).toBe("bool");
});

describe("hostile files", () => {
  const withHeader = (text: string, content = Buffer.alloc(0), version = 1) => {
    const header = Buffer.from(`${text}\n`, "latin1");
    const size = Buffer.alloc(version === 1 ? 2 : 4);
    if (version === 1) size.writeUInt16LE(header.length);
    else size.writeUInt32LE(header.length);
    return Buffer.concat([
      Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0`, "latin1"),
      size,
      header,
      content,
    ]);
  };
  const header = (shape: string, type = "<f4") =>
    `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`;
  const lying = Buffer.concat([Buffer.from("\x93NUMPY\x02\0", "latin1"), Buffer.from([255, 255, 255, 255])]);

  test.each<[string, Buffer]>([
    ["no magic", Buffer.from("hello")],
    ["nothing", Buffer.alloc(0)],
    ["only a magic", Buffer.from("\x93NUMPY", "latin1")],
    ["version 4", withHeader(header("(1,)"), Buffer.alloc(4), 4)],
    ["a header longer than the file", withHeader(header("(1,)")).subarray(0, 40)],
    ["a header of 4 GiB", lying],
    ["a shape past memory", withHeader(header("(1000000, 1000000, 1000000)"))],
    ["a shape past all numbers", withHeader(header(`(${"9".repeat(400)},)`))],
    ["a negative shape", withHeader(header("(-1,)"), Buffer.alloc(4))],
    ["fewer numbers than it says", withHeader(header("(3,)"), Buffer.alloc(8))],
    ["more numbers than it says", withHeader(header("(1,)"), Buffer.alloc(8))],
    ["no order", withHeader("{'descr': '<f4', 'shape': (1,)}", Buffer.alloc(4))],
    ["an unknown type", withHeader(header("(1,)", "<f16"), Buffer.alloc(16))],
    ["a type of every object", withHeader(header("(1,)", "constructor"), Buffer.alloc(4))],
    ["objects", withHeader(header("(1,)", "|O"), Buffer.from("cos\nsystem\n(S'true'\ntR."))],
    ["too many dimensions", withHeader(header(`(${"1, ".repeat(65)})`), Buffer.alloc(4))],
  ])("%s", (_, bytes) => {
    expect(() => readNpy(bytes)).toThrow(expect.objectContaining({ code: "VECTOR_INVALID" }));
  });

  test("a header of many digits and spaces takes no long time to refuse", () => {
    const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${"1 ".repeat(4_000)}x), }`;
    expect(() => readNpy(withHeader(text))).toThrow(expect.objectContaining({ code: "VECTOR_INVALID" }));
  });

  test("random bytes are refused or read, never anything else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        const bytes = Buffer.concat([npyHeader("float32", [2]), tail]);
        try {
          expect(readNpy(bytes).data).toHaveLength(2);
        } catch (error) {
          expect(error).toMatchObject({ code: "VECTOR_INVALID" });
        }
      }),
    );
  });
});

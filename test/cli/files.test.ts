/** What the command line reads from disk by itself: files of vectors. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readVector } from "../../cli/vector-file.ts";
import { temporaryFolder } from "../support/temporary.ts";

describe("vector files", () => {
  const folder = temporaryFolder();
  const file = (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  /** As `numpy.save` writes it. */
  function npy(type: string, shape: string, content: Buffer): Buffer {
    const header = `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117, " ");
    const size = Buffer.alloc(2);
    size.writeUInt16LE(header.length + 1);
    return Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00", "latin1"),
      size,
      Buffer.from(`${header}\n`),
      content,
    ]);
  }

  const floats = Buffer.from(Float32Array.of(1, -2.5, 3).buffer);
  const doubles = Buffer.from(Float64Array.of(1, -2.5, 3).buffer);

  test.each([
    ["json.json", "[1, -2.5, 3]"],
    ["row.json", "[[1, -2.5, 3]]"],
    ["four.npy", npy("<f4", "(3,)", floats)],
    ["eight.npy", npy("<f8", "(3,)", doubles)],
    ["row.npy", npy("<f4", "(1, 3)", floats)],
    ["bare.f32", floats],
  ])("%s is read", async (name, content) => {
    expect(await readVector(file(name, content))).toEqual([1, -2.5, 3]);
  });

  test.each([
    ["text.json", '["a"]'],
    ["broken.json", "[1, 2"],
    ["matrix.npy", npy("<f4", "(3, 1)", floats)],
    ["integers.npy", npy("<i8", "(3,)", doubles)],
    ["short.npy", "\u0093NUM"],
    ["odd.f32", Buffer.alloc(7)],
    ["empty.f32", ""],
    ["infinite.f32", Buffer.from(Float32Array.of(1, Number.POSITIVE_INFINITY).buffer)],
  ])("%s is refused", async (name, content) => {
    await expect(readVector(file(name, content))).rejects.toMatchObject({ code: "VECTOR_INVALID" });
  });

  test("a file that is not there is named", async () => {
    const path = join(folder, "absent.npy");
    await expect(readVector(path)).rejects.toMatchObject({
      code: "MEDIA_NOT_FOUND",
      message: expect.stringContaining(path),
    });
  });
});

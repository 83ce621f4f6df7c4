/** The passes of resampling give the same bytes in WebAssembly as in plain JavaScript, for pictures of any shape. */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { RgbImage } from "../../../core/media/image.ts";
import { loadPasses } from "../../../core/media/kernel/passes.ts";
import { type Averaging, resampleWeights } from "../../../core/media/kernel/weights.ts";
import { noisePicture } from "../../support/pictures.ts";

const simd = loadPasses();
const scalar = loadPasses("scalar");

type Span = readonly [size: number, start: number, length: number];

function both(image: RgbImage, method: Averaging, across: Span, down: Span): [Buffer, Buffer] {
  const columns = resampleWeights(method, image.width, ...across);
  const rows = resampleWeights(method, image.height, ...down);
  return [Buffer.from(simd(image, columns, rows)), Buffer.from(scalar(image, columns, rows))];
}

/** A size to resize to, and a part of it. */
const spans = fc
  .integer({ min: 1, max: 60 })
  .chain((size) =>
    fc
      .integer({ min: 0, max: size - 1 })
      .chain((start) =>
        fc.integer({ min: 1, max: size - start }).map((length): Span => [size, start, length]),
      ),
  );
const sides = fc.integer({ min: 1, max: 90 });
const methods = fc.constantFrom<Averaging>("box", "bilinear", "hamming", "bicubic", "lanczos");

test("any part of any picture", () => {
  fc.assert(
    fc.property(
      sides,
      sides,
      methods,
      spans,
      spans,
      fc.nat(),
      (width, height, method, across, down, seed) => {
        const [fast, plain] = both(noisePicture(width, height, seed), method, across, down);
        return fast.equals(plain);
      },
    ),
    { numRuns: 200 },
  );
});

test.each<[what: string, width: number, height: number]>([
  ["more rows than go through at a time", 300, 1_000],
  ["a row larger than what goes through at a time", 100_000, 3],
  ["a column that takes more memory than is kept", 5, 200_000],
  ["one pixel", 1, 1],
])("%s", (_, width, height) => {
  for (const method of ["bicubic", "box"] as const) {
    const [fast, plain] = both(noisePicture(width, height, 3), method, [7, 0, 7], [6, 1, 5]);
    expect(fast.equals(plain)).toBe(true);
  }
});

test("black, white and edges between them, where filters overshoot", () => {
  const data = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (Math.floor(i / 9) % 2) * 255);
  for (const method of ["bicubic", "lanczos"] as const) {
    const [fast, plain] = both({ width: 40, height: 30, data }, method, [97, 0, 97], [71, 0, 71]);
    expect(fast.equals(plain)).toBe(true);
    expect([Math.min(...fast), Math.max(...fast)]).toEqual([0, 255]);
  }
});

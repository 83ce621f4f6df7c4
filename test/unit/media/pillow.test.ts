/** Decoding and resizing give Pillow's pixels: compared with values that tools/pillow-golden.py made. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeImage } from "../../../core/media/image.ts";
import type { Resample } from "../../../core/media/input-spec.ts";
import { resample } from "../../../core/media/resample.ts";
import { noisePicture } from "../../support/pictures.ts";

interface Golden {
  resized: { source: [number, number]; target: [number, number]; filter: Resample; pixels: string }[];
  files: { name: string; file: string; size: [number, number]; pixels: string }[];
}

const golden = JSON.parse(
  readFileSync(new URL("../../fixtures/media/pillow.json", import.meta.url), "utf8"),
) as Golden;

describe("resample", () => {
  test.each(golden.resized)(
    "$filter from $source to $target equals Pillow",
    ({ source, target, filter, pixels }) => {
      const image = resample(noisePicture(...source, 7), ...target, filter);
      expect(Buffer.from(image.data).equals(Buffer.from(pixels, "base64"))).toBe(true);
    },
  );

  test.each(["bicubic", "nearest", "lanczos"] as const)(
    "a window of %s is that part of the whole",
    (filter) => {
      const image = noisePicture(50, 40, 1);
      const whole = resample(image, 30, 26, filter);
      const part = resample(image, 30, 26, filter, { x: 4, y: 7, width: 11, height: 13 });
      for (let row = 0; row < 13; row++) {
        const start = ((7 + row) * 30 + 4) * 3;
        expect(part.data.subarray(row * 33, row * 33 + 33)).toEqual(whole.data.subarray(start, start + 33));
      }
    },
  );
});

describe("decodeImage", () => {
  test.each(golden.files)("$name gives the pixels Pillow reads", async ({ file, size, pixels }) => {
    const image = await decodeImage(Buffer.from(file, "base64"));
    const expected = Buffer.from(pixels, "base64");
    expect([image.width, image.height]).toEqual(size);
    const worst = expected.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (image.data[i] as number))),
      0,
    );
    // One level of room for another release of libjpeg; the values were equal when they were made.
    expect(worst).toBeLessThanOrEqual(1);
  });
});

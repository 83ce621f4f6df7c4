/** Patches cover the pixels FiftyOne cuts out; the fixture's rectangles were made by voxel51-eta 0.17. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { cropBox } from "../../../core/media/crop.ts";
import type { BoundingBox } from "../../../core/media/input-spec.ts";

interface Crop {
  size: [number, number];
  box: BoundingBox;
  alpha: number | null;
  forceSquare: boolean;
  pixels: [number, number, number, number] | null;
}

const crops = JSON.parse(
  readFileSync(new URL("../../fixtures/media/crops.json", import.meta.url), "utf8"),
) as Crop[];

describe("cropBox", () => {
  test.each(crops)(
    "$box of $size with alpha $alpha, square $forceSquare",
    ({ size, box, alpha, forceSquare, pixels }) => {
      const crop = () => cropBox(box, ...size, alpha === null ? { forceSquare } : { alpha, forceSquare });
      if (pixels === null) expect(crop).toThrowError(expect.objectContaining({ code: "MEDIA_INVALID" }));
      else expect(Object.values(crop())).toEqual(pixels);
    },
  );

  test("boxes over the edge are cut off there", () => {
    expect(cropBox([-0.1, 0.5, 0.4, 0.9], 100, 100)).toEqual({ x: 0, y: 50, width: 30, height: 50 });
  });

  test.each([[[0.5, 0.5, 0, 0.5]], [[1.2, 0.5, 0.1, 0.5]], [[0.5, 0.5, 0.001, 0.001]]] as [BoundingBox][])(
    "%j covers no pixel: MEDIA_INVALID",
    (box) => {
      expect(() => cropBox(box, 100, 100)).toThrowError(expect.objectContaining({ code: "MEDIA_INVALID" }));
    },
  );

  test("numbers that are not finite are INVALID_ARGUMENT", () => {
    expect(() => cropBox([0, 0, Number.NaN, 1], 10, 10)).toThrowError(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });
});

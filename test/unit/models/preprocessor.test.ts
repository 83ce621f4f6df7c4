/** Preprocessor files in all their forms, compared with what the Python processors make of the same pictures. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { imageTensor } from "../../../core/media/resize.ts";
import type { JsonObject } from "../../../core/models/model-files.ts";
import { parsePreprocessor } from "../../../core/models/preprocessor.ts";
import { noisePicture } from "../../support/pictures.ts";

interface Processed {
  config: JsonObject;
  source: [number, number];
  shape: [number, number, number];
  values: string;
}

const { processed } = JSON.parse(
  readFileSync(new URL("../../fixtures/media/pillow.json", import.meta.url), "utf8"),
) as { processed: Processed[] };

describe("the tensors of the Python processors", () => {
  test.each(processed)("$config.image_processor_type on $source", ({ config, source, shape, values }) => {
    const spec = parsePreprocessor(config, "preprocessor_config.json");
    const tensor = imageTensor(noisePicture(...source, 3), spec);
    const bytes = Uint8Array.from(Buffer.from(values, "base64"));
    const expected = new Float32Array(bytes.buffer);
    expect([3, spec.height, spec.width]).toEqual(shape);
    const worst = expected.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (tensor[i] as number))),
      0,
    );
    expect(worst).toBeLessThan(1e-5);
  });
});

const CLIP = { image_processor_type: "CLIPImageProcessor", crop_size: 224, size: 224 };

describe("forms of one setting", () => {
  const expected = parsePreprocessor(CLIP, "file");

  test.each([
    { size: { shortest_edge: 224 }, crop_size: { height: 224, width: 224 } },
    { size: 224, crop_size: { height: 224, width: 224 } },
    { size: { shortest_edge: 224 }, crop_size: 224, do_rescale: true, rescale_factor: 1 / 255, resample: 3 },
    { image_processor_type: undefined, feature_extractor_type: "CLIPFeatureExtractor" },
  ])("%o reads as the plain numbers", (change) => {
    expect(parsePreprocessor({ ...CLIP, ...change }, "file")).toEqual(expected);
  });

  test("a number is both sides for ViT", () => {
    const spec = parsePreprocessor({ feature_extractor_type: "ViTFeatureExtractor", size: 224 }, "file");
    expect(spec).toMatchObject({
      resize: { mode: "exact", width: 224, height: 224 },
      centerCrop: null,
      mean: [0.5, 0.5, 0.5],
    });
  });

  test("switches turn steps off", () => {
    const spec = parsePreprocessor(
      { ...CLIP, do_resize: false, do_rescale: false, do_normalize: false },
      "file",
    );
    expect(spec).toMatchObject({ resize: null, rescale: null, mean: [0, 0, 0], std: [1, 1, 1] });
  });

  test.each([
    [0, "nearest"],
    [1, "lanczos"],
    [2, "bilinear"],
    [3, "bicubic"],
    [4, "box"],
    [5, "hamming"],
  ])("resample %i is %s", (resample, name) => {
    expect(parsePreprocessor({ ...CLIP, resample }, "file").resample).toBe(name);
  });

  test("ResNet's crop fraction resizes to more than it crops", () => {
    const resnet = {
      feature_extractor_type: "ConvNextFeatureExtractor",
      crop_pct: 0.875,
      size: 224,
      resample: 3,
    };
    expect(parsePreprocessor(resnet, "file")).toMatchObject({
      resize: { mode: "shortestEdge", size: 256 },
      centerCrop: { width: 224, height: 224 },
    });
  });
});

describe("MODEL_INVALID", () => {
  test.each([
    ["no size", { image_processor_type: "CLIPImageProcessor" }, "size"],
    ["a size of words", { ...CLIP, size: "large" }, "size"],
    ["pictures of all sizes", { size: { shortest_edge: 224 }, do_center_crop: false }, "fix the size"],
    ["BGR", { ...CLIP, do_flip_channel_order: true }, "BGR"],
    ["a filter that does not exist", { ...CLIP, resample: 9 }, "resample"],
    ["two means", { ...CLIP, image_mean: [0.5, 0.5] }, "image_mean"],
  ])("for %s", (_, json, words) => {
    expect(() => parsePreprocessor(json, "preprocessor_config.json")).toThrowError(
      expect.objectContaining({ code: "MODEL_INVALID", message: expect.stringContaining(words) }),
    );
  });
});

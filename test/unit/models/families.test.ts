/** Directories of each family, with random weights: what is read of their files, and that vectors repeat. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { imageTensor, stackTensors } from "../../../core/media/resize.ts";
import { loadModelDirectory } from "../../../core/models/directory.ts";
import { writeRandomModels } from "../../../tools/make-random-models.ts";
import { noisePicture } from "../../support/pictures.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const HALF = [0.5, 0.5, 0.5];
const IMAGENET = [0.485, 0.456, 0.406];
const squashed = { mode: "exact", width: 224, height: 224 };

let models: string;
beforeAll(async () => {
  models = temporaryFolder();
  await writeRandomModels(models);
});

describe.each([
  {
    name: "clip",
    dimension: 48,
    prompts: true,
    resize: { mode: "shortestEdge", size: 224 },
    resample: "bicubic",
  },
  { name: "siglip", dimension: 64, prompts: true, resize: squashed, resample: "bicubic", mean: HALF },
  {
    name: "dinov2",
    dimension: 64,
    resize: { mode: "shortestEdge", size: 256 },
    resample: "bicubic",
    mean: IMAGENET,
  },
  { name: "vit", dimension: 64, resize: squashed, resample: "bilinear", mean: HALF },
  {
    name: "resnet",
    dimension: 64,
    resize: { mode: "shortestEdge", size: 256 },
    resample: "bicubic",
    mean: IMAGENET,
  },
])("$name", ({ name, dimension, prompts = false, resize, resample, mean }) => {
  it("reads its preprocessing and its towers", async () => {
    const model = await loadModelDirectory(join(models, name));
    expect(model).toMatchObject({ dimension, input: { width: 224, height: 224, resize, resample } });
    if (mean !== undefined) expect(model.input.mean).toEqual(mean);
    expect(model.embedPrompts !== undefined).toBe(prompts);
    await model.close?.();
  });

  it("gives different pictures different vectors, and one picture the same in any batch", async () => {
    const model = await loadModelDirectory(join(models, name));
    const [a, b] = [1, 2].map((seed) => imageTensor(noisePicture(90, 60, seed), model.input));
    const [one = new Float32Array(), two = new Float32Array()] = [a, b];
    const alone = (await model.embed(stackTensors([one], [3, 224, 224]))).row(0);
    const both = await model.embed(stackTensors([two, one], [3, 224, 224]));
    alone.forEach((value, i) => {
      expect(both.row(1)[i]).toBeCloseTo(value, 4);
    });
    expect(both.row(0)).not.toEqual(both.row(1));
    await model.close?.();
  });
});

it("the same seed writes the same bytes", async () => {
  const again = temporaryFolder();
  for (const name of await writeRandomModels(again)) {
    const graph = name === "clip" || name === "siglip" ? "onnx/vision_model.onnx" : "onnx/model.onnx";
    expect(readFileSync(join(again, name, graph)).equals(readFileSync(join(models, name, graph)))).toBe(true);
  }
});

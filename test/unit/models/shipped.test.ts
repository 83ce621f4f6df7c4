/** The model in the package: it loads without a network, fits its listing, and its towers share one space. */

import { describe, expect, test } from "vitest";
import { imageTensor, stackTensors } from "../../../core/media/resize.ts";
import { DEFAULT_MODEL, listModels } from "../../../core/models/named-models.ts";
import { resolveModel } from "../../../core/models/zoo.ts";
import { plainPicture } from "../../support/pictures.ts";

describe("nearsight-tiny", () => {
  test("loads by name and is as listed", async () => {
    const model = await resolveModel(DEFAULT_MODEL);
    const row = listModels().find(({ name }) => name === DEFAULT_MODEL);
    expect(model).toMatchObject({ name: DEFAULT_MODEL, dimension: row?.dimension });
    expect(row).toMatchObject({ source: "shipped", prompts: true });
    await model.close?.();
  });

  test("embeds pictures and prompts into one space, alike at every batch size", async () => {
    const model = await resolveModel(DEFAULT_MODEL);
    const { width, height } = model.input;
    const colors = [
      [220, 20, 30],
      [20, 40, 220],
      [240, 240, 240],
    ] as const;
    const tensors = colors.map((color) => imageTensor(plainPicture(60, 40, color), model.input));
    const together = await model.embed(stackTensors(tensors, [3, height, width]));
    const prompts = await model.embedPrompts?.(["a red heart", "a blue ball"]);
    expect([together.dimension, prompts?.dimension]).toEqual([512, 512]);
    for (const [i, tensor] of tensors.entries()) {
      const alone = (await model.embed(stackTensors([tensor], [3, height, width]))).row(0);
      alone.forEach((value, k) => {
        expect(Math.abs(value - (together.row(i)[k] as number))).toBeLessThan(1e-4);
      });
    }
    await model.close?.();
  });
});

test("every listed model has a source, a dimension and a licence, and its own name", () => {
  const models = listModels();
  expect(new Set(models.map(({ name }) => name)).size).toBe(models.length);
  for (const model of models) {
    expect(model.source).toMatch(/^(shipped|hub:[\w-]+\/[\w.-]+)$/);
    expect(model.dimension).toBeGreaterThan(0);
    expect(model.license).not.toBe("");
  }
});

/** A small real model without weights: mean colours of a 4 x 4 grid, and prompts that name a colour. */

import { createHash } from "node:crypto";
import { matrix } from "../../core/matrix.ts";
import type { EmbeddingModel } from "../../core/models/model.ts";

const GRID = 4;
const SIDE = 32;
const COLOURS: Readonly<Record<string, readonly [number, number, number]>> = {
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
};

/** 48 numbers a picture, shifted by 0.1 so that black is no zero vector. */
export function colourModel(
  options: { name?: string; prompts?: boolean; version?: string } = {},
): EmbeddingModel {
  const dimension = GRID * GRID * 3;
  const model: EmbeddingModel = {
    name: options.name ?? "colours",
    dimension,
    fingerprint: createHash("sha256")
      .update(`colours ${options.version ?? "1"}`)
      .digest("hex"),
    maxBatch: 16,
    input: {
      kind: "image",
      width: SIDE,
      height: SIDE,
      resize: { mode: "exact", width: SIDE, height: SIDE },
      resample: "bilinear",
      centerCrop: null,
      rescale: 1 / 255,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    },
    async embed(batch) {
      const items = batch.shape[0] ?? 0;
      const data = new Float32Array(items * dimension);
      const plane = SIDE * SIDE;
      const cell = SIDE / GRID;
      for (let item = 0; item < items; item++) {
        for (let channel = 0; channel < 3; channel++) {
          for (let pixel = 0; pixel < plane; pixel++) {
            const row = Math.floor(Math.floor(pixel / SIDE) / cell);
            const column = Math.floor((pixel % SIDE) / cell);
            const at = item * dimension + (row * GRID + column) * 3 + channel;
            data[at] = (data[at] ?? 0) + (batch.data[(item * 3 + channel) * plane + pixel] ?? 0) / cell ** 2;
          }
        }
      }
      return matrix(
        data.map((value) => value + 0.1),
        dimension,
      );
    },
  };
  if (options.prompts === false) return model;
  return {
    ...model,
    async embedPrompts(prompts) {
      const rows = prompts.flatMap((prompt) => {
        const colour = Object.keys(COLOURS).find((name) => prompt.includes(name)) ?? "red";
        return Array.from({ length: GRID * GRID }, () =>
          (COLOURS[colour] ?? []).map((value) => value + 0.1),
        ).flat();
      });
      return matrix(Float32Array.from(rows), dimension);
    },
  };
}

/** Layouts of model directories: which graphs and outputs are taken, and how they become one vector. */

import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { imageTensor, stackTensors } from "../../../core/media/resize.ts";
import { loadModelDirectory } from "../../../core/models/directory.ts";
import { CLIP_SHAPES } from "../../../tools/make-random-clip.ts";
import { FLOAT, type GraphBuilder, INT64 } from "../../../tools/onnx-writer.ts";
import { graphDirectory, PIXELS, useClip } from "../../support/model-directories.ts";
import { plainPicture } from "../../support/pictures.ts";

const clip = useClip();

/** A graph whose one output is the picture, reshaped. */
function reshaping(name: string, shape: readonly number[]): Promise<string> {
  return graphDirectory(
    (graph) => graph.node("Reshape", ["pixel_values", graph.integers([-1, ...shape])], {}, name),
    { config: { model_type: "vit" }, outputs: [{ name, type: FLOAT, shape: ["batch", ...shape] }] },
  );
}

describe("other layouts", () => {
  test("the class token of last_hidden_state, or the mean", async () => {
    const directory = await reshaping("last_hidden_state", [4, 48]);
    const pixels = Float32Array.from({ length: 192 }, (_, i) => i);
    const tensor = { data: pixels, shape: [1, 3, 8, 8] };
    const first = await (await loadModelDirectory(directory)).embed(tensor);
    expect([...first.data]).toEqual([...pixels.subarray(0, 48)]);
    const mean = await (await loadModelDirectory(directory, { pooling: "mean" })).embed(tensor);
    expect(mean.data[0]).toBe((0 + 48 + 96 + 144) / 4);
    expect(mean.dimension).toBe(48);
  });

  test("a feature map is averaged over its places", async () => {
    const directory = await reshaping("last_hidden_state", [3, 8, 8]);
    const one = await loadModelDirectory(directory);
    const tensor = imageTensor(plainPicture(20, 10, [255, 51, 0]), one.input);
    const vector = (await one.embed(stackTensors([tensor], [3, 8, 8]))).data;
    expect([...vector].map((value) => Math.round(value * 1000) / 1000)).toEqual([1, 0.2, 0]);
  });

  test("class scores are never taken for embeddings, unless named", async () => {
    const directory = await reshaping("logits", [192]);
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("logits"),
      hint: expect.stringContaining("classifies"),
    });
    expect((await loadModelDirectory(directory, { output: "logits" })).dimension).toBe(192);
  });

  test("a free dimension is found out by a run", async () => {
    const directory = await graphDirectory(
      (graph) => graph.node("Flatten", ["pixel_values"], { axis: 1 }, "pooler_output"),
      { outputs: [{ name: "pooler_output", type: FLOAT, shape: ["batch", "width"] }] },
    );
    expect((await loadModelDirectory(directory)).dimension).toBe(192);
  });

  test("one graph with both towers", async () => {
    const ids = { type: INT64, shape: ["texts", "length"] };
    const inputs = [PIXELS, { name: "input_ids", ...ids }, { name: "attention_mask", ...ids }];
    const outputs = ["image_embeds", "text_embeds"].map((name) => ({
      name,
      type: FLOAT,
      shape: ["batch", 77],
    }));
    const build = (graph: GraphBuilder) => {
      const flat = graph.node("Flatten", ["pixel_values"], { axis: 1 });
      const range = [graph.integers([0]), graph.integers([77]), graph.integers([1])];
      graph.node("Slice", [flat, ...range], {}, "image_embeds");
      graph.node("Cast", [graph.node("Mul", ["input_ids", "attention_mask"])], { to: FLOAT }, "text_embeds");
    };
    const directory = await graphDirectory(build, { config: { model_type: "clip" }, inputs, outputs });
    for (const file of ["tokenizer.json", "tokenizer_config.json"])
      cpSync(join(clip.directory, file), join(directory, file));
    const both = await loadModelDirectory(directory);
    expect((await both.embed({ data: new Float32Array(384).fill(2), shape: [2, 3, 8, 8] })).data[76]).toBe(2);
    const text = await both.embedPrompts?.(["a"]);
    const { vocabulary } = CLIP_SHAPES.tiny.text;
    // Start, "a</w>", end; what follows is padding under a mask of zeros.
    expect([...(text?.data ?? [])].slice(0, 5)).toEqual([vocabulary - 2, 256 + 97, vocabulary - 1, 0, 0]);
  });

  test("dtype picks the files with that suffix", async () => {
    const { fingerprint } = await loadModelDirectory(clip.directory);
    const directory = clip.copy();
    for (const tower of ["vision", "text"]) {
      renameSync(
        join(directory, `onnx/${tower}_model.onnx`),
        join(directory, `onnx/${tower}_model_quantized.onnx`),
      );
    }
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({ code: "MODEL_INVALID" });
    expect((await loadModelDirectory(directory, { dtype: "q8" })).fingerprint).toBe(fingerprint);
  });

  test("without a text graph there are no prompts", async () => {
    const directory = clip.copy();
    rmSync(join(directory, "onnx/text_model.onnx"));
    expect((await loadModelDirectory(directory)).embedPrompts).toBeUndefined();
  });
});

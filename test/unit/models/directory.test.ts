/** Loading model directories: what they give, and what they say when something is wrong. */

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageTensor, stackTensors } from "../../../core/media/resize.ts";
import { loadModelDirectory } from "../../../core/models/directory.ts";
import type { EmbeddingModel } from "../../../core/models/model.ts";
import { readOnnxHeader } from "../../../core/models/onnx-file.ts";
import { CLIP_SHAPES, writeRandomClip } from "../../../tools/make-random-clip.ts";
import { FLOAT, GraphBuilder, INT64 } from "../../../tools/onnx-writer.ts";
import { noisePicture, plainPicture } from "../../support/pictures.ts";

const root = mkdtempSync(join(tmpdir(), "nearsight-models-"));
const clip = join(root, "clip");
const PIXELS = { name: "pixel_values", type: FLOAT, shape: ["batch", 3, 8, 8] };
let model: EmbeddingModel;
let count = 0;

beforeAll(async () => {
  await writeRandomClip(clip);
  model = await loadModelDirectory(clip);
});
afterAll(async () => {
  await model.close?.();
  rmSync(root, { recursive: true, force: true });
});

function batchOf(...seeds: number[]) {
  const { height, width } = model.input;
  const tensors = seeds.map((seed) => imageTensor(noisePicture(50 + seed, 40, seed), model.input));
  return stackTensors(tensors, [3, height, width]);
}

/** A copy of the CLIP directory to damage. */
function copy(): string {
  const directory = join(root, `copy-${count++}`);
  cpSync(clip, directory, { recursive: true });
  return directory;
}

/** A directory with one graph, written by `build`, that takes 8 x 8 pictures. */
async function directoryOf(config: object, build: (graph: GraphBuilder) => Promise<void>): Promise<string> {
  const directory = join(root, `graph-${count++}`);
  mkdirSync(join(directory, "onnx"), { recursive: true });
  const preprocessor = { image_processor_type: "ViTImageProcessor", size: 8, do_normalize: false };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  writeFileSync(join(directory, "preprocessor_config.json"), JSON.stringify(preprocessor));
  await build(new GraphBuilder());
  return directory;
}

/** A graph whose one output is the picture, reshaped. */
function reshaping(
  name: string,
  shape: readonly number[],
  config: object = { model_type: "vit" },
): Promise<string> {
  const directory = join(root, `graph-${count}`);
  return directoryOf(config, async (graph) => {
    graph.node("Reshape", ["pixel_values", graph.integers([-1, ...shape])], {}, name);
    await graph.write(
      join(directory, "onnx/model.onnx"),
      [PIXELS],
      [{ name, type: FLOAT, shape: ["batch", ...shape] }],
    );
  });
}

describe("a CLIP directory", () => {
  test("says what it is", () => {
    expect(model).toMatchObject({ name: "clip", dimension: 16, maxBatch: 64 });
    expect(model.input).toMatchObject({ width: 32, height: 32, resample: "bicubic" });
    expect(model.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  test("gives other vectors for other pictures, the same for the same", async () => {
    const vectors = await model.embed(batchOf(1, 2, 1));
    expect(vectors.shape).toEqual([3, 16]);
    expect(vectors.row(2)).toEqual(vectors.row(0));
    expect(cosine(vectors.row(0), vectors.row(1))).toBeLessThan(0.999);
  });

  test("the size of the batch does not matter", async () => {
    const together = await model.embed(batchOf(1, 2, 3, 4, 5));
    for (let i = 0; i < 5; i++) {
      const alone = await model.embed(batchOf(i + 1));
      expect(cosine(alone.row(0), together.row(i))).toBeGreaterThan(0.999999);
    }
  });

  test("a batch is the caller's unless it is handed over", async () => {
    const kept = batchOf(7, 8);
    const given = batchOf(7, 8);
    const vectors = await model.embed(kept);
    expect((await model.embed(given, { handOver: true })).data).toEqual(vectors.data);
    expect(kept.data).toEqual(batchOf(7, 8).data);
    expect(given.data.length).toBe(0);
  });

  test("a batch that lies beside other numbers is copied though it is handed over", async () => {
    const { data, shape } = batchOf(7);
    const memory = new Float32Array(data.length + 1);
    memory.set(data);
    const vectors = await model.embed({ data: memory.subarray(0, data.length), shape }, { handOver: true });
    expect(vectors.data).toEqual((await model.embed({ data, shape })).data);
    expect(memory.length).toBe(data.length + 1);
  });

  test("a second load gives the same fingerprint and bits", async () => {
    const again = await loadModelDirectory(clip);
    expect(again.fingerprint).toBe(model.fingerprint);
    expect((await again.embed(batchOf(7))).data).toEqual((await model.embed(batchOf(7))).data);
    await again.close?.();
  });

  test("prompts give vectors, without regard to case and spaces", async () => {
    const vectors = await model.embedPrompts?.(["a red dog", "A  Red DOG", "blue house"]);
    expect(vectors?.shape).toEqual([3, 16]);
    expect(vectors?.row(1)).toEqual(vectors?.row(0));
    expect(cosine(vectors?.row(0), vectors?.row(2))).toBeLessThan(0.999);
  });

  test("prompts beyond the limit are cut, not refused", async () => {
    const long = "red ".repeat(500);
    const [a, b] = await Promise.all([model.embedPrompts?.([long]), model.embedPrompts?.([`${long} dog`])]);
    expect(a?.data).toEqual(b?.data);
  });

  test("no items and no prompts give empty matrices", async () => {
    expect((await model.embed({ data: new Float32Array(0), shape: [0, 3, 32, 32] })).shape).toEqual([0, 16]);
    expect((await model.embedPrompts?.([]))?.shape).toEqual([0, 16]);
  });

  test("refuses tensors of another shape, too many items and empty prompts", async () => {
    await expect(model.embed({ data: new Float32Array(12), shape: [1, 3, 2, 2] })).rejects.toMatchObject({
      code: "DIMENSION_MISMATCH",
    });
    const many = { data: new Float32Array(65 * 3 * 32 * 32), shape: [65, 3, 32, 32] };
    await expect(model.embed(many)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    await expect(model.embedPrompts?.([" "])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("close waits for runs under way", async () => {
    const other = await loadModelDirectory(clip);
    const running = [other.embed(batchOf(1)), other.embedPrompts?.(["a dog"])];
    await other.close?.();
    expect((await Promise.all(running)).map((vectors) => vectors?.rows)).toEqual([1, 1]);
  });

  test("ends with CLOSED and ABORTED", async () => {
    const other = await loadModelDirectory(clip);
    await expect(other.embed(batchOf(1), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
    });
    await other.close?.();
    await expect(other.embed(batchOf(1))).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("the fingerprint changes with", () => {
  test.each([
    [
      "the weights",
      "onnx/vision_model.onnx",
      (bytes: Buffer) => bytes.fill(1, bytes.length - 9000, bytes.length - 8990),
    ],
    [
      "the tokenizer",
      "tokenizer.json",
      (bytes: Buffer) => Buffer.from(bytes.toString().replace('"NFC"', '"NFD"')),
    ],
    [
      "the preprocessing",
      "preprocessor_config.json",
      (bytes: Buffer) => Buffer.from(bytes.toString().replace("0.48", "0.49")),
    ],
  ])("%s", async (_, file, change) => {
    const directory = copy();
    writeFileSync(join(directory, file), change(readFileSync(join(directory, file))));
    expect((await loadModelDirectory(directory)).fingerprint).not.toBe(model.fingerprint);
  });

  test("not with the folder's name", async () => {
    expect((await loadModelDirectory(copy())).fingerprint).toBe(model.fingerprint);
  });
});

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
    const directory = join(root, `graph-${count}`);
    await directoryOf({}, async (graph) => {
      graph.node("Flatten", ["pixel_values"], { axis: 1 }, "pooler_output");
      const outputs = [{ name: "pooler_output", type: FLOAT, shape: ["batch", "width"] }];
      await graph.write(join(directory, "onnx/model.onnx"), [PIXELS], outputs);
    });
    expect((await loadModelDirectory(directory)).dimension).toBe(192);
  });

  test("one graph with both towers", async () => {
    const directory = join(root, `graph-${count}`);
    await directoryOf({ model_type: "clip" }, async (graph) => {
      const flat = graph.node("Flatten", ["pixel_values"], { axis: 1 });
      const range = [graph.integers([0]), graph.integers([77]), graph.integers([1])];
      graph.node("Slice", [flat, ...range], {}, "image_embeds");
      graph.node("Cast", [graph.node("Mul", ["input_ids", "attention_mask"])], { to: FLOAT }, "text_embeds");
      const ids = { type: INT64, shape: ["texts", "length"] };
      const inputs = [PIXELS, { name: "input_ids", ...ids }, { name: "attention_mask", ...ids }];
      const outputs = ["image_embeds", "text_embeds"].map((name) => ({
        name,
        type: FLOAT,
        shape: ["batch", 77],
      }));
      await graph.write(join(directory, "onnx/model.onnx"), inputs, outputs);
    });
    for (const file of ["tokenizer.json", "tokenizer_config.json"])
      cpSync(join(clip, file), join(directory, file));
    const both = await loadModelDirectory(directory);
    expect((await both.embed({ data: new Float32Array(384).fill(2), shape: [2, 3, 8, 8] })).data[76]).toBe(2);
    const text = await both.embedPrompts?.(["a"]);
    const { vocabulary } = CLIP_SHAPES.tiny.text;
    // Start, "a</w>", end; what follows is padding under a mask of zeros.
    expect([...(text?.data ?? [])].slice(0, 5)).toEqual([vocabulary - 2, 256 + 97, vocabulary - 1, 0, 0]);
  });

  test("dtype picks the files with that suffix", async () => {
    const directory = copy();
    for (const tower of ["vision", "text"]) {
      renameSync(
        join(directory, `onnx/${tower}_model.onnx`),
        join(directory, `onnx/${tower}_model_quantized.onnx`),
      );
    }
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({ code: "MODEL_INVALID" });
    expect((await loadModelDirectory(directory, { dtype: "q8" })).fingerprint).toBe(model.fingerprint);
  });

  test("without a text graph there are no prompts", async () => {
    const directory = copy();
    rmSync(join(directory, "onnx/text_model.onnx"));
    expect((await loadModelDirectory(directory)).embedPrompts).toBeUndefined();
  });
});

describe("a directory that cannot be used", () => {
  test("is MODEL_NOT_FOUND where there is none", async () => {
    await expect(loadModelDirectory(join(root, "nowhere"))).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
    });
  });

  test.each(["config.json", "preprocessor_config.json", "tokenizer.json"])("misses %s", async (file) => {
    const directory = copy();
    rmSync(join(directory, file));
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining(file),
    });
  });

  test.each([
    ["config.json", "{"],
    ["config.json", "[]"],
    ["preprocessor_config.json", '"text"'],
    ["tokenizer.json", "null"],
    ["onnx/vision_model.onnx", ""],
    ["onnx/vision_model.onnx", "version https://git-lfs.github.com/spec/v1"],
    ["onnx/text_model.onnx", "\x00\x01\x02"],
  ])("has a broken %s: %j", async (file, content) => {
    const directory = copy();
    writeFileSync(join(directory, file), content);
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining(file),
    });
  });

  test("has a JSON file of absurd size", async () => {
    const directory = copy();
    truncateSync(join(directory, "tokenizer.json"), 200 * 1024 * 1024);
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("at most"),
    });
  });

  test("has a graph that is cut off", async () => {
    const directory = copy();
    const path = join(directory, "onnx/vision_model.onnx");
    writeFileSync(path, readFileSync(path).subarray(0, 60_000));
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("cut off"),
    });
  });

  test("has a graph the runtime refuses: said at the first run", async () => {
    const directory = join(root, `graph-${count}`);
    await directoryOf({}, async (graph) => {
      graph.node("NoSuchOperator", ["pixel_values"], {}, "image_embeds");
      await graph.write(
        join(directory, "onnx/model.onnx"),
        [PIXELS],
        [{ name: "image_embeds", type: FLOAT, shape: ["batch", 4] }],
      );
    });
    const broken = await loadModelDirectory(directory);
    await expect(broken.embed({ data: new Float32Array(192), shape: [1, 3, 8, 8] })).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("NoSuchOperator"),
    });
  });

  test("preprocesses to another size than its graph takes", async () => {
    const directory = copy();
    const path = join(directory, "preprocessor_config.json");
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("32", "48"));
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("48 x 48"),
    });
  });

  test("has other weights than expected", async () => {
    const checksums = { "onnx/vision_model.onnx": "0".repeat(64) };
    await expect(loadModelDirectory(clip, { checksums })).rejects.toMatchObject({
      code: "CHECKSUM_MISMATCH",
    });
  });

  test.each(["../secret.bin", "/etc/passwd", "a/../../b", "C:\\weights"])(
    "keeps weights in %s",
    async (location) => {
      const directory = join(root, `graph-${count}`);
      await directoryOf({}, async (graph) => {
        graph.external("weights", [2], location);
        graph.node("Flatten", ["pixel_values"], { axis: 1 }, "image_embeds");
        await graph.write(
          join(directory, "onnx/model.onnx"),
          [PIXELS],
          [{ name: "image_embeds", type: FLOAT, shape: ["batch", 192] }],
        );
      });
      expect(readOnnxHeader(join(directory, "onnx/model.onnx")).externalFiles).toEqual([location]);
      await expect(loadModelDirectory(directory)).rejects.toMatchObject({
        code: "MODEL_INVALID",
        message: expect.stringContaining(location),
      });
    },
  );
});

test("weights in a file beside the graph are part of the fingerprint", async () => {
  const directory = join(root, `graph-${count}`);
  await directoryOf({}, async (graph) => {
    graph.external("weights", [192], "weights.bin");
    const flat = graph.node("Flatten", ["pixel_values"], { axis: 1 });
    graph.node("Add", [flat, "weights"], {}, "image_embeds");
    await graph.write(
      join(directory, "onnx/model.onnx"),
      [PIXELS],
      [{ name: "image_embeds", type: FLOAT, shape: ["batch", 192] }],
    );
  });
  await expect(loadModelDirectory(directory)).rejects.toMatchObject({
    message: expect.stringContaining("weights.bin"),
  });
  const save = (value: number) =>
    writeFileSync(join(directory, "onnx/weights.bin"), new Float32Array(192).fill(value));
  save(1);
  const ones = await loadModelDirectory(directory);
  expect((await ones.embed({ data: new Float32Array(192), shape: [1, 3, 8, 8] })).data[191]).toBe(1);
  save(2);
  expect((await loadModelDirectory(directory)).fingerprint).not.toBe(ones.fingerprint);
});

function cosine(a: ArrayLike<number> | undefined, b: ArrayLike<number> | undefined): number {
  if (a === undefined || b === undefined) return Number.NaN;
  let [product, left, right] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    product += x * y;
    left += x * x;
    right += y * y;
  }
  return product / Math.sqrt(left * right);
}

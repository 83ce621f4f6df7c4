/** Models from directories: their vectors of pictures and prompts, and the fingerprint that tells them apart. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageTensor, stackTensors } from "../../../core/media/resize.ts";
import { loadModelDirectory } from "../../../core/models/directory.ts";
import type { EmbeddingModel } from "../../../core/models/model.ts";
import { graphDirectory, useClip } from "../../support/model-directories.ts";
import { noisePicture } from "../../support/pictures.ts";

const clip = useClip();
let model: EmbeddingModel;

beforeAll(async () => {
  model = await loadModelDirectory(clip.directory);
});
afterAll(() => model.close?.());

function batchOf(...seeds: number[]) {
  const { height, width } = model.input;
  const tensors = seeds.map((seed) => imageTensor(noisePicture(50 + seed, 40, seed), model.input));
  return stackTensors(tensors, [3, height, width]);
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
    const again = await loadModelDirectory(clip.directory);
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

  test("a model that was prepared gives the same vectors, and can be closed before it is ready", async () => {
    const [used, unused] = [
      await loadModelDirectory(clip.directory),
      await loadModelDirectory(clip.directory),
    ];
    used.prepare?.();
    unused.prepare?.();
    await unused.close?.();
    unused.prepare?.();
    expect((await used.embed(batchOf(1))).data).toEqual((await model.embed(batchOf(1))).data);
    await used.close?.();
  });

  test("close waits for runs under way", async () => {
    const other = await loadModelDirectory(clip.directory);
    const running = [other.embed(batchOf(1)), other.embedPrompts?.(["a dog"])];
    await other.close?.();
    expect((await Promise.all(running)).map((vectors) => vectors?.rows)).toEqual([1, 1]);
  });

  test("ends with CLOSED and ABORTED", async () => {
    const other = await loadModelDirectory(clip.directory);
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
    const directory = clip.copy();
    writeFileSync(join(directory, file), change(readFileSync(join(directory, file))));
    expect((await loadModelDirectory(directory)).fingerprint).not.toBe(model.fingerprint);
  });

  test("not with the folder's name", async () => {
    expect((await loadModelDirectory(clip.copy())).fingerprint).toBe(model.fingerprint);
  });

  test("weights in a file beside the graph", async () => {
    const directory = await graphDirectory((graph) => {
      graph.external("weights", [192], "weights.bin");
      const flat = graph.node("Flatten", ["pixel_values"], { axis: 1 });
      graph.node("Add", [flat, "weights"], {}, "image_embeds");
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

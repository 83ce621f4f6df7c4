/**
 * Writes a CLIP model directory with seeded random weights, in the layout the hub uses: real shapes and a real
 * tokenizer without a download. Run: node tools/make-random-clip.ts .cache/random-clip [tiny|base32]
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clipTokenizer } from "./clip-tokenizer.ts";
import { FLOAT, GraphBuilder, INT64 } from "./onnx-writer.ts";
import {
  block,
  causalMask,
  layerNorm,
  patchTokens,
  randomWeights,
  type Tower,
  type VisionTower,
} from "./random-graphs.ts";

/** Sizes of a CLIP model. */
export interface ClipShape {
  readonly image: VisionTower;
  readonly text: Tower & { readonly vocabulary: number; readonly length: number };
  readonly projection: number;
}

export const CLIP_SHAPES = {
  /** ViT-B/32, as published. */
  base32: {
    image: { hidden: 768, layers: 12, heads: 12, size: 224, patch: 32 },
    text: { hidden: 512, layers: 12, heads: 8, vocabulary: 49408, length: 77 },
    projection: 512,
  },
  /** For unit tests: under 400 kB. */
  tiny: {
    image: { hidden: 32, layers: 2, heads: 4, size: 32, patch: 8 },
    text: { hidden: 32, layers: 2, heads: 4, vocabulary: 800, length: 77 },
    projection: 16,
  },
} as const satisfies Record<string, ClipShape>;

/** Writes the directory; the same shape and seed give the same bytes. */
export async function writeRandomClip(
  directory: string,
  shape: ClipShape = CLIP_SHAPES.tiny,
  seed = 51,
): Promise<void> {
  await mkdir(join(directory, "onnx"), { recursive: true });
  const { tokenizer, config } = clipTokenizer(shape.text.vocabulary, shape.text.length);
  const files = {
    "config.json": modelConfig(shape),
    "preprocessor_config.json": preprocessorConfig(shape.image.size),
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": config,
  };
  for (const [name, value] of Object.entries(files)) {
    await writeFile(join(directory, name), `${JSON.stringify(value, null, 2)}\n`);
  }
  await writeVision(join(directory, "onnx/vision_model.onnx"), shape, seed);
  await writeText(join(directory, "onnx/text_model.onnx"), shape, seed + 1);
}

async function writeVision(path: string, { image, projection }: ClipShape, seed: number): Promise<void> {
  const graph = new GraphBuilder();
  const random = randomWeights(graph, seed);
  const { hidden, size } = image;
  const placed = patchTokens(graph, random, image, true);
  let state = layerNorm(graph, "pre", placed, hidden);
  for (let layer = 0; layer < image.layers; layer++)
    state = block(graph, random, `layer${layer}`, state, image);
  const pooled = graph.node("Gather", [state, graph.integers([0], [])], { axis: 1 });
  const normed = layerNorm(graph, "post", pooled, hidden);
  graph.node("MatMul", [normed, random("projection", [hidden, projection], hidden)], {}, "image_embeds");
  await graph.write(
    path,
    [{ name: "pixel_values", type: FLOAT, shape: ["batch_size", 3, size, size] }],
    [{ name: "image_embeds", type: FLOAT, shape: ["batch_size", projection] }],
  );
}

async function writeText(path: string, { text, projection }: ClipShape, seed: number): Promise<void> {
  const graph = new GraphBuilder();
  const random = randomWeights(graph, seed);
  const { hidden, length, vocabulary } = text;
  const axis = (at: number) => graph.integers([at]);
  const embedded = graph.node("Gather", [random("token", [vocabulary, hidden], hidden), "input_ids"], {
    axis: 0,
  });
  const count = graph.node("Gather", [graph.node("Shape", ["input_ids"]), graph.integers([1])], { axis: 0 });
  const zero = graph.integers([0]);
  const positions = graph.node("Slice", [random("position", [length, hidden], hidden), zero, count, axis(0)]);
  let state = graph.node("Add", [embedded, positions]);
  const whole = graph.weights("mask", [length, length], causalMask(length));
  const rows = graph.node("Slice", [whole, zero, count, axis(0)]);
  const mask = graph.node("Slice", [rows, zero, count, axis(1)]);
  for (let layer = 0; layer < text.layers; layer++)
    state = block(graph, random, `layer${layer}`, state, text, mask);
  const normed = layerNorm(graph, "final", state, hidden);
  // The end token has the highest id; of several (it pads, too) the first counts.
  const ids = graph.node("Cast", ["input_ids"], { to: FLOAT });
  const end = graph.node("ArgMax", [ids], { axis: 1, keepdims: 1 });
  const pooled = graph.node("GatherND", [normed, end], { batch_dims: 1 });
  graph.node("MatMul", [pooled, random("projection", [hidden, projection], hidden)], {}, "text_embeds");
  await graph.write(
    path,
    [{ name: "input_ids", type: INT64, shape: ["batch_size", "sequence_length"] }],
    [{ name: "text_embeds", type: FLOAT, shape: ["batch_size", projection] }],
  );
}

function modelConfig({ image, text, projection }: ClipShape): object {
  const tower = ({ hidden, layers, heads }: Tower) => ({
    hidden_size: hidden,
    intermediate_size: hidden * 4,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    projection_dim: projection,
  });
  return {
    architectures: ["CLIPModel"],
    model_type: "clip",
    projection_dim: projection,
    text_config: { ...tower(text), max_position_embeddings: text.length, vocab_size: text.vocabulary },
    vision_config: { ...tower(image), image_size: image.size, patch_size: image.patch },
  };
}

function preprocessorConfig(size: number): object {
  return {
    crop_size: size,
    do_center_crop: true,
    do_normalize: true,
    do_resize: true,
    feature_extractor_type: "CLIPFeatureExtractor",
    image_mean: [0.48145466, 0.4578275, 0.40821073],
    image_std: [0.26862954, 0.26130258, 0.27577711],
    resample: 3,
    size,
  };
}

if (import.meta.main) {
  const [directory = ".cache/random-clip", shape = "base32"] = process.argv.slice(2);
  await writeRandomClip(directory, CLIP_SHAPES[shape as keyof typeof CLIP_SHAPES]);
}

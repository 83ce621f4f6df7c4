/**
 * Writes a CLIP model directory with seeded random weights, in the layout the hub uses: real shapes and a real
 * tokenizer without a download. Run: node tools/make-random-clip.ts .cache/random-clip [tiny|base32]
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clipTokenizer } from "./clip-tokenizer.ts";
import { FLOAT, GraphBuilder, INT64 } from "./onnx-writer.ts";

interface Tower {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
}

/** Sizes of a CLIP model. */
export interface ClipShape {
  readonly image: Tower & { readonly size: number; readonly patch: number };
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
  const { hidden, patch, size } = image;
  const cells = (size / patch) ** 2;
  const kernel = random("patch", [hidden, 3, patch, patch], 3 * patch * patch);
  const patches = graph.node("Conv", ["pixel_values", kernel], {
    strides: [patch, patch],
    kernel_shape: [patch, patch],
  });
  const flat = graph.node("Reshape", [patches, graph.integers([0, hidden, -1])]);
  const tokens = graph.node("Transpose", [flat], { perm: [0, 2, 1] });
  const batch = graph.node("Gather", [graph.node("Shape", ["pixel_values"]), graph.integers([0])], {
    axis: 0,
  });
  const classShape = graph.node("Concat", [batch, graph.integers([1, hidden])], { axis: 0 });
  const classToken = graph.node("Expand", [random("class", [1, 1, hidden], 1), classShape]);
  const sequence = graph.node("Concat", [classToken, tokens], { axis: 1 });
  const placed = graph.node("Add", [sequence, random("position", [1, cells + 1, hidden], hidden)]);
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

type Random = (name: string, shape: readonly number[], fanIn: number) => string;

/** One transformer layer: attention and a feed-forward part, each added to what came in. */
function block(
  graph: GraphBuilder,
  random: Random,
  name: string,
  input: string,
  tower: Tower,
  mask?: string,
): string {
  const { hidden, heads } = tower;
  const linear = (at: string, from: string, inner: number, outer: number) =>
    graph.node("Add", [
      graph.node("MatMul", [from, random(`${name}.${at}`, [inner, outer], inner)]),
      random(`${name}.${at}.bias`, [outer], inner),
    ]);
  const normed = layerNorm(graph, `${name}.norm1`, input, hidden);
  const split = (at: string, perm: readonly number[]) =>
    graph.node(
      "Transpose",
      [
        graph.node("Reshape", [
          linear(at, normed, hidden, hidden),
          graph.integers([0, 0, heads, hidden / heads]),
        ]),
      ],
      { perm },
    );
  const product = graph.node("MatMul", [split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1])]);
  const scale = graph.weights(`${name}.scale`, [], new Float32Array([Math.sqrt(heads / hidden)]));
  const scores = graph.node("Mul", [product, scale]);
  const masked = mask === undefined ? scores : graph.node("Add", [scores, mask]);
  const mixed = graph.node("MatMul", [
    graph.node("Softmax", [masked], { axis: -1 }),
    split("value", [0, 2, 1, 3]),
  ]);
  const joined = graph.node("Transpose", [mixed], { perm: [0, 2, 1, 3] });
  const flat = graph.node("Reshape", [joined, graph.integers([0, 0, hidden])]);
  const attended = graph.node("Add", [input, linear("output", flat, hidden, hidden)]);
  const wide = linear("up", layerNorm(graph, `${name}.norm2`, attended, hidden), hidden, hidden * 4);
  const sharp = graph.weights(`${name}.gelu`, [], new Float32Array([1.702]));
  const gate = graph.node("Sigmoid", [graph.node("Mul", [wide, sharp])]);
  const active = graph.node("Mul", [wide, gate]);
  return graph.node("Add", [attended, linear("down", active, hidden * 4, hidden)]);
}

function layerNorm(graph: GraphBuilder, name: string, input: string, hidden: number): string {
  const scale = graph.weights(`${name}.scale`, [hidden], new Float32Array(hidden).fill(1));
  const bias = graph.weights(`${name}.bias`, [hidden], new Float32Array(hidden));
  return graph.node("LayerNormalization", [input, scale, bias], { axis: -1, epsilon: { float: 1e-5 } });
}

function causalMask(length: number): Float32Array {
  return Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? -1e9 : 0,
  );
}

/** Adds weights spread evenly around zero with variance `1 / fanIn`, so that signals keep their size. */
function randomWeights(graph: GraphBuilder, seed: number): Random {
  let count = 0;
  return (name, shape, fanIn) => {
    const start = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(++count, 0x85ebca6b);
    const length = shape.reduce((product, size) => product * size, 1);
    return graph.weights(name, shape, () => uniform(length, Math.sqrt(12 / fanIn), start));
  };
}

/** Numbers within `width` / 2 of zero, from Marsaglia's xorshift. */
function uniform(length: number, width: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  const factor = width / 2 ** 32;
  let state = seed | 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = state * factor;
  }
  return values;
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

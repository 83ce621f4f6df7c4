/**
 * Writes model directories with seeded random weights, each with the files its family has on the hub: the
 * preprocessing is real, the weights are small. Run: node tools/make-random-models.ts .cache/random-models
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clipTokenizer } from "./clip-tokenizer.ts";
import { writeRandomClip } from "./make-random-clip.ts";
import { FLOAT, GraphBuilder, INT64, type Port } from "./onnx-writer.ts";
import {
  block,
  layerNorm,
  patchTokens,
  type Random,
  randomWeights,
  type VisionTower,
} from "./random-graphs.ts";

const IMAGENET = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const HALF = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
const SIZE = 224;
const SMALL = { hidden: 64, layers: 2, heads: 4, size: SIZE } as const;
const TEXT = { hidden: 64, layers: 2, heads: 4, vocabulary: 800 } as const;

/** Writes one family's directory; the same seed gives the same bytes. */
const FAMILIES: Readonly<Record<string, (directory: string, seed: number) => Promise<void>>> = {
  clip: (directory, seed) =>
    writeRandomClip(
      directory,
      { image: { ...SMALL, patch: 32 }, text: { ...TEXT, length: 77 }, projection: 48 },
      seed,
    ),
  siglip: writeSiglip,
  dinov2: writeDinov2,
  vit: writeVit,
  resnet: writeResnet,
};

/** Writes a folder for each family inside `directory` and gives their names. */
export async function writeRandomModels(directory: string, seed = 51): Promise<string[]> {
  for (const [name, write] of Object.entries(FAMILIES)) await write(join(directory, name), seed);
  return Object.keys(FAMILIES);
}

/** google/siglip-base-patch16-224: squashed bicubic pictures, prompts padded to 64, whose last place is read. */
async function writeSiglip(directory: string, seed: number): Promise<void> {
  const length = 64;
  const image = { ...SMALL, patch: 16 };
  const { tokenizer, config } = clipTokenizer(TEXT.vocabulary, length);
  await writeFiles(directory, {
    "config.json": {
      architectures: ["SiglipModel"],
      model_type: "siglip",
      text_config: {
        ...sizes(TEXT),
        model_type: "siglip_text_model",
        vocab_size: TEXT.vocabulary,
        max_position_embeddings: length,
      },
      vision_config: { ...visionConfig(image), model_type: "siglip_vision_model" },
    },
    "preprocessor_config.json": {
      do_normalize: true,
      do_rescale: true,
      do_resize: true,
      ...HALF,
      image_processor_type: "SiglipImageProcessor",
      processor_class: "SiglipProcessor",
      resample: 3,
      rescale_factor: 1 / 255,
      size: { height: SIZE, width: SIZE },
    },
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": config,
  });
  await writePatches(join(directory, "onnx/vision_model.onnx"), image, seed, {
    classToken: false,
    pooled: "mean",
  });
  await writeText(join(directory, "onnx/text_model.onnx"), length, seed + 1);
}

/** facebook/dinov2-small: bicubic to 256, the middle 224, the class token of `last_hidden_state`. */
async function writeDinov2(directory: string, seed: number): Promise<void> {
  const image = { ...SMALL, patch: 14 };
  await writeFiles(directory, {
    "config.json": { architectures: ["Dinov2Model"], model_type: "dinov2", ...visionConfig(image) },
    "preprocessor_config.json": {
      crop_size: { height: SIZE, width: SIZE },
      do_center_crop: true,
      do_convert_rgb: true,
      do_normalize: true,
      do_rescale: true,
      do_resize: true,
      ...IMAGENET,
      image_processor_type: "BitImageProcessor",
      resample: 3,
      rescale_factor: 0.00392156862745098,
      size: { shortest_edge: 256 },
    },
  });
  await writePatches(join(directory, "onnx/model.onnx"), image, seed, { classToken: true, pooled: null });
}

/** google/vit-base-patch16-224: squashed bilinear pictures. */
async function writeVit(directory: string, seed: number): Promise<void> {
  const image = { ...SMALL, patch: 16 };
  await writeFiles(directory, {
    "config.json": { architectures: ["ViTModel"], model_type: "vit", ...visionConfig(image) },
    "preprocessor_config.json": {
      do_normalize: true,
      do_rescale: true,
      do_resize: true,
      ...HALF,
      image_processor_type: "ViTImageProcessor",
      resample: 2,
      rescale_factor: 0.00392156862745098,
      size: { height: SIZE, width: SIZE },
    },
  });
  await writePatches(join(directory, "onnx/model.onnx"), image, seed, { classToken: true, pooled: "class" });
}

/** microsoft/resnet-50: bicubic to 224 / 0.875, the middle 224, maps averaged over their places. */
async function writeResnet(directory: string, seed: number): Promise<void> {
  await writeFiles(directory, {
    "config.json": {
      architectures: ["ResNetModel"],
      model_type: "resnet",
      hidden_sizes: [16, 32, 64],
      embedding_size: 16,
      num_channels: 3,
    },
    "preprocessor_config.json": {
      crop_pct: 0.875,
      do_normalize: true,
      do_resize: true,
      feature_extractor_type: "ConvNextFeatureExtractor",
      ...IMAGENET,
      resample: 3,
      size: SIZE,
    },
  });
  const graph = new GraphBuilder();
  const random = randomWeights(graph, seed);
  let maps = convolution(graph, random, "stem", "pixel_values", 3, 16, 7, 4);
  for (const [from, to] of [
    [16, 32],
    [32, 64],
  ] as const) {
    const inner = convolution(graph, random, `stage${to}`, maps, from, to, 3, 2);
    maps = graph.node("Add", [inner, convolution(graph, random, `stage${to}.more`, inner, to, to, 3, 1)]);
  }
  graph.node("Relu", [maps], {}, "last_hidden_state");
  graph.node("GlobalAveragePool", ["last_hidden_state"], {}, "pooler_output");
  await graph.write(
    join(directory, "onnx/model.onnx"),
    [pixels()],
    [
      { name: "last_hidden_state", type: FLOAT, shape: ["batch_size", 64, "height", "width"] },
      { name: "pooler_output", type: FLOAT, shape: ["batch_size", 64, 1, 1] },
    ],
  );
}

function convolution(
  graph: GraphBuilder,
  random: Random,
  name: string,
  input: string,
  from: number,
  to: number,
  side: number,
  stride: number,
): string {
  const kernel = random(name, [to, from, side, side], from * side * side);
  const pad = (side - 1) / 2;
  return graph.node("Relu", [
    graph.node("Conv", [input, kernel, random(`${name}.bias`, [to], 4)], {
      strides: [stride, stride],
      kernel_shape: [side, side],
      pads: [pad, pad, pad, pad],
    }),
  ]);
}

async function writePatches(
  path: string,
  image: VisionTower,
  seed: number,
  { classToken, pooled }: { classToken: boolean; pooled: "mean" | "class" | null },
): Promise<void> {
  const graph = new GraphBuilder();
  const random = randomWeights(graph, seed);
  const { hidden, layers } = image;
  let state = patchTokens(graph, random, image, classToken);
  for (let layer = 0; layer < layers; layer++) state = block(graph, random, `layer${layer}`, state, image);
  const last = "last_hidden_state";
  const normed = layerNorm(graph, "final", state, hidden);
  graph.node("Identity", [normed], {}, last);
  const outputs: Port[] = [{ name: last, type: FLOAT, shape: ["batch_size", "tokens", hidden] }];
  if (pooled !== null) {
    const one =
      pooled === "mean"
        ? graph.node("ReduceMean", [normed], { axes: [1], keepdims: 0 })
        : graph.node("Gather", [normed, graph.integers([0], [])], { axis: 1 });
    graph.node(
      "Tanh",
      [graph.node("MatMul", [one, random("pooler", [hidden, hidden], hidden)])],
      {},
      "pooler_output",
    );
    outputs.push({ name: "pooler_output", type: FLOAT, shape: ["batch_size", hidden] });
  }
  await graph.write(path, [pixels()], outputs);
}

/** Every token sees every other, and the last place is the answer, whatever it holds. */
async function writeText(path: string, length: number, seed: number): Promise<void> {
  const graph = new GraphBuilder();
  const random = randomWeights(graph, seed);
  const { hidden, layers, vocabulary } = TEXT;
  const tokens = graph.node("Gather", [random("token", [vocabulary, hidden], hidden), "input_ids"], {
    axis: 0,
  });
  let state = graph.node("Add", [tokens, random("position", [length, hidden], hidden)]);
  for (let layer = 0; layer < layers; layer++) state = block(graph, random, `layer${layer}`, state, TEXT);
  const normed = layerNorm(graph, "final", state, hidden);
  const last = graph.node("Gather", [normed, graph.integers([length - 1], [])], { axis: 1 });
  graph.node("MatMul", [last, random("head", [hidden, hidden], hidden)], {}, "pooler_output");
  await graph.write(
    path,
    [{ name: "input_ids", type: INT64, shape: ["batch_size", "sequence_length"] }],
    [{ name: "pooler_output", type: FLOAT, shape: ["batch_size", hidden] }],
  );
}

function pixels(): Port {
  return { name: "pixel_values", type: FLOAT, shape: ["batch_size", 3, SIZE, SIZE] };
}

function sizes({ hidden, layers, heads }: { hidden: number; layers: number; heads: number }): object {
  return {
    hidden_size: hidden,
    intermediate_size: hidden * 4,
    num_hidden_layers: layers,
    num_attention_heads: heads,
  };
}

function visionConfig(image: VisionTower): object {
  return { ...sizes(image), image_size: image.size, patch_size: image.patch, num_channels: 3 };
}

async function writeFiles(directory: string, files: Readonly<Record<string, object>>): Promise<void> {
  await mkdir(join(directory, "onnx"), { recursive: true });
  for (const [name, value] of Object.entries(files)) {
    await writeFile(join(directory, name), `${JSON.stringify(value, null, 2)}\n`);
  }
}

if (import.meta.main) {
  const [directory = ".cache/random-models"] = process.argv.slice(2);
  console.log(await writeRandomModels(directory));
}

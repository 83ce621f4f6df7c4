/** Model directories that cannot be trusted: refused by what is wrong, never followed, never waited for. */

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadModelDirectory } from "../../../core/models/directory.ts";
import { FLOAT, type GraphBuilder, INT64 } from "../../../tools/onnx-writer.ts";
import { graphDirectory, useClip } from "../../support/model-directories.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

const { copy } = useClip();

const FILES = [
  "config.json",
  "preprocessor_config.json",
  "tokenizer.json",
  "onnx/vision_model.onnx",
  "onnx/text_model.onnx",
] as const;

/** Loads the model and uses both of its towers: some faults show only then. */
async function use(directory: string): Promise<{ shapes: unknown[] }> {
  const model = await loadModelDirectory(directory);
  const { width, height } = model.input;
  const pixels = new Float32Array(3 * width * height).fill(0.5);
  const vectors = await model.embed({ data: pixels, shape: [1, 3, height, width] });
  const prompts = await model.embedPrompts?.(["a red dog"]);
  await model.close?.();
  return { shapes: [vectors.shape, prompts?.shape] };
}

const flat = (graph: GraphBuilder) => graph.node("Flatten", ["pixel_values"], { axis: 1 }, "image_embeds");
const invalid = (words: string) => ({
  code: "MODEL_INVALID",
  message: expect.stringContaining(words),
  hint: expect.any(String),
});

describe("in place of a file", () => {
  test.each(FILES)("%s: a folder, a pipe, nothing, rubbish, depth", async (file) => {
    const faults: ((path: string) => void)[] = [
      (path) => mkdirSync(path),
      (path) => execFileSync("mkfifo", [path]),
      (path) => writeFileSync(path, ""),
      (path) => writeFileSync(path, Buffer.alloc(1_000)),
      (path) => writeFileSync(path, Buffer.alloc(1_000, 0xff)),
      (path) => writeFileSync(path, "null"),
      (path) => writeFileSync(path, `${"[".repeat(100_000)}`),
    ];
    for (const fault of faults) {
      const directory = copy();
      rmSync(join(directory, file));
      fault(join(directory, file));
      await expect(use(directory), String(fault)).rejects.toMatchObject(invalid(file));
    }
  });

  test("JSON deeper than a stack is read or refused, not followed", async () => {
    const deep = `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`;
    for (const file of ["preprocessor_config.json", "tokenizer.json"]) {
      const directory = copy();
      writeFileSync(join(directory, file), deep);
      await expect(use(directory)).rejects.toMatchObject(invalid(file));
    }
  });
});

describe("values that make no sense", () => {
  type Change = (json: Record<string, unknown>) => unknown;
  const huge = { height: 1e9, width: 1e9 };
  const textsOf = (vocab: object) => Object.fromEntries(Object.keys(vocab).map((token) => [token, "x"]));

  test.each<[string, (typeof FILES)[number], Change]>([
    ["a size that fills all memory", "preprocessor_config.json", () => ({ size: huge, crop_size: huge })],
    ["a size of 0", "preprocessor_config.json", () => ({ crop_size: 0 })],
    ["half a pixel", "preprocessor_config.json", () => ({ crop_size: 0.5 })],
    ["a size of text", "preprocessor_config.json", () => ({ crop_size: "32" })],
    ["a division by 0", "preprocessor_config.json", () => ({ image_std: [0, 1, 1] })],
    ["two colours", "preprocessor_config.json", () => ({ image_std: [1, 1] })],
    ["a mean of text", "preprocessor_config.json", () => ({ image_mean: ["a", 1, 1] })],
    ["a filter nobody knows", "preprocessor_config.json", () => ({ resample: 99 })],
    ["a crop of nothing", "preprocessor_config.json", () => ({ crop_pct: 1e-12 })],
    ["no tokenizer model", "tokenizer.json", () => ({ model: null })],
    [
      "tokens that are texts",
      "tokenizer.json",
      ({ model }) => ({
        model: { ...(model as object), vocab: textsOf((model as { vocab: object }).vocab) },
      }),
    ],
    ["a processor nobody knows", "tokenizer.json", () => ({ post_processor: { type: "Nope" } })],
    [
      "a pattern that is none",
      "tokenizer.json",
      () => ({ normalizer: { type: "Replace", pattern: { Regex: "((" }, content: "" } }),
    ],
    ["added tokens of null", "tokenizer.json", () => ({ added_tokens: [null] })],
    ["room for one token", "config.json", () => ({ text_config: { max_position_embeddings: 1 } })],
  ])("%s in %s is MODEL_INVALID", async (_, file, change) => {
    const directory = copy();
    const path = join(directory, file);
    const json = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ ...json, ...(change(json) as object) }));
    await expect(use(directory)).rejects.toMatchObject(
      invalid(file === "config.json" ? "tokenizer.json" : file),
    );
  });

  test.each<[string, object]>([
    ["a negative dimension", { projection_dim: -5 }],
    ["a dimension of text", { projection_dim: "16" }],
    ["half a padding token", { pad_token_id: 1.5 }],
    ["a kind that is an object", { model_type: {} }],
    ["towers of text", { text_config: "x", vision_config: 5 }],
    [
      "members of prototypes",
      JSON.parse('{"__proto__": {"hidden_size": 7}, "constructor": 1, "toString": null}'),
    ],
  ])("%s in config.json is passed over where the graph says it", async (_, config) => {
    const directory = copy();
    const path = join(directory, "config.json");
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...config }));
    expect((await use(directory)).shapes).toEqual([
      [1, 16],
      [1, 16],
    ]);
  });
});

describe("a graph", () => {
  const output = (shape: readonly (number | string)[], type = FLOAT) => ({
    outputs: [{ name: "image_embeds", type, shape }],
  });
  const input = (shape: readonly (number | string)[], type = FLOAT, name = "pixel_values") => ({
    inputs: [{ name, type, shape }],
  });

  test.each<[string, (graph: GraphBuilder) => void, Parameters<typeof graphDirectory>[1], string]>([
    ["announces another dimension", flat, output(["batch", 7]), "Expected vectors of 7"],
    ["announces none", flat, output(["batch", 0]), "Expected vectors of 0"],
    ["announces more than memory", flat, output(["batch", 1e15]), "1000000000000000"],
    ["has one colour", flat, input(["batch", 1, 8, 8]), "could not be run"],
    ["takes rows", flat, input(["batch", 192]), "could not be run"],
    ["takes whole numbers", flat, input(["batch", 3, 8, 8], INT64), "takes"],
    ["takes something else", flat, input(["batch", 3, 8, 8], FLOAT, "x"), "pixel_values"],
    [
      "gives whole numbers",
      (graph) =>
        graph.node(
          "Cast",
          [graph.node("Flatten", ["pixel_values"], { axis: 1 })],
          { to: INT64 },
          "image_embeds",
        ),
      output(["batch", 192], INT64),
      "not floating point",
    ],
    [
      "gives a single number",
      (graph) => graph.node("ReduceMean", ["pixel_values"], { keepdims: 0 }, "image_embeds"),
      output([]),
      "dimensions",
    ],
    [
      "gives five dimensions",
      (graph) =>
        graph.node("Reshape", ["pixel_values", graph.integers([-1, 3, 8, 2, 4])], {}, "image_embeds"),
      output(["a", "b", "c", "d", "e"]),
      "dimensions",
    ],
  ])("that %s is MODEL_INVALID", async (_, build, ports, words) => {
    const directory = await graphDirectory(build, ports);
    await expect(use(directory)).rejects.toMatchObject(invalid(words));
  });
});

describe("weights beside the graph", () => {
  /** A graph with weights at `location`; weights that are not its own lie outside of its directory. */
  async function withWeights(location: string): Promise<string> {
    const directory = await graphDirectory((graph) => {
      graph.external("weights", [192], location);
      const flattened = graph.node("Flatten", ["pixel_values"], { axis: 1 });
      graph.node("Add", [flattened, "weights"], {}, "image_embeds");
    });
    writeFileSync(join(directory, "../secret.bin"), new Uint8Array(768));
    return directory;
  }

  test.each(["", ".", "..", "../onnx/../../secret.bin", "/etc/passwd", "\\\\host\\share", "C:x", "a\0b"])(
    "named %j are refused",
    async (location) => {
      await expect(loadModelDirectory(await withWeights(location))).rejects.toMatchObject(invalid("onnx"));
    },
  );

  test("that are a link out of the directory are refused, also through a folder", async () => {
    const direct = await withWeights("weights.bin");
    symlinkSync(join(direct, "../secret.bin"), join(direct, "onnx/weights.bin"));
    await expect(loadModelDirectory(direct)).rejects.toMatchObject(invalid("is a link to"));
    const through = await withWeights("sub/secret.bin");
    symlinkSync(join(through, ".."), join(through, "onnx/sub"));
    await expect(loadModelDirectory(through)).rejects.toMatchObject(invalid("is a link to"));
  });

  test("that are a pipe, or too short, are refused", async () => {
    const pipe = await withWeights("weights.bin");
    execFileSync("mkfifo", [join(pipe, "onnx/weights.bin")]);
    await expect(loadModelDirectory(pipe)).rejects.toMatchObject(invalid("weights.bin"));
    const short = await withWeights("weights.bin");
    writeFileSync(join(short, "onnx/weights.bin"), new Uint8Array(7));
    await expect(use(short)).rejects.toMatchObject(invalid("could not be loaded"));
  });

  test("that lie beside the linked graph, as in the hub's own cache, are read", async () => {
    const directory = await withWeights("weights.bin");
    const blobs = `${directory}-blobs`;
    mkdirSync(blobs);
    renameSync(join(directory, "onnx/model.onnx"), join(blobs, "1"));
    symlinkSync(join(blobs, "1"), join(directory, "onnx/model.onnx"));
    writeFileSync(join(blobs, "2"), new Uint8Array(768));
    symlinkSync(join(blobs, "2"), join(directory, "onnx/weights.bin"));
    expect((await use(directory)).shapes[0]).toEqual([1, 192]);
  });
});

test("a model that is refused stops a build before a run is recorded", async () => {
  const ns = await temporaryNearsight();
  const dataset = await ns.createDataset("model");
  await dataset.addSample({ filepath: "/a.jpg" });
  const directory = copy();
  writeFileSync(join(directory, "config.json"), "{");
  const build = ns.computeSimilarity(dataset, { model: directory, brainKey: "run" });
  await expect(build).rejects.toMatchObject(invalid("config.json"));
  expect(await dataset.listBrainRuns()).toEqual([]);
});

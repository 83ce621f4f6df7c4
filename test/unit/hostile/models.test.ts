/** Model directories and hubs that cannot be trusted: refused by what is wrong, never followed, never waited for. */

import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { loadModelDirectory } from "../../../core/models/directory.ts";
import { type DownloadOptions, downloadFile } from "../../../core/models/download.ts";
import { downloadModel } from "../../../core/models/hub.ts";
import { writeRandomClip } from "../../../tools/make-random-clip.ts";
import { FLOAT, GraphBuilder, INT64, type Port } from "../../../tools/onnx-writer.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const root = temporaryFolder();
const clip = join(root, "clip");
let count = 0;

beforeAll(() => writeRandomClip(clip));

const FILES = [
  "config.json",
  "preprocessor_config.json",
  "tokenizer.json",
  "onnx/vision_model.onnx",
  "onnx/text_model.onnx",
] as const;

function copy(): string {
  const directory = join(root, `copy-${count++}`);
  cpSync(clip, directory, { recursive: true });
  return directory;
}

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

/** A directory with one graph that takes 8 x 8 pictures. */
async function graphDirectory(
  build: (graph: GraphBuilder) => void,
  { inputs, outputs }: { inputs?: readonly Port[]; outputs?: readonly Port[] } = {},
): Promise<string> {
  const directory = join(root, `graph-${count++}`);
  mkdirSync(join(directory, "onnx"), { recursive: true });
  writeFileSync(join(directory, "config.json"), "{}");
  const preprocessor = { image_processor_type: "ViTImageProcessor", size: 8, do_normalize: false };
  writeFileSync(join(directory, "preprocessor_config.json"), JSON.stringify(preprocessor));
  const graph = new GraphBuilder();
  build(graph);
  await graph.write(
    join(directory, "onnx/model.onnx"),
    inputs ?? [{ name: "pixel_values", type: FLOAT, shape: ["batch", 3, 8, 8] }],
    outputs ?? [{ name: "image_embeds", type: FLOAT, shape: ["batch", 192] }],
  );
  return directory;
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
  const outside = join(root, "secret.bin");
  const withWeights = (location: string) =>
    graphDirectory((graph) => {
      graph.external("weights", [192], location);
      graph.node(
        "Add",
        [graph.node("Flatten", ["pixel_values"], { axis: 1 }), "weights"],
        {},
        "image_embeds",
      );
    });
  beforeAll(() => writeFileSync(outside, new Uint8Array(768)));

  test.each(["", ".", "..", "../onnx/../../secret.bin", "/etc/passwd", "\\\\host\\share", "C:x", "a\0b"])(
    "named %j are refused",
    async (location) => {
      await expect(loadModelDirectory(await withWeights(location))).rejects.toMatchObject(invalid("onnx"));
    },
  );

  test("that are a link out of the directory are refused, also through a folder", async () => {
    const direct = await withWeights("weights.bin");
    symlinkSync(outside, join(direct, "onnx/weights.bin"));
    await expect(loadModelDirectory(direct)).rejects.toMatchObject(invalid("is a link to"));
    const through = await withWeights("sub/secret.bin");
    symlinkSync(root, join(through, "onnx/sub"));
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

describe("a server that means harm", () => {
  async function serve(answer: RequestListener) {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return {
      endpoint: `http://127.0.0.1:${port}`,
      async close() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  /** Downloads one file from a server that answers so; gives the error, and what was left on disk. */
  async function download(answer: RequestListener, options: DownloadOptions = {}) {
    const { endpoint, close } = await serve(answer);
    const folder = temporaryFolder();
    const rest = { retries: 0, ...options };
    const error = await downloadFile(`${endpoint}/file`, join(folder, "file"), "file", rest).catch(
      (reason) => reason,
    );
    await close();
    return { error, left: readdirSync(folder).filter((name) => !name.endsWith(".part")) };
  }

  const endless: RequestListener = (_, response) => {
    const chunk = Buffer.alloc(64 * 1024);
    const more = () => {
      while (response.writable && response.write(chunk));
      response.once("drain", more);
    };
    response.on("error", () => undefined);
    more();
  };

  test.each([
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
    "data:text/plain,x",
    "gopher://127.0.0.1/",
    "http://[",
  ])("that redirects to %s is DOWNLOAD_FAILED", async (location) => {
    const { error, left } = await download((_, response) => response.writeHead(302, { location }).end());
    expect(error).toMatchObject({ code: "DOWNLOAD_FAILED", hint: expect.any(String) });
    expect(left).toEqual([]);
  });

  test("that redirects in circles is DOWNLOAD_FAILED", async () => {
    const { error } = await download((_, response) => response.writeHead(302, { location: "/file" }).end());
    expect(error).toMatchObject({ code: "DOWNLOAD_FAILED", message: expect.stringContaining("redirects") });
  });

  test("that never ends is LIMIT_EXCEEDED at the limit", async () => {
    const { error, left } = await download(endless, { maxBytes: 1_000_000 });
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 1_000_000 } });
    expect(left).toEqual([]);
  });

  test("that announces more than the limit is LIMIT_EXCEEDED before it is read", async () => {
    const { error } = await download(
      (_, response) => response.writeHead(200, { "content-length": 2_000_000 }).write("a"),
      { maxBytes: 1_000_000 },
    );
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  test("that sends more than its linked size is DOWNLOAD_FAILED", async () => {
    const { error, left } = await download((request, response) => {
      if (request.url !== "/file") endless(request, response);
      else response.writeHead(302, { location: "/blob", "x-linked-size": 1_000 }).end();
    });
    expect(error).toMatchObject({ code: "DOWNLOAD_FAILED", message: expect.stringContaining("announced") });
    expect(left).toEqual([]);
  });

  test("that sends less, other bytes, or something packed, leaves nothing behind", async () => {
    const short = await download((_, response) =>
      response.writeHead(200, { "x-linked-size": 9 }).end("1234"),
    );
    expect(short).toMatchObject({ error: { code: "DOWNLOAD_FAILED" }, left: [] });
    const other = await download((_, response) => response.end("other"), { sha256: "0".repeat(64) });
    expect(other).toMatchObject({ error: { code: "CHECKSUM_MISMATCH" }, left: [] });
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    const packed = await download(
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
      { maxBytes: 1_000_000 },
    );
    expect(packed).toMatchObject({ error: { code: "LIMIT_EXCEEDED" }, left: [] });
  });

  test("that has settings of many gigabytes is refused", async () => {
    const { endpoint, close } = await serve((_, response) =>
      response.writeHead(200, { "content-length": 2 ** 33 }).write("{"),
    );
    const cache = temporaryFolder();
    await expect(downloadModel("owner/name", { cache, endpoint, retries: 0 })).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
    });
    await close();
  });

  test.each([
    "[]",
    "null",
    '{"files": null, "absent": 5}',
    '{"files": {"config.json": null}, "absent": []}',
    "{",
  ])("a record of downloads that says %s is begun anew", async (text) => {
    const cache = temporaryFolder();
    const directory = join(cache, "owner--name", "main");
    cpSync(clip, directory, { recursive: true });
    writeFileSync(join(directory, "nearsight-download.json"), text);
    const { endpoint, close } = await serve((_, response) => response.writeHead(404).end());
    const model = await downloadModel("owner/name", { cache, endpoint, retries: 0 });
    expect(model.directory).toBe(directory);
    await close();
  });

  test.each(["../x", "a/..", "a/b/c", "/a/b", "a/b\n", "a\\b/c", ".a/b", "a/b?x", "a/%2e%2e"])(
    "%j is no repository, and %j no revision",
    async (name) => {
      const cache = temporaryFolder();
      const place = { cache, endpoint: "http://127.0.0.1:9", retries: 0 };
      const refused = { code: "INVALID_ARGUMENT" };
      await expect(downloadModel(name, place)).rejects.toMatchObject(refused);
      await expect(downloadModel("owner/name", { ...place, revision: name })).rejects.toMatchObject(refused);
      expect(readdirSync(cache)).toEqual([]);
      expect(existsSync(join(cache, "..", "x"))).toBe(false);
    },
  );
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

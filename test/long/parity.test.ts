/** From file to vector: ours against Python (transformers, Pillow, onnxruntime) and against transformers.js. */

import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../../core/media/image.ts";
import { imageTensor, stackTensors } from "../../core/media/resize.ts";
import { loadModelDirectory } from "../../core/models/directory.ts";
import { writeRandomModels } from "../../tools/make-random-models.ts";
import { writePictureKinds } from "../support/parity-pictures.ts";
import { prepareEfficientNet, preparePython, prepareTransformers, runTool } from "../support/parity-setup.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SIZE = 224;
const INSTALLING_MS = 600_000;
const PHOTOS = [
  "chelsea.png",
  "coffee.png",
  "camera.png",
  "astronaut.png",
  "rocket.jpg",
  "retina.jpg",
  "page.png",
];
const PROMPTS = ["a photo of a red car", "two dogs", "Ünïcode, punctuation... & CAPITALS!"];
/** transformers.js cuts off the end token of what is too long; Python keeps it. */
const LONG_PROMPT = "cat and dog ".repeat(60);

/** Image and text classes of transformers.js with the outputs that are the embedding. */
const REQUESTS: readonly {
  readonly name: string;
  readonly imageClass: string;
  readonly imageOutput: string;
  readonly textClass?: string;
  readonly textOutput?: string;
}[] = [
  {
    ...{ name: "clip", imageClass: "CLIPVisionModelWithProjection", imageOutput: "image_embeds" },
    ...{ textClass: "CLIPTextModelWithProjection", textOutput: "text_embeds" },
  },
  {
    ...{ name: "siglip", imageClass: "SiglipVisionModel", imageOutput: "pooler_output" },
    ...{ textClass: "SiglipTextModel", textOutput: "pooler_output" },
  },
  { name: "dinov2", imageClass: "AutoModel", imageOutput: "last_hidden_state" },
  { name: "vit", imageClass: "AutoModel", imageOutput: "pooler_output" },
  { name: "resnet", imageClass: "AutoModel", imageOutput: "pooler_output" },
];

let folder: string;
let python: string;
let models: string;
let pictures: string;
let names: string[];

beforeAll(async () => {
  folder = temporaryFolder();
  [models, pictures] = [join(folder, "models"), join(folder, "pictures")];
  python = await preparePython();
  await writeRandomModels(models);
  names = await writePictureKinds(pictures);
}, INSTALLING_MS);

/** Rows of float32 numbers in a file. */
function readRows(path: string, rows: number): Float32Array[] {
  const bytes = Uint8Array.from(readFileSync(path));
  const values = new Float32Array(bytes.buffer);
  const length = values.length / rows;
  return Array.from({ length: rows }, (_, i) => values.subarray(i * length, (i + 1) * length));
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, left, right] = [0, 0, 0];
  a.forEach((x, i) => {
    const y = b[i] ?? Number.NaN;
    dot += x * y;
    left += x * x;
    right += y * y;
  });
  return a.length === b.length ? dot / Math.sqrt(left * right) : Number.NaN;
}

/** What nearsight makes of the files of a folder. */
async function ours(directory: string, source: string, output?: string) {
  const model = await loadModelDirectory(directory, { output });
  const tensors: Float32Array[] = [];
  const vectors: Float32Array[] = [];
  for (const name of readdirSync(source).sort()) {
    const tensor = imageTensor(await decodeImage(join(source, name)), model.input);
    tensors.push(tensor);
    const { width, height } = model.input;
    vectors.push((await model.embed(stackTensors([tensor], [3, height, width]))).row(0).slice());
  }
  return { model, tensors, vectors };
}

async function reference(directories: string, source: string, prompts: readonly string[]): Promise<string> {
  const target = join(dirname(source), `reference-${directories.split("/").at(-1)}`);
  mkdirSync(target);
  const texts = join(target, "prompts.json");
  writeFileSync(texts, JSON.stringify(prompts));
  await runTool(python, ["tools/parity/reference.py", directories, source, target, texts]);
  return target;
}

function listBelow(limit: number, of: readonly string[], found: readonly number[]): string[] {
  return of.flatMap((name, i) => ((found[i] ?? 0) >= limit ? [] : [`${name}: ${found[i]}`]));
}

describe("against Python", () => {
  let target: string;
  beforeAll(async () => {
    target = await reference(models, pictures, [...PROMPTS, LONG_PROMPT]);
  }, INSTALLING_MS);

  it.each(REQUESTS)("$name: every kind of picture", async ({ name }) => {
    const { tensors, vectors, model } = await ours(join(models, name), pictures);
    const theirs = readRows(join(target, `${name}.vectors`), names.length);
    const fed = readRows(join(target, `${name}.tensors`), names.length);
    const pixels = tensors.map((tensor, i) => cosine(tensor, fed[i] ?? new Float32Array()));
    expect(listBelow(0.999, names, pixels)).toEqual([]);
    const found = vectors.map((vector, i) => cosine(vector, theirs[i] ?? new Float32Array()));
    expect(listBelow(0.999, names, found)).toEqual([]);
    // The same pictures in another order would not pass.
    const shifted = vectors.map((vector, i) => cosine(vector, theirs[(i + 1) % names.length] ?? vector));
    expect(listBelow(0.999, names, shifted).length).toBeGreaterThan(names.length / 2);
    await model.close?.();
  });

  it.each(REQUESTS.filter(({ textClass }) => textClass !== undefined))("$name: prompts", async ({ name }) => {
    const prompts = [...PROMPTS, LONG_PROMPT];
    const theirs = readRows(join(target, `${name}.prompts`), prompts.length);
    const model = await loadModelDirectory(join(models, name));
    const vectors = await model.embedPrompts?.(prompts);
    const found = theirs.map((one, i) => cosine(one, vectors?.row(i) ?? new Float32Array()));
    expect(listBelow(0.9999, prompts, found)).toEqual([]);
    await model.close?.();
  });
});

describe("against transformers.js", () => {
  const embedded = new Map<string, Awaited<ReturnType<typeof ours>>>();
  beforeAll(async () => {
    const script = await prepareTransformers();
    for (const { name } of REQUESTS) {
      const made = await ours(join(models, name), pictures);
      embedded.set(name, made);
      writeFileSync(
        join(folder, `${name}.tensors`),
        Buffer.concat(made.tensors.map((one) => Buffer.from(one.buffer))),
      );
    }
    const request = {
      models,
      tensors: folder,
      target: folder,
      size: SIZE,
      prompts: PROMPTS,
      requests: REQUESTS,
    };
    writeFileSync(join(folder, "request.json"), JSON.stringify(request));
    await runTool(process.execPath, [script, join(folder, "request.json")], dirname(script));
  }, INSTALLING_MS);

  it.each(REQUESTS)("$name: the same pixels", ({ name }) => {
    const theirs = readRows(join(folder, `${name}.images`), names.length);
    const found = (embedded.get(name)?.vectors ?? []).map((one, i) =>
      cosine(one, theirs[i] ?? new Float32Array()),
    );
    expect(found).toHaveLength(names.length);
    expect(listBelow(0.9999, names, found)).toEqual([]);
  });

  it.each(REQUESTS.filter(({ textClass }) => textClass !== undefined))(
    "$name: the same prompts",
    async ({ name }) => {
      const theirs = readRows(join(folder, `${name}.prompts`), PROMPTS.length);
      const vectors = await embedded.get(name)?.model.embedPrompts?.(PROMPTS);
      const found = theirs.map((one, i) => cosine(one, vectors?.row(i) ?? new Float32Array()));
      expect(listBelow(0.9999, PROMPTS, found)).toEqual([]);
    },
  );
});

describe("EfficientNet-Lite0, trained on ImageNet", () => {
  let directories: string;
  let photos: string;
  let target: string;
  beforeAll(async () => {
    const converted = await prepareEfficientNet(python);
    [directories, photos] = [join(folder, "trained"), join(folder, "photos")];
    for (const path of [directories, photos]) mkdirSync(path);
    symlinkSync(join(converted, "efficientnet-lite0"), join(directories, "efficientnet-lite0"));
    const library = join(dirname(python), "../lib");
    const [version] = readdirSync(library).filter((name) => name.startsWith("python3"));
    const source = join(library, version ?? "", "site-packages/skimage/data");
    for (const name of PHOTOS) copyFileSync(join(source, name), join(photos, name));
    target = await reference(directories, photos, []);
  }, INSTALLING_MS);

  it("gives Python's vectors and classes for photos", async () => {
    const sorted = [...PHOTOS].sort();
    const directory = join(directories, "efficientnet-lite0");
    const { vectors } = await ours(directory, photos);
    const theirs = readRows(join(target, "efficientnet-lite0.vectors"), sorted.length);
    const found = vectors.map((one, i) => cosine(one, theirs[i] ?? new Float32Array()));
    expect(listBelow(0.999, sorted, found)).toEqual([]);
    const scores = (await ours(directory, photos, "logits")).vectors;
    const scored = readRows(join(target, "efficientnet-lite0.logits"), sorted.length);
    const classes = new Map(sorted.map((name, i) => [name, best(scores[i])]));
    expect([...classes.values()]).toEqual(scored.map(best));
    // ImageNet's numbers: 281, 282 and 285 are tabby, tiger and Egyptian cat, 967 espresso, 872 tripod.
    expect([281, 282, 285]).toContain(classes.get("chelsea.png"));
    expect([classes.get("coffee.png"), classes.get("camera.png")]).toEqual([967, 872]);
  });
});

function best(scores: Float32Array | undefined): number {
  return scores?.indexOf(Math.max(...scores)) ?? -1;
}

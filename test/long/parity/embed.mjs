/**
 * What transformers.js makes of pixels and prompts that are given: node embed.mjs REQUEST.json, in a folder with the
 * package. The request names the models folder, a float32 file of pixels [count, 3, size, size] for each model, and
 * prompts; MODEL.images and MODEL.prompts are written to its target folder as float32.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AutoModel,
  AutoTokenizer,
  CLIPTextModelWithProjection,
  CLIPVisionModelWithProjection,
  env,
  SiglipTextModel,
  SiglipVisionModel,
  Tensor,
} from "@huggingface/transformers";

const CLASSES = {
  AutoModel,
  CLIPTextModelWithProjection,
  CLIPVisionModelWithProjection,
  SiglipTextModel,
  SiglipVisionModel,
};

const { models, tensors, target, size, prompts, requests } = JSON.parse(
  readFileSync(process.argv[2], "utf8"),
);
env.allowRemoteModels = false;
env.localModelPath = models;

for (const { name, imageClass, imageOutput, textClass, textOutput } of requests) {
  const model = await CLASSES[imageClass].from_pretrained(name, { dtype: "fp32" });
  const bytes = Uint8Array.from(readFileSync(join(tensors, `${name}.tensors`)));
  const pixels = new Float32Array(bytes.buffer);
  const vectors = [];
  const length = 3 * size * size;
  for (let start = 0; start < pixels.length; start += length) {
    const pixel_values = new Tensor("float32", pixels.slice(start, start + length), [1, 3, size, size]);
    const result = (await model({ pixel_values }))[imageOutput];
    // Tokens give the class token in front.
    vectors.push(...result.data.slice(0, result.dims.length === 3 ? result.dims[2] : result.data.length));
  }
  writeFileSync(join(target, `${name}.images`), new Uint8Array(Float32Array.from(vectors).buffer));
  if (textClass === undefined) continue;
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  const textModel = await CLASSES[textClass].from_pretrained(name, { dtype: "fp32" });
  const inputs = tokenizer(prompts, { padding: "max_length", truncation: true });
  const result = (await textModel(inputs))[textOutput];
  writeFileSync(join(target, `${name}.prompts`), new Uint8Array(Float32Array.from(result.data).buffer));
}

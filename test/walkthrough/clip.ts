/**
 * The CLIP directory that the twins' hub serves as the weights of clip-vit-base32-torch. Both kinds have the
 * hub's layout, a byte-level BPE tokenizer, seeded random weights and 512 numbers a vector. The small one lets
 * every twin embed the whole data set in seconds; NEARSIGHT_WALKTHROUGH=full, which test/long
 * sets, takes ViT-B/32 in full instead.
 */

import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CLIP_SHAPES, type ClipShape, writeRandomClip } from "../../tools/make-random-clip.ts";

/** True where every twin is to run the full model. */
export const FULL = process.env["NEARSIGHT_WALKTHROUGH"] === "full";

/** Where the zoo finds the weights. */
export const REPOSITORY = "Xenova/clip-vit-base-patch32";

const SMALL: ClipShape = {
  image: { hidden: 64, layers: 2, heads: 4, size: 64, patch: 32 },
  text: { hidden: 64, layers: 2, heads: 4, vocabulary: 800, length: 77 },
  projection: 512,
};

const root = resolve(import.meta.dirname, "../..");
const SOURCES = ["make-random-clip.ts", "clip-tokenizer.ts", "onnx-writer.ts"];

/** Writes the small model into a folder. */
export async function writeSmallClip(folder: string): Promise<void> {
  await writeRandomClip(folder, SMALL);
}

/** The folder of the full model: 600 MB, kept until the scripts that write it change. */
export async function fullClip(): Promise<string> {
  const folder = join(root, ".cache/walkthrough-clip");
  const marker = join(folder, "written-by");
  const hash = createHash("sha256");
  for (const source of SOURCES) hash.update(readFileSync(join(root, "tools", source)));
  const writtenBy = hash.digest("hex");
  if (existsSync(marker) && readFileSync(marker, "utf8") === writtenBy) return folder;
  const beside = `${folder}-${randomUUID()}`;
  mkdirSync(beside, { recursive: true });
  await writeRandomClip(beside, CLIP_SHAPES.base32);
  writeFileSync(join(beside, "written-by"), writtenBy);
  rmSync(folder, { recursive: true, force: true });
  renameSync(beside, folder);
  return folder;
}

/** A folder of pictures for each class, as FiftyOne's ImageClassificationDirectoryTree. */

import { mkdir, stat, writeFile } from "node:fs/promises";
import { join, parse, resolve } from "node:path";
import type { ExportOptions } from "../dataset/io-port.ts";
import type { Patch, Sample } from "../dataset/sample.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { isImageName } from "../media/image-names.ts";
import { thumbnail } from "../media/thumbnail.ts";
import { assertMedia } from "./directory.ts";
import { type MediaWriter, mediaWriter, uniqueNames } from "./export-media.ts";
import { kindOf, listFolder, walkImages } from "./find-images.ts";
import type { Format } from "./format.ts";
import { onlyField, sampleFailure } from "./sample-rows.ts";

/** FiftyOne's folder for samples without a label. */
const UNLABELED = "_unlabeled";

/** Patches are written as WebP: 16,383 pixels is its longest side, and 95 shows no loss. */
const PATCH_PICTURE = { size: 16_383, quality: 95 };

export const tree: Format = {
  name: "tree",
  aliases: ["ImageClassificationDirectoryTree"],
  endings: [],
  patches: true,
  /** Two classes at least, with pictures and no folders in them: other folders of pictures are taken for `directory`. */
  async detect(path) {
    if (!(await stat(path)).isDirectory()) return false;
    let classes = 0;
    for (const entry of await listFolder(path)) {
      const below = join(path, entry.name);
      const kind = await kindOf(entry, below);
      if (kind === "file" && isImageName(entry.name)) return false;
      if (kind !== "folder") continue;
      const inside = await listFolder(below);
      if (inside.some((one) => one.isDirectory())) return false;
      if (inside.some((one) => isImageName(one.name))) classes++;
    }
    return classes >= 2;
  },
  async *read(path, options) {
    const { labelField = "ground_truth" } = options;
    const root = resolve(path, options.dataPath ?? "");
    for (const entry of await listFolder(root)) {
      const below = join(root, entry.name);
      const kind = await kindOf(entry, below);
      if (kind === "file" && isImageName(entry.name)) {
        yield { failed: { path: below, reason: "The picture is in none of the classes' folders" } };
      }
      if (kind !== "folder") continue;
      const label = labelOf(entry.name);
      const fields = label === null ? {} : { [labelField]: { _cls: "Classification", label } };
      for await (const found of walkImages(below)) {
        if ("file" in found) yield { sample: { filepath: found.file, ...fields } };
        else yield { failed: { path: found.unreadable, reason: "The folder cannot be looked into" } };
      }
    }
  },
  async *write(samples, path, options) {
    assertMedia(options.exportMedia, "tree");
    await mkdir(path);
    const write = samples.patchesField === null ? sampleWriter : patchWriter;
    const put = await write(samples, path, options);
    for await (const row of samples as SampleCollection<Sample | Patch>) {
      try {
        await put(row);
        yield { written: row.id };
      } catch (error) {
        yield { failed: sampleFailure(error, row.filepath) };
      }
    }
  },
};

async function sampleWriter(samples: SampleCollection, path: string, options: ExportOptions) {
  const field = onlyField(await samples.dataset.fields(), ["classification"], "labelField", options);
  const writers = new Map<string, MediaWriter>();
  return async (row: Sample | Patch) => {
    const folder = folderOf(row.get<string>(`${field}.label`));
    const writer = writers.get(folder) ?? mediaWriter(join(path, folder), options);
    writers.set(folder, writer);
    await writer.put(row.filepath);
  };
}

/** Cuts each patch out of its picture. */
async function patchWriter(_: SampleCollection, path: string, options: ExportOptions) {
  const names = new Map<string, (wanted: string) => string>();
  return async (row: Sample | Patch) => {
    const folder = folderOf(row.get<string>("label"));
    const box = "boundingBox" in row ? row.boundingBox : null;
    const { bytes } = await thumbnail(row.filepath, {
      ...PATCH_PICTURE,
      ...(box === null ? {} : { box }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const unique = names.get(folder) ?? uniqueNames();
    names.set(folder, unique);
    await mkdir(join(path, folder), { recursive: true });
    await writeFile(join(path, folder, unique(`${parse(row.filepath).name}.webp`)), bytes);
  };
}

// What a folder cannot be named on some system, a dot in front, our own name, and a % that would be read as one of these.
const NOT_IN_NAMES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
  /[/\\:*?"<>|\x00-\x1f]|^\.|[. ]$|^_(?=unlabeled$)|%(?=[0-9A-F]{2})|^%$/g;
const REPLACED = /%(2F|5C|3A|2A|3F|22|3C|3E|7C|2E|20|5F|25|[01][0-9A-F])/g;

/** A folder for the label: characters that no folder can have are written as %2F and the like. */
function folderOf(label: string | null): string {
  if (label === null) return UNLABELED;
  const code = (character: string) =>
    `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  return label === "" ? "%" : label.replace(NOT_IN_NAMES, code);
}

function labelOf(folder: string): string | null {
  if (folder === UNLABELED) return null;
  if (folder === "%") return "";
  return folder.replace(REPLACED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** A folder of pictures, as FiftyOne's ImageDirectory: no labels, only files. */

import { mkdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { NearsightError } from "../errors.ts";
import { isImageName } from "../media/image-names.ts";
import { mediaWriter } from "./export-media.ts";
import { walkImages } from "./find-images.ts";
import type { Format } from "./format.ts";
import { sampleFailure } from "./sample-rows.ts";

export const directory: Format = {
  name: "directory",
  aliases: ["ImageDirectory"],
  endings: [],
  async detect(path) {
    const found = await stat(path);
    if (found.isFile()) return isImageName(path);
    for await (const one of walkImages(path)) {
      if ("file" in one) return true;
    }
    return false;
  },
  async *read(path, options) {
    if ((await stat(path)).isFile()) {
      yield { sample: { filepath: path } };
      return;
    }
    for await (const found of walkImages(resolve(path, options.dataPath ?? ""))) {
      if ("file" in found) yield { sample: { filepath: found.file } };
      else yield { failed: { path: found.unreadable, reason: "The folder cannot be looked into" } };
    }
  },
  async *write(samples, path, options) {
    assertMedia(options.exportMedia, "directory");
    const media = mediaWriter(path, options);
    await mkdir(path);
    for await (const { id, filepath } of samples) {
      try {
        await media.put(filepath);
        yield { written: id };
      } catch (error) {
        yield { failed: sampleFailure(error, filepath) };
      }
    }
  },
};

/** Refuses `exportMedia: false` for formats that are nothing but media. INVALID_ARGUMENT */
export function assertMedia(exportMedia: unknown, format: string): void {
  if (exportMedia !== false) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected media to export but found exportMedia: false, and the format '${format}' is media alone`,
    hint: "Leave exportMedia out, or choose a format that writes paths, such as 'jsonl'",
  });
}

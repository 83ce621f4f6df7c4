/** Width and height of pictures, from what is known of a sample or from the head of its file. */

import type { Sample } from "../dataset/sample.ts";
import { readHeader } from "../media/image.ts";
import { loadSharp } from "../media/sharp.ts";
import { openMedia } from "../media/source.ts";

/** In pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** The size of the upright picture, which boxes are relative to. MEDIA_NOT_FOUND, MEDIA_INVALID, PACKAGE_MISSING. */
export async function imageSize(filepath: string): Promise<ImageSize> {
  const { autoOrient, pageHeight } = await readHeader(await loadSharp(), await openMedia(filepath), filepath);
  return { width: autoOrient.width, height: pageHeight ?? autoOrient.height };
}

/** The size in the field `metadata`, else the file's. */
export async function sampleSize(sample: Sample): Promise<ImageSize> {
  const known = { width: sample.get("metadata.width"), height: sample.get("metadata.height") };
  return isSize(known) ? known : imageSize(sample.filepath);
}

/** True for two positive numbers. */
export function isSize(size: { width: unknown; height: unknown }): size is ImageSize {
  return isPositive(size.width) && isPositive(size.height);
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

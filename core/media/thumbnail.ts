/** Small WebP copies of pictures, or of one object in them, for pages. */

import { NearsightError } from "../errors.ts";
import { cropBox } from "./crop.ts";
import { checkPixels, type DecodeOptions, MAX_PIXELS, readHeader } from "./image.ts";
import type { BoundingBox, CropOptions } from "./input-spec.ts";
import { loadSharp } from "./sharp.ts";
import { openMedia } from "./source.ts";

export interface ThumbnailOptions extends DecodeOptions, CropOptions {
  /** Longest side in pixels; smaller pictures keep their size. Default 256. */
  readonly size?: number | undefined;
  /** Cuts this object out first. */
  readonly box?: BoundingBox | undefined;
  /** Quality of the WebP, 1 to 100. Default 80. */
  readonly quality?: number | undefined;
}

export interface Thumbnail {
  /** The WebP file. */
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** The same as a `data:` URL, to put into a page. */
  readonly dataUrl: string;
}

/**
 * Makes a small WebP of a picture, upright, or of the object in `box`.
 * Throws as `decodeImage` does.
 *
 * @example
 * const { dataUrl } = await thumbnail("photos/cat.jpg", { size: 128 });
 */
export async function thumbnail(
  media: string | URL | Uint8Array,
  options: ThumbnailOptions = {},
): Promise<Thumbnail> {
  const bytes = await openMedia(media, options);
  const sharp = await loadSharp();
  const name = typeof media === "string" && !media.startsWith("data:") ? media : "the given bytes";
  const header = await readHeader(sharp, bytes, name);
  checkPixels(header, name, options.maxPixels ?? MAX_PIXELS);
  const size = options.size ?? 256;
  let picture = sharp(bytes, { failOn: "none", limitInputPixels: false }).autoOrient();
  if (options.box !== undefined) {
    const { width, height } = header.autoOrient;
    const { x, y, ...rest } = cropBox(options.box, width, height, options);
    picture = picture.extract({ left: x, top: y, ...rest });
  }
  try {
    const { data, info } = await picture
      .resize({ width: size, height: size, fit: "inside", withoutEnlargement: true })
      .webp({ quality: options.quality ?? 80 })
      .toBuffer({ resolveWithObject: true });
    const dataUrl = `data:image/webp;base64,${data.toString("base64")}`;
    return { bytes: data, width: info.width, height: info.height, dataUrl };
  } catch (error) {
    throw new NearsightError({
      code: "MEDIA_INVALID",
      message: `Expected a picture but could not make a thumbnail of ${name}`,
      hint: "Open the file in a viewer, or write it again as JPEG or PNG",
      cause: error,
    });
  }
}

/** Pictures as 8-bit RGB: decoding with limits checked first, orientation applied, transparency over white. */

import type { Metadata, SharpConstructor } from "sharp";
import { NearsightError } from "../errors.ts";
import type { MediaOptions } from "./media-source.ts";
import { loadSharp } from "./sharp.ts";
import { openMedia } from "./source.ts";

/** Pixels a picture may have at most, unless the caller says otherwise; Pillow refuses more, too. */
export const MAX_PIXELS = 178_956_970;

/** A decoded picture: `data` holds red, green, blue of each pixel, row after row. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface DecodeOptions extends MediaOptions {
  /** Width times height at most, read from the header before decoding. Default 178,956,970. */
  readonly maxPixels?: number | undefined;
}

/**
 * Decodes a JPEG, PNG, WebP, GIF, TIFF or AVIF picture to 8-bit RGB.
 *
 * EXIF orientation is applied, so that boxes drawn on the upright picture fit (FiftyOne reads patches so, whole
 * pictures as they are stored). Transparent pixels lie over white;
 * of an animation the first page counts. Colour profiles are ignored, as Pillow does, except for CMYK.
 * Throws MEDIA_INVALID with the reason for anything that is no whole picture, and for SVG; LIMIT_EXCEEDED for more
 * pixels than allowed; MEDIA_NOT_FOUND; PACKAGE_MISSING without sharp.
 *
 * @example
 * const { width, height, data } = await decodeImage("photos/cat.jpg");
 */
export async function decodeImage(
  media: string | URL | Uint8Array,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const bytes = await openMedia(media, options);
  const sharp = await loadSharp();
  const name = typeof media === "string" && !media.startsWith("data:") ? media : "the given bytes";
  const header = await readHeader(sharp, bytes, name);
  checkPixels(header, name, options.maxPixels ?? MAX_PIXELS);
  try {
    return await decode(sharp, bytes, header);
  } catch (error) {
    throw invalidImage(name, `it is damaged or cut off (${reasonOf(error)})`, error);
  }
}

/** Reads size and format of a picture without decoding it; the errors are those of `decodeImage`. */
export async function readHeader(
  sharp: SharpConstructor,
  bytes: Uint8Array,
  name: string,
): Promise<Metadata> {
  if (bytes.byteLength === 0) throw invalidImage(name, "it is empty");
  if (looksLikeMarkup(bytes)) throw invalidImage(name, "it is SVG or HTML, not pixels");
  try {
    const header = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (header.format !== "svg") return header;
  } catch (error) {
    throw invalidImage(name, `its format is not known (${reasonOf(error)})`, error);
  }
  throw invalidImage(name, "it is SVG, not pixels");
}

/** Throws LIMIT_EXCEEDED where the header announces more pixels than `maxPixels`. */
export function checkPixels(header: Metadata, name: string, maxPixels: number): void {
  const pixels = header.width * (header.pageHeight ?? header.height);
  if (pixels <= maxPixels) return;
  throw new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `Expected at most ${maxPixels} pixels but ${name} has ${header.width} x ${header.height}`,
    hint: "Raise maxPixels, or give a smaller picture",
    details: { limit: maxPixels, found: pixels },
  });
}

async function decode(sharp: SharpConstructor, bytes: Uint8Array, header: Metadata): Promise<RgbImage> {
  // libjpeg's warnings (stray bytes before a marker) are no reason to refuse what other readers show: only a cut-off file is.
  const picture = sharp(bytes, {
    failOn: "truncated",
    limitInputPixels: false,
    ignoreIcc: header.space !== "cmyk",
  });
  const upright = header.hasAlpha
    ? picture.autoOrient().flatten({ background: "#ffffff" })
    : picture.autoOrient();
  const { data, info } = await upright
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: toRgb(data, info.channels) };
}

function toRgb(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0];
  for (let i = 0; i < pixels; i++) {
    rgb[i * 3] = data[i * channels] as number;
    rgb[i * 3 + 1] = data[i * channels + green] as number;
    rgb[i * 3 + 2] = data[i * channels + blue] as number;
  }
  return rgb;
}

function looksLikeMarkup(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 256)).toString("utf8");
  return start
    .replace(/^\ufeff/, "")
    .trimStart()
    .startsWith("<");
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll("\n", " ").trim();
}

function invalidImage(name: string, reason: string, cause?: unknown): NearsightError {
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected a picture (JPEG, PNG, WebP, GIF, TIFF, AVIF) but could not read ${name}: ${reason}`,
    hint: "Open the file in a viewer, or write it again as JPEG or PNG",
    details: { reason },
    cause,
  });
}

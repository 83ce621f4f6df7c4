/** Pictures as 8-bit RGB: decoding with limits checked first, orientation applied, transparency over white. */

import type { Metadata, Sharp, SharpConstructor } from "sharp";
import { NearsightError } from "../errors.ts";
import type { MediaOptions } from "./media-source.ts";
import { loadSharp } from "./sharp.ts";
import { pictureFormat } from "./signature.ts";
import { openMedia } from "./source.ts";

/** Pixels a picture may have at most, unless the caller says otherwise; Pillow refuses more, too. */
export const MAX_PIXELS = 178_956_970;

/** Pixels a side may have at most: what resampling needs grows with the longest side. */
const MAX_SIDE = 1_000_000;

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
 * of an animation the first page counts. Colour profiles are ignored and CMYK becomes RGB by arithmetic, as Pillow does.
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
  const name = typeof media === "string" && !media.startsWith("data:") ? media : "the given bytes";
  return decodeBytes(await openMedia(media, options), name, options);
}

/** Decodes bytes that were read before; `name` is what messages call them. The errors are those of `decodeImage`. */
export async function decodeBytes(
  bytes: Uint8Array,
  name: string,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const sharp = await loadSharp();
  const header = await readHeader(sharp, bytes, name);
  checkPixels(header, name, options.maxPixels ?? MAX_PIXELS);
  try {
    return await decode(sharp, bytes, header);
  } catch (error) {
    throw invalidImage(name, `it is damaged or cut off (${reasonOf(error)})`, error);
  }
}

/**
 * Size in pixels of a picture, from its header: nothing is decoded. The errors are those of `decodeImage` for what
 * is no picture, or has more pixels than `maxPixels`.
 *
 * @example
 * const { width, height } = await describeImage("photos/cat.jpg");
 */
export async function describeImage(
  media: string | URL | Uint8Array,
  options: DecodeOptions = {},
): Promise<{ width: number; height: number }> {
  const name = typeof media === "string" && !media.startsWith("data:") ? media : "the given bytes";
  const header = await readHeader(await loadSharp(), await openMedia(media, options), name);
  checkPixels(header, name, options.maxPixels ?? MAX_PIXELS);
  return { width: header.autoOrient.width, height: header.pageHeight ?? header.autoOrient.height };
}

/** Reads size and format of a picture without decoding it; the errors are those of `decodeImage`. */
export async function readHeader(
  sharp: SharpConstructor,
  bytes: Uint8Array,
  name: string,
): Promise<Metadata> {
  if (bytes.byteLength === 0) throw invalidImage(name, "it is empty");
  if (looksLikeMarkup(bytes)) throw invalidImage(name, "it is SVG or HTML, not pixels");
  // SVG hides well (in gzip, behind spaces) and can ask for files and addresses: nothing unknown reaches a decoder.
  const format = pictureFormat(bytes);
  if (format === null) throw invalidImage(name, "its format is not known");
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    throw invalidImage(
      name,
      `it begins like ${format} but is damaged or cut off (${reasonOf(error)})`,
      error,
    );
  }
}

/** Throws LIMIT_EXCEEDED where the header announces more pixels than `maxPixels`, or a side of more than a million. */
export function checkPixels(header: Metadata, name: string, maxPixels: number): void {
  const { width } = header;
  const height = header.pageHeight ?? header.height;
  if (width * height > maxPixels) {
    throw new NearsightError({
      code: "LIMIT_EXCEEDED",
      message: `Expected at most ${maxPixels} pixels but ${name} has ${width} x ${height}`,
      hint: "Raise maxPixels, or give a smaller picture",
      details: { limit: maxPixels, found: width * height },
    });
  }
  if (Math.max(width, height) <= MAX_SIDE) return;
  throw new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `Expected sides of at most ${MAX_SIDE} pixels but ${name} has ${width} x ${height}`,
    hint: "Cut the picture into parts",
    details: { limit: MAX_SIDE, found: Math.max(width, height) },
  });
}

async function decode(sharp: SharpConstructor, bytes: Uint8Array, header: Metadata): Promise<RgbImage> {
  // libjpeg's warnings (stray bytes before a marker) are no reason to refuse what other readers show: only a cut-off
  // file is. In a TIFF libvips takes that for an ordinary error.
  const picture = sharp(bytes, {
    failOn: header.format === "tiff" ? "error" : "truncated",
    limitInputPixels: false,
    ignoreIcc: !(header.space === "cmyk" && header.hasAlpha),
  });
  if (header.space === "cmyk" && !header.hasAlpha) return decodeInks(picture);
  const upright = header.hasAlpha
    ? picture.autoOrient().flatten({ background: "#ffffff" })
    : picture.autoOrient();
  const { data, info } = await upright
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: toRgb(data, info.channels) };
}

/** Cyan, magenta, yellow and black as Pillow turns them into RGB; published models have seen no other. */
async function decodeInks(picture: Sharp): Promise<RgbImage> {
  const { data, info } = await picture
    .pipelineColourspace("cmyk")
    .autoOrient()
    .toColourspace("cmyk")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const rgb = new Uint8Array(info.width * info.height * 3);
  for (let i = 0, ink = 0; i < rgb.length; i += 3, ink += info.channels) {
    const light = 255 - (data[ink + 3] as number);
    for (let c = 0; c < 3; c++) {
      const product = (data[ink + c] as number) * light + 128;
      rgb[i + c] = light - ((product + (product >> 8)) >> 8);
    }
  }
  return { width: info.width, height: info.height, data: rgb };
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

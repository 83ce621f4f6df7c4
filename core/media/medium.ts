/** A medium that was read once: its bytes are hashed and decoded from the same copy. */

import { createHash } from "node:crypto";
import { decodeBytes, type RgbImage } from "./image.ts";
import type { BoundingBox, CropOptions, InputSpec } from "./input-spec.ts";
import type { MediaOptions, MediaStat } from "./media-source.ts";
import { imageTensor } from "./resize.ts";
import { mediaSource, openMedia, readMedia } from "./source.ts";

/** One medium, read; it is decoded when the first tensor is asked for, and then kept so. */
export interface Medium {
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly contentHash: string;
  /** Tells this version of the medium from others: the mark its place has for it, a space, the content hash. */
  readonly version: string;
  /** Float32 [3, height, width] of the whole picture, or of one box of it. MEDIA_INVALID, LIMIT_EXCEEDED. */
  tensor(spec: InputSpec, crop: ({ readonly box: BoundingBox } & CropOptions) | null): Promise<Float32Array>;
}

/** A file changed less than this before it is read may change again within the same tick of its clock. */
const CLOCK_TICK_MS = 2_000;

/** In place of a mark that would prove nothing. */
const NO_MARK = "-";

/**
 * Reads a medium: a path, a `file:` or `data:` URL, or bytes. MEDIA_NOT_FOUND, MEDIA_INVALID, LIMIT_EXCEEDED.
 *
 * @example
 * const medium = await openMedium("photos/cat.jpg");
 * const tensor = await medium.tensor(model.input, null);
 */
export async function openMedium(media: string | Uint8Array, options: MediaOptions = {}): Promise<Medium> {
  if (media instanceof Uint8Array) {
    return mediumOf(await openMedia(media, options), "the given bytes", NO_MARK);
  }
  const { bytes, stat } = await readMedia(media, options);
  return mediumOf(bytes, media.startsWith("data:") ? "the given bytes" : media, markOf(stat));
}

/**
 * The version that a medium has now. Bytes are read only where the mark of its place is not that of `known`.
 * Throws MEDIA_NOT_FOUND, MEDIA_INVALID, LIMIT_EXCEEDED.
 */
export async function mediaVersion(
  uri: string,
  known: string | null,
  options: MediaOptions = {},
): Promise<string> {
  const stat = await mediaSource(uri, options).stat(uri, options);
  if (known !== null && isVersionOf(stat, known)) return known;
  return (await openMedium(uri, options)).version;
}

/** True where what is known of a medium proves that it still is of this version. */
export function isVersionOf(stat: MediaStat, version: string): boolean {
  const mark = markOf(stat);
  return mark !== NO_MARK && version.startsWith(`${mark} `);
}

function mediumOf(bytes: Uint8Array, name: string, mark: string): Medium {
  const contentHash = createHash("sha256").update(bytes).digest("hex");
  let picture: Promise<RgbImage> | undefined;
  return {
    contentHash,
    version: `${mark} ${contentHash}`,
    async tensor(spec, crop) {
      picture ??= decodeBytes(bytes, name);
      return imageTensor(await picture, spec, crop ?? undefined);
    },
  };
}

function markOf({ size, modified, etag }: MediaStat): string {
  if (etag !== null) return etag.replaceAll(/\s/g, "");
  if (modified === null || Date.now() - modified < CLOCK_TICK_MS) return NO_MARK;
  return `${size}:${modified}`;
}

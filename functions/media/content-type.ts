/** What browsers are told that a file is: a picture where its first bytes say so, else something to save. */

import { pictureFormat } from "../../core/index.ts";

/** Types of pictures by the name of their format, with the usual ending of their files. */
const PICTURES: Readonly<Record<string, { readonly type: string; readonly ending: string }>> = {
  JPEG: { type: "image/jpeg", ending: "jpg" },
  PNG: { type: "image/png", ending: "png" },
  GIF: { type: "image/gif", ending: "gif" },
  WebP: { type: "image/webp", ending: "webp" },
  TIFF: { type: "image/tiff", ending: "tif" },
  AVIF: { type: "image/avif", ending: "avif" },
};

/** Bytes from the start of a file that tell what it is. */
export const SIGNATURE_BYTES = 12;

export const PICTURE_TYPES = Object.values(PICTURES).map(({ type }) => type);

export const PICTURE_ENDINGS = Object.values(PICTURES).map(({ ending }) => ending);

/** The type of a picture that begins with these bytes; null for anything else. */
export function pictureType(start: Uint8Array): string | null {
  const format = pictureFormat(start);
  // A video begins alike: only the brand after `ftyp` tells them apart.
  const isVideo =
    format === "AVIF" && !/^avi[fs]$/.test(Buffer.from(start.subarray(8, 12)).toString("latin1"));
  return format === null || isVideo ? null : (PICTURES[format]?.type ?? null);
}

export function endingOf(type: string): string {
  return Object.values(PICTURES).find((picture) => picture.type === type)?.ending ?? "bin";
}

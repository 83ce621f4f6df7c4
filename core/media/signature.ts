/** Tells picture formats by their first bytes, so that no decoder is given anything else. */

/** In hexadecimal; two dots stand for any byte. */
const SIGNATURES: Readonly<Record<string, RegExp>> = {
  JPEG: /^ffd8ff/,
  PNG: /^89504e470d0a1a0a/,
  // GIF87a, GIF89a
  GIF: /^474946383[79]61/,
  // RIFF, its length, WEBP
  WebP: /^52494646.{8}57454250/,
  // 42 is TIFF, 43 BigTIFF, each in both byte orders.
  TIFF: /^(49492[ab]00|4d4d002[ab])/,
  // ftyp: an ISO base media file (ISO/IEC 14496-12); whether it holds a picture is the decoder's to say.
  AVIF: /^.{8}66747970/,
};

/** Bytes of the longest signature. */
const LENGTH = 12;

/** The name of the format the bytes begin like, or null for none that is decoded. */
export function pictureFormat(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, LENGTH));
  const text = start.toString("hex");
  return Object.keys(SIGNATURES).find((name) => SIGNATURES[name]?.test(text)) ?? null;
}

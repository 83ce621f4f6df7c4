/** Small pictures by formula, and as encoded files. */

import type { RgbImage } from "../../core/media/image.ts";
import { loadSharp } from "../../core/media/sharp.ts";

/** Noise over a gradient; tools/pillow-golden.py makes the same one. */
export function noisePicture(width: number, height: number, seed: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  let state = seed >>> 0;
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = (state >>> 24) + (pixel % width) * 5 + Math.floor(pixel / width) * 3 + (i % 3) * 40;
  }
  return { width, height, data };
}

/** One colour everywhere. */
export function plainPicture(
  width: number,
  height: number,
  color: readonly [number, number, number],
): RgbImage {
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => color[i % 3] as number),
  };
}

/** A picture as the bytes of a file. */
export async function encodePicture(
  { width, height, data }: RgbImage,
  format: "png" | "jpeg" | "webp" | "gif" = "png",
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}

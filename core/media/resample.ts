/** Resamples 8-bit RGB pictures with the arithmetic of Pillow: the same filters, passes and rounding. */

import type { RgbImage } from "./image.ts";
import type { Resample } from "./input-spec.ts";
import { loadPasses, type Passes } from "./kernel/passes.ts";
import { resampleWeights } from "./kernel/weights.ts";

/** A part of the resized picture: only its pixels are computed. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

let passes: Passes | undefined;

/**
 * Resizes a picture to `width` x `height` as `PIL.Image.resize` does and returns the pixels of `window`, by default all.
 *
 * Shrinking averages over the covered pixels. First across, then down, each rounded to 8 bits, as Pillow up to 12
 * always does (13 sometimes goes down first).
 */
export function resample(
  image: RgbImage,
  width: number,
  height: number,
  method: Resample,
  window: Window = { x: 0, y: 0, width, height },
): RgbImage {
  if (method === "nearest") return nearest(image, width, height, window);
  const columns = resampleWeights(method, image.width, width, window.x, window.width);
  const rows = resampleWeights(method, image.height, height, window.y, window.height);
  passes ??= loadPasses();
  return { width: window.width, height: window.height, data: passes(image, columns, rows) };
}

/** Takes the pixel under the middle of each output pixel. */
function nearest(image: RgbImage, width: number, height: number, window: Window): RgbImage {
  const columns = nearestPositions(image.width, width, window.x, window.width);
  const rows = nearestPositions(image.height, height, window.y, window.height);
  const data = new Uint8Array(window.width * window.height * 3);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      const source = (row * image.width + column) * 3;
      data[at++] = image.data[source] as number;
      data[at++] = image.data[source + 1] as number;
      data[at++] = image.data[source + 2] as number;
    }
  }
  return { width: window.width, height: window.height, data };
}

function nearestPositions(inputSize: number, outputSize: number, start: number, length: number): Int32Array {
  const scale = inputSize / outputSize;
  const positions = new Int32Array(length);
  // Pillow adds step after step, so that its rounding errors are part of the result.
  let position = scale * 0.5;
  for (let i = 0; i < start + length; i++, position += scale) {
    if (i >= start) positions[i - start] = Math.min(inputSize - 1, Math.trunc(position));
  }
  return positions;
}

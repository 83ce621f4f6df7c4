/** Reads tensors for a model and keeps the last pictures decoded, since the patches of one picture follow each other. */

import { decodeImage, type RgbImage } from "./image.ts";
import type { BoundingBox, CropOptions, InputSpec } from "./input-spec.ts";
import { imageTensor } from "./resize.ts";

/** Pictures kept: a few, for they are large. */
const KEPT_PICTURES = 4;

/** Gives the float32 tensor [3, height, width] of a picture, or of one box of it. */
export type TensorReader = (
  source: string | Uint8Array,
  spec: InputSpec,
  crop: ({ readonly box: BoundingBox } & CropOptions) | null,
  signal: AbortSignal | undefined,
) => Promise<Float32Array>;

/** Makes a reader with its own small memory. */
export function createTensorReader(): TensorReader {
  const kept = new Map<string, Promise<RgbImage>>();

  function picture(path: string, signal: AbortSignal | undefined): Promise<RgbImage> {
    const found = kept.get(path);
    if (found !== undefined) return found;
    const decoding = decodeImage(path, { signal });
    kept.set(path, decoding);
    // A failure is not kept: the file may be there the next time.
    decoding.catch(() => kept.delete(path));
    const [oldest] = kept.keys();
    if (kept.size > KEPT_PICTURES && oldest !== undefined) kept.delete(oldest);
    return decoding;
  }

  return async (source, spec, crop, signal) => {
    if (crop === null || typeof source !== "string") {
      return imageTensor(await decodeImage(source, { signal }), spec, crop ?? undefined);
    }
    return imageTensor(await picture(source, signal), spec, crop);
  };
}

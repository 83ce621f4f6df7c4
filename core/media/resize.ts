/** From a picture to what a model is fed: resize, crop, scale and normalise, as the model's input spec says. */

import { NearsightError } from "../errors.ts";
import { cropBox, type PixelRectangle } from "./crop.ts";
import type { RgbImage } from "./image.ts";
import type { BoundingBox, CropOptions, ImageInputSpec, Tensor } from "./input-spec.ts";
import { resample } from "./resample.ts";

/** Where an object is cut out before anything else happens. */
export interface ImageCrop extends CropOptions {
  readonly box: BoundingBox;
}

/**
 * Prepares a picture, or the object in `crop.box`, for a model.
 *
 * Returns `3 * spec.height * spec.width` numbers, channels first. Throws MEDIA_INVALID for boxes that cover no pixel.
 *
 * @example
 * const tensor = imageTensor(await decodeImage("cat.jpg"), model.input);
 */
export function imageTensor(image: RgbImage, spec: ImageInputSpec, crop?: ImageCrop): Float32Array {
  const source =
    crop === undefined ? image : cutOut(image, cropBox(crop.box, image.width, image.height, crop));
  const resized = resizedSize(source, spec);
  const target = spec.centerCrop ?? resized;
  if (target.width !== spec.width || target.height !== spec.height) throw wrongSize(target, spec);
  const window = {
    x: Math.max(0, Math.floor((resized.width - target.width) / 2)),
    y: Math.max(0, Math.floor((resized.height - target.height) / 2)),
    width: Math.min(resized.width, target.width),
    height: Math.min(resized.height, target.height),
  };
  const same = resized.width === source.width && resized.height === source.height;
  const pixels = same
    ? cutOut(source, window)
    : resample(source, resized.width, resized.height, spec.resample, window);
  return normalise(pad(pixels, target), spec);
}

/** Tensors of one size as one batch: `shape` is [items, ...itemShape]. */
export function stackTensors(items: readonly Float32Array[], itemShape: readonly number[]): Tensor {
  const length = itemShape.reduce((product, size) => product * size, 1);
  const data = new Float32Array(items.length * length);
  items.forEach((item, i) => {
    if (item.length !== length) {
      throw new NearsightError({
        code: "DIMENSION_MISMATCH",
        message: `Expected ${length} numbers per item (${itemShape.join(" x ")}) but item ${i} has ${item.length}`,
        hint: "Prepare every item with the model's own input spec",
      });
    }
    data.set(item, i * length);
  });
  return { data, shape: [items.length, ...itemShape] };
}

/** A rectangle of a picture, copied; the picture itself where it is all of it. */
function cutOut(image: RgbImage, { x, y, width, height }: PixelRectangle): RgbImage {
  if (width === image.width && height === image.height) return image;
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * image.width + x) * 3;
    data.set(image.data.subarray(start, start + width * 3), row * width * 3);
  }
  return { width, height, data };
}

function resizedSize(image: RgbImage, spec: ImageInputSpec): { width: number; height: number } {
  const { resize } = spec;
  if (resize === null) return { width: image.width, height: image.height };
  if (resize.mode === "exact") return { width: resize.width, height: resize.height };
  const short = Math.min(image.width, image.height);
  const long = Math.trunc((resize.size * Math.max(image.width, image.height)) / short);
  return image.width <= image.height
    ? { width: resize.size, height: long }
    : { width: long, height: resize.size };
}

/** Black borders around a picture smaller than the crop; the odd pixel goes to the top and left. */
function pad(image: RgbImage, target: { width: number; height: number }): RgbImage {
  if (image.width === target.width && image.height === target.height) return image;
  const left = Math.ceil((target.width - image.width) / 2);
  const top = Math.ceil((target.height - image.height) / 2);
  const data = new Uint8Array(target.width * target.height * 3);
  for (let row = 0; row < image.height; row++) {
    const line = image.data.subarray(row * image.width * 3, (row + 1) * image.width * 3);
    data.set(line, ((top + row) * target.width + left) * 3);
  }
  return { ...target, data };
}

function normalise({ width, height, data }: RgbImage, spec: ImageInputSpec): Float32Array {
  const size = width * height;
  const tensor = new Float32Array(size * 3);
  const [reds, greens, blues] = levelTables(spec);
  for (let i = 0, at = 0; i < size; i++, at += 3) {
    tensor[i] = reds[data[at] as number] as number;
    tensor[size + i] = greens[data[at + 1] as number] as number;
    tensor[2 * size + i] = blues[data[at + 2] as number] as number;
  }
  return tensor;
}

type LevelTables = readonly [Float32Array, Float32Array, Float32Array];

const tables = new WeakMap<ImageInputSpec, LevelTables>();

function levelTables(spec: ImageInputSpec): LevelTables {
  const known = tables.get(spec);
  if (known !== undefined) return known;
  const made = [levelTable(spec, 0), levelTable(spec, 1), levelTable(spec, 2)] as const;
  tables.set(spec, made);
  return made;
}

/** What each of the 256 levels becomes; rounded to float32 at every step, as NumPy does in the Python processors. */
function levelTable(spec: ImageInputSpec, channel: number): Float32Array {
  const mean = Math.fround(spec.mean[channel] as number);
  const std = Math.fround(spec.std[channel] as number);
  return Float32Array.from({ length: 256 }, (_, level) => {
    const scaled = Math.fround(level * (spec.rescale ?? 1));
    return Math.fround(scaled - mean) / std;
  });
}

function wrongSize(found: { width: number; height: number }, spec: ImageInputSpec): NearsightError {
  return new NearsightError({
    code: "DIMENSION_MISMATCH",
    message: `Expected ${spec.width} x ${spec.height} pixels after resizing but found ${found.width} x ${found.height}`,
    hint: "Let the input spec resize exactly or crop to the size of the tensor",
  });
}

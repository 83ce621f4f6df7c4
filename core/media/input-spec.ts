/** What a model wants to be fed, as data: the bridge between media and models. */

/** Interpolation by PIL's names; the numbers in preprocessor files are 0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box, 5 hamming. */
export type Resample = "nearest" | "lanczos" | "bilinear" | "bicubic" | "box" | "hamming";

/** How a picture becomes a float32 tensor of shape [3, height, width] (RGB, channels first). */
export interface ImageInputSpec {
  readonly kind: "image";
  /** Size of the tensor in pixels, after resizing and cropping. */
  readonly width: number;
  readonly height: number;
  /** `shortestEdge` keeps the aspect ratio; `exact` squashes; null leaves the size alone. */
  readonly resize:
    | { readonly mode: "shortestEdge"; readonly size: number }
    | { readonly mode: "exact"; readonly width: number; readonly height: number }
    | null;
  readonly resample: Resample;
  /** Cut from the middle, padded with zeros where the picture is smaller, or null. */
  readonly centerCrop: { readonly width: number; readonly height: number } | null;
  /** Factor on the 0..255 values, 1 / 255 as a rule; null to leave them. */
  readonly rescale: number | null;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Kinds of input; audio and molecules join this union. */
export type InputSpec = ImageInputSpec;

/** A box relative to the picture: left, top, width, height, each 0 to 1. */
export type BoundingBox = readonly [x: number, y: number, width: number, height: number];

/** How an object is cut out of a picture. */
export interface CropOptions {
  /** Widens the shorter side of the box to a square inside the picture. Default false. */
  readonly forceSquare?: boolean;
  /** Grows (> 0) or shrinks (< 0, above -1) the box: each side becomes `(1 + alpha)` times as long. Default 0. */
  readonly alpha?: number;
}

/** Numbers for a model: `shape` is [batch, ...]. */
export interface Tensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

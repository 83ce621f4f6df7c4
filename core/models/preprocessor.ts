/** Understands preprocessor_config.json in the forms Hugging Face processors have had. */

import * as z from "zod";
import type { ImageInputSpec, Resample } from "../media/input-spec.ts";
import { once } from "../once.ts";
import { invalid, type JsonObject } from "./model-files.ts";

/** Pixels of a side at most: a tensor of this size takes 200 MB, and no known model asks for so much. */
const MAX_SIDE = 4096;

const preprocessorSchema = once(() => {
  const side = z.number().int().positive().max(MAX_SIDE);
  const size = z.union([side, z.object({ shortest_edge: side }), z.object({ height: side, width: side })]);
  const channels = z.union([z.number(), z.tuple([z.number(), z.number(), z.number()])]);
  const divisor = z.number().refine((value) => value !== 0, "Nothing can be divided by 0");
  const divisors = z.union([divisor, z.tuple([divisor, divisor, divisor])]);
  return z.object({
    image_processor_type: z.string().nullish(),
    feature_extractor_type: z.string().nullish(),
    do_resize: z.boolean().nullish(),
    size: size.nullish(),
    resample: z.number().int().min(0).max(5).nullish(),
    do_center_crop: z.boolean().nullish(),
    crop_size: size.nullish(),
    crop_pct: z.number().min(0.1).nullish(),
    do_rescale: z.boolean().nullish(),
    rescale_factor: z.number().positive().nullish(),
    rescale_offset: z.boolean().nullish(),
    include_top: z.boolean().nullish(),
    do_normalize: z.boolean().nullish(),
    image_mean: channels.nullish(),
    image_std: divisors.nullish(),
    do_flip_channel_order: z.boolean().nullish(),
  });
});

type Preprocessor = z.infer<ReturnType<typeof preprocessorSchema>>;
type Size = NonNullable<Preprocessor["size"]>;
type Triple = readonly [number, number, number];

/** PIL's numbers. */
const RESAMPLES: readonly Resample[] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/** What a processor does where its file is silent; the defaults of the Python classes. */
interface Family {
  readonly name: RegExp;
  /** A bare number is the shortest edge; elsewhere it is both sides. */
  readonly numberIsShortestEdge: boolean;
  readonly resample: Resample;
  readonly centerCrop: boolean;
  readonly mean: Triple;
  readonly std: Triple;
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const HALF = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
const CLIP = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;

const FAMILIES: readonly Family[] = [
  { name: /CLIP|Bit/, numberIsShortestEdge: true, resample: "bicubic", centerCrop: true, ...CLIP },
  { name: /ConvNext/, numberIsShortestEdge: true, resample: "bilinear", centerCrop: false, ...IMAGENET },
  {
    name: /MobileNet|MobileViT/,
    numberIsShortestEdge: true,
    resample: "bilinear",
    centerCrop: true,
    ...HALF,
  },
  { name: /Siglip|DeiT/, numberIsShortestEdge: false, resample: "bicubic", centerCrop: false, ...HALF },
  { name: /EfficientNet/, numberIsShortestEdge: false, resample: "nearest", centerCrop: false, ...IMAGENET },
];
const OTHERS: Family = {
  name: /^/,
  numberIsShortestEdge: false,
  resample: "bilinear",
  centerCrop: false,
  ...HALF,
};

/** Below this size ConvNeXt processors resize to `size / crop_pct` and crop; from it on they squash. */
const CONVNEXT_SQUASH = 384;

/**
 * Turns a preprocessor file into an input spec. `where` names the file in messages.
 * Throws MODEL_INVALID for files that do not say the tensor's size, or ask for what is not supported.
 */
export function parsePreprocessor(json: JsonObject, where: string): ImageInputSpec {
  const parsed = preprocessorSchema().safeParse(json);
  if (!parsed.success)
    throw invalid(`Expected an image processor in ${where} but ${z.prettifyError(parsed.error)}`);
  const file = parsed.data;
  if (file.do_flip_channel_order)
    throw invalid(`${where} asks for BGR (do_flip_channel_order), which is not supported`);
  const type = file.image_processor_type ?? file.feature_extractor_type ?? "";
  const family = FAMILIES.find(({ name }) => name.test(type)) ?? OTHERS;
  const geometry =
    /ConvNext/.test(type) || file.crop_pct ? cropFraction(file, where) : plainGeometry(file, family, where);
  return {
    kind: "image",
    ...geometry,
    resample: file.resample == null ? family.resample : (RESAMPLES[file.resample] as Resample),
    rescale: file.do_rescale === false ? null : (file.rescale_factor ?? 1 / 255),
    ...normalisation(file, family, type),
  };
}

type Geometry = Pick<ImageInputSpec, "width" | "height" | "resize" | "centerCrop">;

function plainGeometry(file: Preprocessor, family: Family, where: string): Geometry {
  const resize = (file.do_resize ?? true) ? resizeOf(file.size, family, where) : null;
  const crops = file.do_center_crop ?? family.centerCrop;
  const centerCrop = crops ? boxOf(file.crop_size ?? file.size, where) : null;
  const final = centerCrop ?? (resize?.mode === "exact" ? resize : null);
  if (final === null) {
    throw invalid(
      `Expected ${where} to fix the size of the tensor but it neither crops nor resizes to a height and width`,
      'Add "do_center_crop": true with a crop_size, or give size as {"height", "width"}',
    );
  }
  return { width: final.width, height: final.height, resize, centerCrop };
}

/** ConvNeXt's way: `size` is the final size, and the picture is resized to a little more before the crop. */
function cropFraction(file: Preprocessor, where: string): Geometry {
  const { width, height } = boxOf(file.size ?? { shortest_edge: CONVNEXT_SQUASH }, where);
  if (file.do_resize === false) return { width, height, resize: null, centerCrop: { width, height } };
  if (width >= CONVNEXT_SQUASH)
    return { width, height, resize: { mode: "exact", width, height }, centerCrop: null };
  const size = Math.trunc(width / (file.crop_pct ?? 224 / 256));
  return { width, height, resize: { mode: "shortestEdge", size }, centerCrop: { width, height } };
}

function resizeOf(
  size: Size | null | undefined,
  family: Family,
  where: string,
): Exclude<ImageInputSpec["resize"], null> {
  if (size == null) throw invalid(`Expected "size" in ${where}, which resizes pictures, but found none`);
  if (typeof size === "number") {
    return family.numberIsShortestEdge
      ? { mode: "shortestEdge", size }
      : { mode: "exact", width: size, height: size };
  }
  if ("shortest_edge" in size) return { mode: "shortestEdge", size: size.shortest_edge };
  return { mode: "exact", width: size.width, height: size.height };
}

function boxOf(size: Size | null | undefined, where: string): { width: number; height: number } {
  if (size == null) throw invalid(`Expected "crop_size" or "size" in ${where} but found neither`);
  if (typeof size === "number") return { width: size, height: size };
  if ("shortest_edge" in size) return { width: size.shortest_edge, height: size.shortest_edge };
  return { width: size.width, height: size.height };
}

/** EfficientNet's two peculiarities, shifting by one and dividing by std twice, are folded into mean and std. */
function normalisation(file: Preprocessor, family: Family, type: string): { mean: Triple; std: Triple } {
  const efficient = /EfficientNet/.test(type);
  const normalise = file.do_normalize ?? true;
  const mean = normalise ? triple(file.image_mean ?? family.mean) : triple(0);
  const std = normalise ? triple(file.image_std ?? family.std) : triple(1);
  const shift = file.rescale_offset && file.do_rescale !== false ? 1 : 0;
  const twice = efficient && normalise && (file.include_top ?? true);
  return {
    mean: mapTriple(mean, (value) => value + shift),
    std: twice ? mapTriple(std, (value) => value * value) : std,
  };
}

function triple(value: number | readonly number[]): Triple {
  return typeof value === "number" ? [value, value, value] : (value as unknown as Triple);
}

function mapTriple([a, b, c]: Triple, change: (value: number) => number): Triple {
  return [change(a), change(b), change(c)];
}

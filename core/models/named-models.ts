/** The models that have a name: the shipped one, and known ones on the hub. */

/** A model that has a name. */
export interface ModelRow {
  readonly name: string;
  /** What it was made for. */
  readonly kind: string;
  /** "shipped", or the hub repository as `hub:owner/name`. */
  readonly source: string;
  /** Numbers per vector. */
  readonly dimension: number;
  /** Whether it takes prompts. */
  readonly prompts: boolean;
  /** Bytes of its files in full precision, about. */
  readonly size: number;
  readonly license: string;
}

/** The model that is used where none is named: small, and part of the package. */
export const DEFAULT_MODEL = "nearsight-tiny";

/** The source of a model that is part of the package. */
export const SHIPPED = "shipped";
const MB = 1_000_000;

/** Names are FiftyOne's where it has the same weights. Sizes of hub models are those of their pages. */
const ZOO: readonly ModelRow[] = [
  {
    name: DEFAULT_MODEL,
    kind: "small pictures and short English prompts; runs anywhere, for first steps and tests",
    source: SHIPPED,
    dimension: 512,
    prompts: true,
    size: 5 * MB,
    license: "Apache-2.0",
  },
  hub("clip-vit-base32-torch", "Xenova/clip-vit-base-patch32", 512, 606, "MIT", "photos and English prompts"),
  hub(
    "siglip-base-patch16-224-torch",
    "onnx-community/siglip2-base-patch16-224-ONNX",
    768,
    1500,
    "Apache-2.0",
    "photos and prompts in many languages",
  ),
  hub("dinov2-vits14-torch", "Xenova/dinov2-small", 384, 88, "Apache-2.0"),
  hub("dinov2-vitb14-torch", "Xenova/dinov2-base", 768, 346, "Apache-2.0"),
  hub("dinov2-vitb14-reg-torch", "onnx-community/dinov2-with-registers-base", 768, 347, "Apache-2.0"),
];

function hub(
  name: string,
  repository: string,
  dimension: number,
  size: number,
  license: string,
  kind?: string,
): ModelRow {
  return {
    name,
    kind: kind ?? "photos, without prompts: looks and shapes",
    source: `hub:${repository}`,
    dimension,
    prompts: kind !== undefined,
    size: size * MB,
    license,
  };
}

/** The models that have a name. */
export function listModels(): readonly ModelRow[] {
  return ZOO;
}

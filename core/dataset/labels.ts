/** Labels of samples: classifications, and detections with boxes. */

import type { BoundingBox } from "../media/input-spec.ts";

/** What a label may carry besides its own fields. */
export type Attributes = Readonly<Record<string, string | number | boolean | null | readonly unknown[]>>;

/** One class for the whole sample. */
export interface Classification {
  readonly _cls: "Classification";
  readonly id: string;
  readonly label: string;
  /** 0 to 1. */
  readonly confidence?: number;
  readonly tags?: readonly string[];
  readonly attributes?: Attributes;
}

/** One object in a sample. */
export interface Detection {
  readonly _cls: "Detection";
  readonly id: string;
  readonly label: string;
  /** Left, top, width, height, each relative to the picture (0 to 1). */
  readonly boundingBox: BoundingBox;
  /** 0 to 1. */
  readonly confidence?: number;
  readonly tags?: readonly string[];
  readonly attributes?: Attributes;
}

/** The objects of a sample. */
export interface Detections {
  readonly _cls: "Detections";
  readonly detections: readonly Detection[];
}

/** Any value of a label field. */
export type Label = Classification | Detections;

/** A label as given by the user: ids are made where they are left out. */
export type LabelInput =
  | (Omit<Classification, "id"> & { readonly id?: string })
  | { readonly _cls: "Detections"; readonly detections: readonly DetectionInput[] };
export type DetectionInput = Omit<Detection, "id" | "_cls"> & {
  readonly id?: string;
  readonly _cls?: "Detection";
};

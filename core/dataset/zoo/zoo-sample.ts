/** A sample of a zoo data set before it is stored. */
import type { LabelInput } from "../labels.ts";

/** One sample as plain fields: its file, its tags, and whatever else the data set has. */
export interface ZooSample {
  /** Absolute path. */
  readonly filepath: string;
  readonly tags: readonly string[];
  readonly [field: string]: string | readonly string[] | LabelInput;
}

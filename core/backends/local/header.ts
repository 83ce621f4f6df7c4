/** What an index file says about itself; apart from `file.ts`, so that the main thread need not load SQLite. */

import type { Metric } from "../metric.ts";

/** What a file says about itself. `slots` counts rows ever allotted, `size` the live ones. */
export interface Header {
  readonly dimension: number;
  readonly metric: Metric;
  readonly vectorType: "float32" | "bits";
  readonly rowsPerBlock: number;
  /** Grows with every write; blocks carry the version that changed them last. */
  readonly version: number;
  readonly slots: number;
  readonly size: number;
  /** Number of the newest entry, in order of insertion. */
  readonly sequence: number;
}

/** Bytes one vector takes in the file. */
export function rowBytes(header: Pick<Header, "dimension" | "vectorType">): number {
  return header.vectorType === "bits" ? header.dimension / 8 : header.dimension * 4;
}

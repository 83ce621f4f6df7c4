/** The work search threads share: each function does one part of it on memory that all of them see. */

import type { Metric } from "../metric.ts";
import type { Bounded } from "./candidates.ts";
import { type JoinPart, type JoinQuery, joinCodes } from "./code-join.ts";
import { type ScanPart, scanCodes } from "./code-scan.ts";
import type { CodeView } from "./codes.ts";
import { distancesFrom, exactValues, type RowView } from "./exact.ts";
import { joinedExactly } from "./join-exact.ts";
import { type Hits, type RankOptions, sortHits } from "./rank.ts";

/** What a part of the work reads. */
export interface Views {
  readonly codes: CodeView | undefined;
  readonly rows: RowView | undefined;
}

/** The slots listed, to be sorted by their exact distance to a vector. */
export interface SortPart extends Pick<RankOptions, "reverse" | "maxDistance"> {
  readonly vector: Uint8Array;
  readonly norm: number;
  /** Lengths of all vectors. */
  readonly norms: Float64Array;
  readonly slots: Uint32Array;
}

/** The slots of one row's possible neighbours, with exact values where the rows are in memory. */
export interface Joined {
  readonly slots: Uint32Array;
  readonly values: Float64Array | undefined;
}

export interface Tasks {
  scan(part: ScanPart): Bounded[];
  join(part: JoinPart): Joined[];
  sort(part: SortPart): Hits;
}

/** The tasks as one thread does them. */
export function tasksOn({ codes, rows }: Views): Tasks {
  return {
    scan: (part) => scanCodes(needed(codes), part),
    join: (part) => {
      const found = joinCodes(needed(codes), part);
      if (rows === undefined) return found.map(({ slots }) => ({ slots, values: undefined }));
      return found.map((bounded, i) => joinedExactly(rows, part, part.queries[i] as JoinQuery, bounded));
    },
    sort: (part) => {
      const view = needed(rows);
      return sortedBy(view.layout.metric, exactValues(view, part.vector, part.slots), part);
    },
  };
}

/** The slots sorted by their distances, given what the kernel finds for them. */
export function sortedBy(metric: Metric, values: Float64Array, part: SortPart): Hits {
  const { slots, norm, norms } = part;
  return sortHits({ slots, distances: distancesFrom(metric, values, norm, norms, slots) }, part);
}

/** What a part of the work cannot do without. */
export function needed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("This part of the work needs memory that it was not given");
  return value;
}

/** The work search threads share: each function does one part of it on memory that all of them see. */

import type { Bounded } from "./candidates.ts";
import { type JoinPart, type JoinQuery, joinCodes } from "./code-join.ts";
import { type ScanPart, scanCodes } from "./code-scan.ts";
import type { CodeView } from "./codes.ts";
import { exactValues, type RowView } from "./exact.ts";
import { joinedExactly } from "./join-exact.ts";

/** What a part of the work reads. */
export interface Views {
  readonly codes: CodeView | undefined;
  readonly rows: RowView | undefined;
}

/** Exact values of one vector and the slots listed. */
export interface ValuesPart {
  readonly vector: Uint8Array;
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
  values(part: ValuesPart): Float64Array;
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
    values: ({ vector, slots }) => exactValues(needed(rows), vector, slots),
  };
}

function needed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("This part of the work needs memory that it was not given");
  return value;
}

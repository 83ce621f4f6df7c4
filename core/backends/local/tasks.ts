/** The work search threads share: each function does one part of it on memory that all of them see. */

import type { Bounded } from "./candidates.ts";
import { type JoinPart, joinCodes } from "./code-join.ts";
import { type ScanPart, scanCodes } from "./code-scan.ts";
import type { CodeView } from "./codes.ts";
import { exactValues, exactValuesAt, type RowView } from "./exact.ts";
import type { KernelMemory } from "./kernel/kernel.ts";

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
    join: (part) =>
      joinCodes(needed(codes), part).map((slots, i) => {
        const values = rows === undefined ? undefined : rowValues(rows, part.queries[i]?.slot ?? 0, slots);
        return { slots, values };
      }),
    values: ({ vector, slots }) => exactValues(needed(rows), vector, slots),
  };
}

/** Exact values of a row and others. */
function rowValues(view: RowView, slot: number, others: Uint32Array): Float64Array {
  const { rowsAt, rowsPerSegment, stride, rowBytes } = view.layout;
  const memory = view.memories[Math.floor(slot / rowsPerSegment)] as KernelMemory;
  const at = rowsAt + (slot % rowsPerSegment) * stride;
  if (view.memories.length > 1) {
    return exactValues(view, new Uint8Array(memory.buffer(), at, rowBytes), others);
  }
  return exactValuesAt(view, at, others);
}

function needed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("This part of the work needs memory that it was not given");
  return value;
}

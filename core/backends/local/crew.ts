/** Splits the work on one collection among the search threads, where it is large enough for that to pay. */

import type { Bounded } from "./candidates.ts";
import type { JoinPart } from "./code-join.ts";
import type { ScanPart } from "./code-scan.ts";
import { MOST_THREADS, PANEL_ROWS } from "./codes.ts";
import { exactValues } from "./exact.ts";
import type { Hits } from "./rank.ts";
import type { Resident } from "./resident.ts";
import { type Joined, needed, type SortPart, sortedBy, type Tasks, tasksOn } from "./tasks.ts";
import type { Helpers } from "./threads.ts";

/** Below this many bytes to go over a second thread takes longer to wake up than it saves. */
const WORTH_SHARING_BYTES = 6 << 20;

/** The threads that work on a collection: this one, and helpers if there are any. */
export class Crew {
  readonly #resident: Resident;
  readonly #helpers: Helpers | undefined;
  readonly #here: Tasks;

  constructor(resident: Resident, helpers?: Helpers) {
    this.#resident = resident;
    this.#helpers = helpers;
    this.#here = tasksOn({ codes: resident.codes, rows: resident.rows });
  }

  /** The most parts that are worked on at once. */
  get threads(): number {
    return Math.min(MOST_THREADS, this.#helpers?.threads ?? 1);
  }

  /** What the threads found in their parts of the codes, for each query. */
  scan(part: Omit<ScanPart, "from" | "to">): Bounded[][] {
    const { slots, codes } = this.#resident;
    const bytes = slots * (codes?.layout.length ?? 0) * part.queries.length;
    const stretches = split(slots, bytes < WORTH_SHARING_BYTES ? 1 : this.threads);
    const found = this.#run(
      "scan",
      stretches.map((stretch) => ({ ...part, ...stretch })),
    );
    return part.queries.map((_, i) => found.map((bounded) => bounded[i] as Bounded));
  }

  /** The slots in sorted parts, one after the other. */
  sort(part: SortPart): Hits[] {
    const { fileRows, layout } = this.#resident;
    const { vector, slots } = part;
    if (fileRows !== undefined) return [sortedBy(layout.metric, this.values(vector, slots), part)];
    const few = slots.length * layout.stride < WORTH_SHARING_BYTES;
    if (few || this.threads === 1) return [this.#here.sort(part)];
    const stretches = split(slots.length, this.threads);
    return this.#run(
      "sort",
      stretches.map(({ from, to }) => ({ ...part, slots: slots.subarray(from, to) })),
    );
  }

  /** Exact values of a vector, given as its bytes, and slots, found by this thread alone. */
  values(vector: Uint8Array, slots: Uint32Array): Float64Array {
    const { fileRows, rows } = this.#resident;
    return fileRows?.values(vector, slots) ?? exactValues(needed(rows), vector, slots);
  }

  /** The possible neighbours of the rows of each part; as many parts as there are threads. */
  join(parts: readonly JoinPart[]): Joined[][] {
    return this.#run("join", parts);
  }

  #run<Method extends keyof Tasks>(
    method: Method,
    parts: readonly Parameters<Tasks[Method]>[0][],
  ): ReturnType<Tasks[Method]>[] {
    const { codes, rows } = this.#resident;
    if (this.#helpers !== undefined && parts.length > 1) {
      return this.#helpers.run(method, parts, { codes, rows }, this.#here);
    }
    const work = this.#here[method] as (part: unknown) => ReturnType<Tasks[Method]>;
    return parts.map((part) => work(part));
  }
}

/** Stretches of whole panels, nearly equal. */
function split(slots: number, parts: number): { from: number; to: number }[] {
  const size = Math.max(1, Math.ceil(slots / parts / PANEL_ROWS)) * PANEL_ROWS;
  const stretches: { from: number; to: number }[] = [];
  for (let from = 0; from < slots || from === 0; from += size) {
    stretches.push({ from, to: Math.min(slots, from + size) });
  }
  return stretches;
}

/** The duplicates of an index as users hold them: finds them, keeps the last result, and shows it. */

import type {
  ComparingOptions,
  Duplicates,
  DuplicatesViewOptions,
  FindDuplicatesOptions,
  PlacedPoints,
} from "../../dataset/duplicates-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { NearsightError, throwIfAborted } from "../../errors.ts";
import type { OpenIndex } from "../open-index.ts";
import { partitionWithin } from "./duplicates.ts";
import { duplicatesPlot, uniquePlot } from "./duplicates-plots.ts";
import { duplicatesView, rowsOf } from "./duplicates-views.ts";
import { type EntryRows, entryRows } from "./entry-rows.ts";
import { comparingExactly } from "./exact-copy.ts";
import type { Partition } from "./partition.ts";
import { plotDistances } from "./plot-distances.ts";
import { thresholdFor } from "./threshold-search.ts";
import { farthestFirst } from "./unique.ts";

/** Kept entry -> its duplicates with their distances, nearest first. */
export type NeighborsMap = ReadonlyMap<string, readonly (readonly [id: string, distance: number])[]>;

interface Result {
  readonly thresh: number | null;
  readonly uniqueIds: readonly string[];
  readonly duplicateIds: readonly string[];
  readonly neighborsMap: NeighborsMap | null;
}

/** `usable` makes sure that the index is there; `view` gives the view it is used on. */
export function createDuplicates(
  index: OpenIndex,
  usable: () => Promise<void>,
  view: () => SampleCollection,
): Duplicates {
  let result: Result | null = null;

  const read = async (options: ComparingOptions) => {
    throwIfAborted(options.signal);
    await usable();
    return entryRows(index, view(), options.signal);
  };

  return {
    get thresh() {
      return result?.thresh ?? null;
    },
    get uniqueIds() {
      return result?.uniqueIds ?? null;
    },
    get duplicateIds() {
      return result?.duplicateIds ?? null;
    },
    get neighborsMap() {
      return result?.neighborsMap ?? null;
    },

    async findDuplicates(options: FindDuplicatesOptions) {
      checkOptions(options);
      const rows = await read(options);
      const { fraction, thresh = 0 } = options;
      result = await comparingExactly(index, rows, async (compared) =>
        fraction === undefined
          ? resultOf(rows, thresh, await partitionWithin(compared, rows, thresh, options))
          : await byFraction(compared, rows, fraction, options),
      );
    },
    async findUnique(count: number, options: ComparingOptions = {}) {
      assertCount(count);
      const rows = await read(options);
      const { places, thresh } = await farthestFirst(index, rows, count, options);
      const chosen = new Set(places);
      result = { thresh, ...split(rows, (place) => chosen.has(place)), neighborsMap: null };
    },

    async duplicatesView(options: DuplicatesViewOptions = {}) {
      return duplicatesView(index, view(), found(result, "findDuplicates()").neighborsMap, options);
    },
    uniqueView() {
      return rowsOf(index, view()).select(known(result).uniqueIds);
    },
    visualizeDuplicates(visualization: PlacedPoints) {
      return duplicatesPlot(visualization, found(result, "findDuplicates()"));
    },
    visualizeUnique(visualization: PlacedPoints) {
      return uniquePlot(visualization, known(result));
    },
    async plotDistances(options = {}) {
      const rows = await read(options);
      return comparingExactly(index, rows, (compared) =>
        plotDistances(compared, rows, result?.thresh ?? null, options),
      );
    },
  };
}

function resultOf(rows: EntryRows, thresh: number | null, partition: Partition): Result {
  const groups = new Map<string, [id: string, distance: number][]>();
  rows.ids.forEach((id, place) => {
    if (!partition.isDuplicate(place)) return;
    const kept = rows.ids[partition.nearest[place] ?? 0] ?? "";
    const group = groups.get(kept) ?? [];
    // As float32 a distance of exactly the threshold can come out a little above it.
    const distance = partition.distances[place] ?? Number.NaN;
    group.push([id, Math.min(distance, thresh ?? distance)]);
    groups.set(kept, group);
  });
  for (const group of groups.values()) group.sort((a, b) => a[1] - b[1]);
  return { thresh, ...split(rows, (place) => !partition.isDuplicate(place)), neighborsMap: groups };
}

function split(rows: EntryRows, isKept: (place: number) => boolean) {
  return {
    uniqueIds: rows.ids.filter((_, place) => isKept(place)),
    duplicateIds: rows.ids.filter((_, place) => !isKept(place)),
  };
}

/** Keeps `1 - fraction` of the entries, and at least one, for every duplicate needs one to be a duplicate of. */
async function byFraction(
  index: OpenIndex,
  rows: EntryRows,
  fraction: number,
  options: ComparingOptions,
): Promise<Result> {
  const wanted = Math.max(1, Math.round((1 - fraction) * rows.ids.length));
  const threshold = wanted >= rows.ids.length ? null : await thresholdFor(index, rows, wanted, options);
  if (threshold !== null) return resultOf(rows, threshold.thresh, threshold.partition);
  return { thresh: null, uniqueIds: rows.ids, duplicateIds: [], neighborsMap: new Map() };
}

function checkOptions({ thresh, fraction }: FindDuplicatesOptions): void {
  if ((thresh === undefined) === (fraction === undefined)) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected either thresh or fraction but found ${thresh === undefined ? "neither" : "both"}`,
      hint: "Call findDuplicates({ thresh: 0.1 }), or findDuplicates({ fraction: 0.1 })",
    });
  }
  if (thresh !== undefined) assertThreshold(thresh);
  if (fraction !== undefined && !(fraction >= 0 && fraction <= 1)) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected a fraction from 0 to 1 but found ${fraction}`,
      hint: "Give the share of the entries to call duplicates, such as 0.1",
    });
  }
}

/** Throws INVALID_ARGUMENT for a threshold that is no number. */
export function assertThreshold(thresh: number): void {
  if (typeof thresh === "number" && !Number.isNaN(thresh)) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a threshold that is a number but found ${thresh}`,
    hint: "Give a distance of the index's metric, such as 0.1 for cosine",
  });
}

function assertCount(count: number): void {
  if (Number.isInteger(count) && count > 0) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a count of 1 or more but found ${count}`,
    hint: "Give the number of entries to choose",
  });
}

function known(result: Result | null): Result {
  if (result !== null) return result;
  throw notCalled("findUnique() or findDuplicates()");
}

function found(result: Result | null, call: string): Result & { readonly neighborsMap: NeighborsMap } {
  if (result?.neighborsMap != null) return { ...result, neighborsMap: result.neighborsMap };
  throw notCalled(call);
}

function notCalled(call: string): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected results of ${call} but it was not called on this index object`,
    hint: `Await ${call} first`,
  });
}

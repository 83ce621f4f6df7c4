/** The histogram of the distances from each entry to its nearest neighbour. */

import type { Metric } from "../../backends/metric.ts";
import type { ComparingOptions, DistancesPlot } from "../../dataset/duplicates-port.ts";
import { NearsightError } from "../../errors.ts";
import type { OpenIndex } from "../open-index.ts";
import type { EntryRows } from "./entry-rows.ts";
import { neighborhoodsOf } from "./neighbors.ts";

/** Plain data to plot; an entry without neighbours counts in no bin. */
export async function plotDistances(
  index: OpenIndex,
  rows: EntryRows,
  thresh: number | null,
  { bins = 100, log = false, ...options }: { bins?: number; log?: boolean } & ComparingOptions,
): Promise<DistancesPlot> {
  if (!Number.isInteger(bins) || bins < 1) throw badBins(bins);
  const distances = new Float32Array(rows.ids.length);
  let count = 0;
  let done = 0;
  for await (const part of neighborhoodsOf(index, rows, { k: 1, signal: options.signal })) {
    distances.set(part.distances, count);
    count += part.distances.length;
    done += part.places.length;
    options.progress?.({ phase: "neighbors", done, total: rows.ids.length, failed: 0 });
  }
  const metric = index.run.config.metric as Metric;
  return { metric, thresh, log, ...histogram(distances.subarray(0, count), bins) };
}

/** As NumPy's: equal bins from the smallest to the largest value; one value alone gets bins of width 1 in all. */
function histogram(values: Float32Array, bins: number): { counts: number[]; edges: number[] } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (values.length === 0) [low, high] = [0, 1];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const edges = Array.from({ length: bins + 1 }, (_, i) =>
    i === bins ? high : low + ((high - low) * i) / bins,
  );
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = binOf(value, edges, bins);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { counts, edges };
}

/** The bin by its edges: what rounding puts beside it is moved. */
function binOf(value: number, edges: readonly number[], bins: number): number {
  const [low, high] = [edges[0] ?? 0, edges[bins] ?? 1];
  let bin = Math.min(bins - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * bins)));
  while (bin > 0 && value < (edges[bin] ?? low)) bin--;
  while (bin < bins - 1 && value >= (edges[bin + 1] ?? high)) bin++;
  return bin;
}

function badBins(bins: number): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected bins to be a whole number above 0 but found ${bins}`,
    hint: "Leave it out for 100 bins",
  });
}

/** Duplicates and unique entries as points of a visualization, for any plotting library. */

import type { DuplicatesPlot, PlacedPoints, TypedPoints } from "../../dataset/duplicates-port.ts";
import { takeRows } from "../../matrix.ts";
import type { NeighborsMap } from "./find-duplicates.ts";

interface Found {
  readonly uniqueIds: readonly string[];
  readonly duplicateIds: readonly string[];
}

/** Points of entries that the result does not speak of are left out. */
export function duplicatesPlot(
  visualization: PlacedPoints,
  result: Found & { readonly neighborsMap: NeighborsMap },
): DuplicatesPlot {
  const types = new Map<string, "unique" | "nearest" | "duplicate">(
    result.uniqueIds.map((id) => [id, result.neighborsMap.has(id) ? "nearest" : "unique"]),
  );
  for (const id of result.duplicateIds) types.set(id, "duplicate");
  const points = typedPoints(visualization, types);
  const rows = new Map(points.ids.map((id, row) => [id, row]));
  const edges: [number, number][] = [];
  for (const [kept, duplicates] of result.neighborsMap) {
    const to = rows.get(kept);
    for (const [id] of duplicates) {
      const from = rows.get(id);
      if (from !== undefined && to !== undefined) edges.push([from, to]);
    }
  }
  return { ...points, edges };
}

/** As `duplicatesPlot`, by whether an entry was kept. */
export function uniquePlot(visualization: PlacedPoints, result: Found): TypedPoints<"unique" | "other"> {
  const types = new Map<string, "unique" | "other">(result.uniqueIds.map((id) => [id, "unique"]));
  for (const id of result.duplicateIds) types.set(id, "other");
  return typedPoints(visualization, types);
}

function typedPoints<Type extends string>(
  { points, sampleIds, labelIds }: PlacedPoints,
  types: ReadonlyMap<string, Type>,
): TypedPoints<Type> {
  const all = labelIds ?? sampleIds;
  const rows = [...all.keys()].filter((row) => types.has(all[row] ?? ""));
  const ids = rows.map((row) => all[row] ?? "");
  return { points: takeRows(points, rows), ids, types: ids.flatMap((id) => types.get(id) ?? []) };
}

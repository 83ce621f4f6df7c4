/** What the commands that compare samples with each other share: the index, and rows by their ids. */

import type { Dataset, Patch, Sample, SampleCollection, SimilarityIndex } from "../core/index.ts";
import { type Output, shortPath } from "./output.ts";
import { chooseRun, describeRow } from "./searching.ts";

/** The index named, else the only one that fits; RUN_NOT_FOUND, RUN_AMBIGUOUS. */
export async function loadCompared(dataset: Dataset, brainKey: string | undefined): Promise<SimilarityIndex> {
  const { key } = await chooseRun(dataset, brainKey);
  return dataset.loadBrainResults(key);
}

/** A sample, or an object in one, as commands show it. */
export interface ShownRow extends ReturnType<typeof describeRow> {
  readonly id: string;
  /** Its own id where it is a sample. */
  readonly sampleId: string;
}

/** Every row of a view by its id. */
export async function rowsOf(view: SampleCollection<Sample | Patch>): Promise<Map<string, ShownRow>> {
  const rows = new Map<string, ShownRow>();
  for await (const row of view) {
    const sampleId = "sampleId" in row ? row.sampleId : row.id;
    rows.set(row.id, { id: row.id, sampleId, ...describeRow(row) });
  }
  return rows;
}

/** A table of rows, of samples or objects. */
export function printRows(output: Output, rows: readonly (ShownRow | undefined)[], ofObjects: boolean): void {
  output.table(
    [{ name: "id" }, { name: ofObjects ? "object" : "labels" }, { name: "file", flexible: true }],
    rows.flatMap((row) =>
      row === undefined ? [] : [[row.id, row.labels.slice(0, 3).join(", "), shortPath(row.filepath)]],
    ),
  );
}

/** Writes a number for each sample that has a vector, and takes it from those that have none. */

import type { SampleCollection } from "../../dataset/sample-collection.ts";
import type { EntryRows } from "./entry-rows.ts";

/** Scores by place; samples of the view that are not among the rows lose the value of an earlier call. */
export async function writeScores(
  samples: SampleCollection,
  field: string,
  rows: EntryRows,
  scores: ArrayLike<number | null>,
): Promise<void> {
  for await (const page of samples.ids()) {
    const values = new Map<string, number | null>();
    for (const { id } of page) {
      const place = rows.places.get(id);
      values.set(id, place === undefined ? null : (scores[place] ?? null));
    }
    await samples.dataset.setValues(field, values);
  }
}

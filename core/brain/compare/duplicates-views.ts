/** Duplicates as a view: groups of a kept entry and its duplicates, with their facts written to fields. */

import type { DuplicatesViewOptions } from "../../dataset/duplicates-port.ts";
import type { Patch, Sample } from "../../dataset/sample.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import type { DatasetView } from "../../dataset/view.ts";
import { NearsightError } from "../../errors.ts";
import type { LabelRecord, SampleChange } from "../../store/store.ts";
import type { OpenIndex } from "../open-index.ts";
import type { NeighborsMap } from "./find-duplicates.ts";

/** Labels changed in one transaction. */
const LABELS_PER_WRITE = 1_000;

type Group = NeighborsMap extends ReadonlyMap<infer Id, infer Members> ? readonly [Id, Members] : never;

/** The rows of a view as the index knows them: samples, or the objects of its patches field. */
export function rowsOf({ run }: OpenIndex, view: SampleCollection): SampleCollection<Sample | Patch> {
  const { patchesField } = run.config;
  if (patchesField === null || view.patchesField !== null) return view as SampleCollection<Sample | Patch>;
  return view.toPatches(patchesField) as SampleCollection<Sample | Patch>;
}

/** See `Duplicates.duplicatesView`. */
export async function duplicatesView(
  index: OpenIndex,
  view: SampleCollection,
  neighborsMap: NeighborsMap,
  options: DuplicatesViewOptions,
): Promise<DatasetView<Sample | Patch>> {
  const key = sortKey(options.sortBy ?? "distance");
  const rows = rowsOf(index, view);
  const present = new Set<string>();
  for await (const page of rows.ids()) for (const row of page) present.add(row.id);
  const direction = options.reverse ? -1 : 1;
  const groups = [...neighborsMap]
    .filter(([kept]) => present.has(kept))
    .map(([kept, members]): Group => [kept, members.filter(([id]) => present.has(id))])
    .filter(([, members]) => members.length > 0)
    .sort((a, b) => direction * (key(a) - key(b)));
  await writeFields(index, view, groups, options);
  const ids = groups.flatMap(([kept, members]) => [kept, ...members.map(([id]) => id)]);
  return rows.select(ids, { ordered: true });
}

function sortKey(sortBy: string): (group: Group) => number {
  if (sortBy === "distance") return ([, members]) => members[0]?.[1] ?? 0;
  if (sortBy === "count") return ([, members]) => members.length;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected sortBy to be distance or count but found ${JSON.stringify(sortBy)}`,
    hint: 'Leave it out for "distance"',
  });
}

async function writeFields(
  index: OpenIndex,
  view: SampleCollection,
  groups: readonly Group[],
  { typeField, idField, distField }: DuplicatesViewOptions,
): Promise<void> {
  if (typeField !== undefined) {
    await writeField(index, view, typeField, groups, (isKept) => (isKept ? "nearest" : "duplicate"));
  }
  if (idField !== undefined) await writeField(index, view, idField, groups, (_, kept) => kept);
  if (distField !== undefined) {
    await writeField(index, view, distField, groups, (_isKept, _kept, distance) => distance);
  }
}

async function writeField(
  index: OpenIndex,
  view: SampleCollection,
  field: string,
  groups: readonly Group[],
  value: (isKept: boolean, kept: string, distance: number) => unknown,
): Promise<void> {
  const values = new Map<string, unknown>();
  for (const [kept, members] of groups) {
    values.set(kept, value(true, kept, 0));
    for (const [id, distance] of members) values.set(id, value(false, kept, distance));
  }
  const { patchesField } = index.run.config;
  if (patchesField === null) await view.dataset.setValues(field, values);
  else await writeAttribute(index, view.dataset.id, patchesField, field, values);
}

/** Sets an attribute of labels; their other facts stay. */
async function writeAttribute(
  index: OpenIndex,
  datasetId: string,
  patchesField: string,
  attribute: string,
  values: ReadonlyMap<string, unknown>,
): Promise<void> {
  const { entries, samples } = index.context.store;
  const labelIds = [...values.keys()];
  for (let start = 0; start < labelIds.length; start += LABELS_PER_WRITE) {
    const entryIds = labelIds.slice(start, start + LABELS_PER_WRITE);
    const owners = await entries.list(index.run.id, { entryIds });
    const sampleIds = [...new Set(owners.map((entry) => entry.sampleId))];
    const changes = (await samples.byId(datasetId, sampleIds)).map(({ id, labels }): SampleChange => {
      const records = (labels[patchesField] ?? []).map((label) => withAttribute(label, attribute, values));
      return { id, labels: { [patchesField]: { kind: "detections", records } } };
    });
    await samples.update(datasetId, changes);
  }
}

function withAttribute(
  label: LabelRecord,
  attribute: string,
  values: ReadonlyMap<string, unknown>,
): LabelRecord {
  if (!values.has(label.id)) return label;
  return { ...label, attributes: { ...label.attributes, [attribute]: values.get(label.id) } };
}

/** Makes whole samples and labels of the rows a view names. */

import { sql } from "kysely";
import type { StoreDatabase } from "./database.ts";
import { inIntegers, integerRows, type Sql, textRows } from "./json-sql.ts";
import { labelsAt, sampleAt, sampleOf } from "./look-up.ts";
import type { LabelRecord, MediaRow, RowIdentity, SampleRecord, ViewRow } from "./store.ts";
import type { LabelsTable, SamplesTable } from "./tables.ts";
import type { ViewState } from "./view-state.ts";

/** A row of a view: its sample, on a patches view its label, and its distances by name. */
export interface RowKey {
  readonly seq: number;
  readonly labelSeq: number | null;
  readonly distances: Readonly<Record<string, number>>;
}

type SampleRow = Omit<SamplesTable, "seq"> & { seq: number };
type LabelRow = Omit<LabelsTable, "seq"> & { seq: number; sample_id: string };

/** The rows in the order of `keys`, with the labels the view shows; rows deleted meanwhile are left out. */
export async function hydrate(
  database: StoreDatabase,
  view: ViewState,
  keys: readonly RowKey[],
): Promise<ViewRow[]> {
  if (keys.length === 0) return [];
  const seqs = [...new Set(keys.map((key) => key.seq))];
  const [samples, labels] = await Promise.all([
    readSamples(database, seqs),
    view.patchesField === null
      ? readLabels(database, "sample_seq", seqs, shown(view))
      : readLabels(
          database,
          "seq",
          keys.flatMap((key) => key.labelSeq ?? []),
        ),
  ]);
  if (view.patchesField !== null) return keys.flatMap((key) => patchRow(key, samples, labels));
  const bySample = Map.groupBy(labels.values(), (label) => label.sample_seq);
  return keys.flatMap((key) => {
    const row = samples.get(key.seq);
    if (row === undefined) return [];
    const sample = sampleRecord(row, bySample.get(key.seq) ?? []);
    return [{ id: sample.id, sample, label: null, distances: key.distances }];
  });
}

function patchRow(
  key: RowKey,
  samples: ReadonlyMap<number, SampleRow>,
  labels: ReadonlyMap<number, LabelRow>,
): ViewRow[] {
  const row = samples.get(key.seq);
  const label = labels.get(key.labelSeq ?? -1);
  if (row === undefined || label === undefined) return [];
  const sample = sampleRecord(row, [label]);
  return [{ id: label.id, sample, label: labelRecord(label), distances: key.distances }];
}

/** Samples of these ids that exist, in the order asked, with all their labels. */
export async function readById(
  database: StoreDatabase,
  datasetId: string,
  ids: readonly string[],
): Promise<SampleRecord[]> {
  const rows = await database.read<SampleRow>(
    sql<SampleRow>`select s.* from ${textRows(ids)}
      ${sampleOf(datasetId, sql`item.value`)} order by item.key`,
  );
  const labels = await readLabels(
    database,
    "sample_seq",
    rows.map((row) => row.seq),
  );
  const bySample = Map.groupBy(labels.values(), (label) => label.sample_seq);
  return rows.map((row) => sampleRecord(row, bySample.get(row.seq) ?? []));
}

async function readSamples(
  database: StoreDatabase,
  seqs: readonly number[],
): Promise<Map<number, SampleRow>> {
  const rows = await database.read<SampleRow>(
    sql<SampleRow>`select s.* from samples as s where s.seq ${inIntegers(seqs)}`,
  );
  return new Map(rows.map((row) => [row.seq, row]));
}

/** The labels that have one of these numbers in the column, and of those the ones that meet the condition. */
async function readLabels(
  database: StoreDatabase,
  column: "seq" | "sample_seq",
  seqs: readonly number[],
  condition: Sql = sql`(1 = 1)`,
): Promise<Map<number, LabelRow>> {
  const rows = await database.read<LabelRow>(
    sql<LabelRow>`select l.*, s.id as sample_id from ${integerRows(seqs)}
      ${labelsAt(column, sql`item.value`)} ${sampleAt(sql`l.sample_seq`)}
      where ${condition} order by l.sample_seq, l.field, l.position`,
  );
  return new Map(rows.map((row) => [row.seq, row]));
}

/** True for labels `l` the view shows: all of a field, unless a stage chose some. */
function shown(view: ViewState) {
  const fields = [...view.labelConditions].map(
    ([field, conditions]) => sql`(l.field <> ${field} or (${sql.join(conditions, sql` and `)}))`,
  );
  return sql.join([sql`(1 = 1)`, ...fields], sql` and `);
}

function sampleRecord(row: SampleRow, labels: readonly LabelRow[]): SampleRecord {
  return {
    id: row.id,
    filepath: row.filepath,
    mediaType: row.media_type,
    tags: JSON.parse(row.tags),
    fields: JSON.parse(row.fields),
    labels: Object.fromEntries(Map.groupBy(labels.map(labelRecord), (label) => label.field)),
    labelFields: JSON.parse(row.label_fields),
  };
}

function labelRecord(row: LabelRow): LabelRecord {
  return {
    id: row.id,
    sampleId: row.sample_id,
    field: row.field,
    kind: row.kind as LabelRecord["kind"],
    label: row.label,
    confidence: row.confidence,
    boundingBox: row.bounding_box === null ? null : JSON.parse(row.bounding_box),
    tags: JSON.parse(row.tags),
    attributes: JSON.parse(row.attributes),
  };
}

/** What is needed to read a row's pixels; `box` is JSON. */
export function mediaRow(row: RowIdentity & { filepath: string; box: string | null }): MediaRow {
  return {
    id: row.id,
    sampleId: row.sampleId,
    filepath: row.filepath,
    boundingBox: row.box === null ? null : JSON.parse(row.box),
  };
}

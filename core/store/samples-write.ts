/** Writes samples: each function compiles the steps of one transaction. */

import { sql } from "kysely";
import type { Step } from "./database.ts";
import { datasetIsThere } from "./datasets.ts";
import { FieldCollector } from "./fields.ts";
import {
  beforeDot,
  inTexts,
  joinInOrder,
  jsonGroup,
  jsonMerged,
  jsonRows,
  jsonText,
  member,
  type Sql,
  textRows,
} from "./json-sql.ts";
import { isLabelOf, isSampleOf, sampleOf } from "./look-up.ts";
import { randomKey } from "./random-key.ts";
import type { LabelRecord, NewSample, SampleChange } from "./store.ts";
import { idExists, idNotFound } from "./store-errors.ts";

/** Any fixed number: `rand` follows from the position alone, so that equal data sets shuffle alike. */
const RAND_SEED = 51;

/** A label with its place in the sample's list. */
type PlacedLabel = LabelRecord & { readonly position: number };

export function addSteps(datasetId: string, samples: readonly NewSample[], now: string): Step[] {
  const ids = samples.map((sample) => sample.id);
  const uris = samples.flatMap((sample) => sample.uri ?? []);
  const labels = samples.flatMap((sample) => placed(sample.id, sample.labels));
  assertUnique("sample id", ids);
  assertUnique("uri", uris);
  const fields = new FieldCollector();
  for (const sample of samples) {
    fields.addValues(sample.fields);
    for (const [name, kind] of Object.entries(sample.labelFields)) fields.add(name, kind);
  }
  return [
    datasetIsThere(datasetId),
    notTaken("sample id", sql`select id from samples where ${isSampleOf(datasetId, ids)}`),
    notTaken(
      "uri",
      sql`select uri as id from samples where dataset_id = ${datasetId} and uri ${inTexts(uris)}`,
    ),
    ...fields.steps(datasetId),
    insertSamples(datasetId, samples, now),
    insertTags(
      datasetId,
      samples.flatMap(({ id, tags }) => tagRows(id, tags)),
    ),
    ...insertLabels(datasetId, labels),
    {
      query: sql`update datasets set added = added + ${samples.length} where id = ${datasetId}`,
    },
  ];
}

function insertSamples(datasetId: string, samples: readonly NewSample[], now: string): Step {
  const rows = samples.map(({ id, filepath, uri, mediaType, tags, fields, labelFields }) => ({
    id,
    filepath,
    uri,
    mediaType,
    tags: [...new Set(tags)],
    fields: withoutNulls(fields),
    labelFields,
  }));
  const position = sql<number>`(d.added + item.key + 1)`;
  const statement = sql`insert into samples (dataset_id, id, filepath, uri, media_type, rand, tags, fields,
      label_fields, created_at, updated_at)
    select d.id, ${member("id")}, ${member("filepath")}, ${member("uri")}, ${member("mediaType")},
      ${randomKey(position, RAND_SEED)}, ${member("tags", "json")}, ${member("fields", "json")},
      ${member("labelFields", "json")},
      ${now}, ${now}
    from ${jsonRows(rows)} ${joinInOrder} datasets as d on d.id = ${datasetId} order by item.key`;
  return { query: statement };
}

function tagRows(id: string, tags: readonly string[]): { id: string; tag: string; position: number }[] {
  return [...new Set(tags)].map((tag, position) => ({ id, tag, position }));
}

function insertTags(datasetId: string, rows: readonly { id: string; tag: string; position: number }[]): Step {
  const statement = sql`insert into sample_tags (sample_seq, dataset_id, tag, position)
    select s.seq, s.dataset_id, ${member("tag")}, ${member("position", "integer")}
    from ${jsonRows(rows)} ${sampleOf(datasetId, member("id"))}
    where true on conflict (sample_seq, tag) do nothing`;
  return { query: statement };
}

function insertLabels(datasetId: string, labels: readonly PlacedLabel[]): Step[] {
  if (labels.length === 0) return [];
  const ids = labels.map((label) => label.id);
  assertUnique("label id", ids);
  const statement = sql`insert into labels (dataset_id, sample_seq, id, field, kind, position, label, confidence,
      bounding_box, tags, attributes)
    select s.dataset_id, s.seq, ${member("id")}, ${member("field")}, ${member("kind")}, ${member("position", "integer")},
      ${member("label")}, ${member("confidence", "real")}, ${member("boundingBox", "json")}, ${member("tags", "json")},
      ${member("attributes", "json")}
    from ${jsonRows(labels)} ${sampleOf(datasetId, member("sampleId"))}
    order by item.key`;
  return [
    notTaken("label id", sql`select id from labels where ${isLabelOf(datasetId, ids)}`),
    { query: statement },
  ];
}

export function deleteSteps(datasetId: string, ids: readonly string[]): Step[] {
  const samples = sql`select seq from samples where ${isSampleOf(datasetId, ids)}`;
  const owned = sql`select id from labels where sample_seq in (${samples})`;
  return [
    {
      query: sql`update run_entries set state = 'deleting'
        where run_id in (select id from runs where dataset_id = ${datasetId})
          and sample_id ${inTexts(ids)}`,
    },
    {
      query: sql`delete from sample_vectors
        where dataset_id = ${datasetId} and owner_id ${inTexts(ids)}`,
    },
    {
      query: sql`delete from sample_vectors
        where dataset_id = ${datasetId} and owner_id in (${owned})`,
    },
    {
      query: sql`delete from samples where ${isSampleOf(datasetId, ids)}`,
    },
  ];
}

export function updateSteps(datasetId: string, changes: readonly SampleChange[], now: string): Step[] {
  const ids = [...new Set(changes.map((change) => change.id))];
  const fields = new FieldCollector();
  for (const change of changes) {
    fields.addValues(change.fields ?? {});
    for (const [name, labels] of Object.entries(change.labels ?? {})) fields.add(name, labels?.kind ?? null);
  }
  return [
    {
      query: sql`select item.value as id from ${textRows(ids)} where not exists
        (select 1 from samples as s where s.dataset_id = ${datasetId} and s.id = item.value)`,
      guard: { stopOn: "rows", refuse: ([row]) => idNotFound("sample", row?.id) },
    },
    ...fields.steps(datasetId),
    ...fieldSteps(datasetId, changes),
    ...labelSteps(datasetId, changes),
    ...tagSteps(datasetId, changes),
    filterFieldStep(datasetId, changes),
    {
      query: sql`update samples set updated_at = ${now}
        where ${isSampleOf(datasetId, ids)}`,
    },
  ];
}

/** Tells the entries of runs that keep values of the written fields beside their vectors that those are old now. */
function filterFieldStep(datasetId: string, changes: readonly SampleChange[]): Step {
  const ids = [...new Set(changes.map((change) => change.id))];
  const names = [...new Set(changes.flatMap(writtenNames))];
  const recorded = jsonText({ column: sql`r.config`, keys: ["filterFields"] });
  const root = beforeDot(member("name"));
  return {
    query: sql`update run_entries set field_changes = field_changes + 1
      where sample_id ${inTexts(ids)} and run_id in (select r.id from runs as r
        where r.dataset_id = ${datasetId} and exists (select 1
          from ${jsonRows(sql`coalesce(${recorded}, '[]')`)} where ${root} ${inTexts(names)}))`,
  };
}

function writtenNames({ fields, labels, tags, addTags, removeTags }: SampleChange): string[] {
  const isTagged = [tags, addTags, removeTags].some((list) => list !== undefined);
  return [...Object.keys(fields ?? {}), ...Object.keys(labels ?? {}), ...(isTagged ? ["tags"] : [])];
}

function fieldSteps(datasetId: string, changes: readonly SampleChange[]): Step[] {
  const rows = changes.flatMap(({ id, fields }) =>
    fields !== undefined && Object.keys(fields).length > 0 ? [{ id, fields }] : [],
  );
  return mergeStep(
    datasetId,
    sql`fields`,
    rows.map(({ id, fields }) => ({ id, change: fields })),
  );
}

function mergeStep(
  datasetId: string,
  column: Sql,
  rows: readonly { id: string; change: Readonly<Record<string, unknown>> }[],
): Step[] {
  if (rows.length === 0) return [];
  const statement = sql`with r as materialized (
      select s.seq as seq, ${member("change", "json")} as change from ${jsonRows(rows)}
      ${sampleOf(datasetId, member("id"))})
    update samples set ${column} = ${jsonMerged(sql`samples.${column}`, sql`r.change`)}
    from r where samples.seq = r.seq`;
  return [{ query: statement }];
}

function labelSteps(datasetId: string, changes: readonly SampleChange[]): Step[] {
  const sets = changes.flatMap(({ id, labels }) =>
    Object.entries(labels ?? {}).map(([field, set]) => ({ id, field, set })),
  );
  if (sets.length === 0) return [];
  const labels = sets.flatMap(({ id, field, set }) =>
    placed(
      id,
      (set?.records ?? []).map((record) => ({ ...record, field })),
    ),
  );
  const kept = inTexts(labels.map((label) => label.id));
  const replaced = sql`select l.seq from ${jsonRows(sets.map(({ id, field }) => ({ id, field })))}
    ${sampleOf(datasetId, member("id"))}
    ${joinInOrder} labels as l on l.sample_seq = s.seq and l.field = ${member("field")}`;
  const gone = sql`select id from labels where seq in (${replaced}) and not (id ${kept})`;
  return [
    {
      query: sql`update run_entries set state = 'deleting'
        where run_id in (select id from runs where dataset_id = ${datasetId}) and entry_id in (${gone})`,
    },
    {
      query: sql`delete from sample_vectors
        where dataset_id = ${datasetId} and owner_id in (${gone})`,
    },
    { query: sql`delete from labels where seq in (${replaced})` },
    ...insertLabels(datasetId, labels),
    ...mergeStep(
      datasetId,
      sql`label_fields`,
      changes.flatMap(({ id, labels: given }) =>
        given === undefined ? [] : [{ id, change: mapValues(given, (set) => set?.kind ?? null) }],
      ),
    ),
  ];
}

function tagSteps(datasetId: string, changes: readonly SampleChange[]): Step[] {
  const replaced = changes.filter((change) => change.tags !== undefined);
  const touched = changes.filter((change) => change.tags ?? change.addTags ?? change.removeTags);
  if (touched.length === 0) return [];
  const inDataset = (ids: readonly string[]) =>
    sql`select seq from samples where ${isSampleOf(datasetId, ids)}`;
  const removed = changes.flatMap(({ id, removeTags }) => tagRows(id, removeTags ?? []));
  const added = changes.flatMap(({ id, tags, addTags }) => [
    ...tagRows(id, tags ?? []),
    // After those there are, whose positions are below.
    ...tagRows(id, addTags ?? []).map((row) => ({ ...row, position: row.position + 1_000_000 })),
  ]);
  const touchedIds = touched.map((change) => change.id);
  return [
    {
      query: sql`delete from sample_tags where sample_seq in (${inDataset(replaced.map(({ id }) => id))})`,
    },
    {
      query: sql`delete from sample_tags where (sample_seq, tag) in (select s.seq, ${member("tag")}
        from ${jsonRows(removed)} ${sampleOf(datasetId, member("id"))})`,
    },
    insertTags(datasetId, added),
    {
      query: sql`update sample_tags set position = place from (
          select sample_seq as seq, tag as name,
            row_number() over (partition by sample_seq order by position, tag) - 1 as place
          from sample_tags where sample_seq in (${inDataset(touchedIds)})) as numbered
        where sample_seq = numbered.seq and tag = numbered.name`,
    },
    {
      query: sql`update samples set tags =
          (select ${jsonGroup(sql`t.tag`, sql`t.position`)} from sample_tags as t where t.sample_seq = samples.seq)
        where seq in (${inDataset(touchedIds)})`,
    },
  ];
}

function placed(sampleId: string, labels: readonly LabelRecord[]): PlacedLabel[] {
  const counts = new Map<string, number>();
  return labels.map((label) => {
    const position = counts.get(label.field) ?? 0;
    counts.set(label.field, position + 1);
    return { ...label, sampleId, position };
  });
}

function notTaken(what: string, query: Sql): Step {
  return {
    query: sql`${query} limit 1`,
    guard: { stopOn: "rows", refuse: ([row]) => idExists(what, row?.id) },
  };
}

function assertUnique(what: string, values: readonly string[]): void {
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) throw idExists(what, value);
    seen.add(value);
  }
}

function withoutNulls(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
}

function mapValues<From, To>(
  values: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

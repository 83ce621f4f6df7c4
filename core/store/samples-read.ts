/** Reads the rows of views: pages, snapshots, values and counts. */

import { sql } from "kysely";
import { NearsightError } from "../errors.ts";
import { asJson } from "./compile-operand.ts";
import {
  applyStage,
  compileStages,
  fromRows,
  orderBy,
  rowId,
  scopeOf,
  withTables,
} from "./compile-stages.ts";
import type { StoreDatabase } from "./database.ts";
import { readSchema } from "./fields.ts";
import { hydrate, mediaRow, type RowKey } from "./hydrate.ts";
import { integerRows, jsonElements, jsonGroup, parsed, type Sql } from "./json-sql.ts";
import { labelsAt, sampleAt } from "./look-up.ts";
import type { MediaRow, Page, RowIdentity, StoreStage, ViewRow, ViewSnapshot } from "./store.ts";
import { labelScope, labelsOfSample, sampleScope, type ViewState, visible } from "./view-state.ts";

/** The view, or with `patchesField` the patches of a view of samples. */
export async function compileView(
  database: StoreDatabase,
  datasetId: string,
  stages: readonly StoreStage[],
  patchesField: string | null = null,
): Promise<ViewState> {
  const view = compileStages(await readSchema(database, datasetId), stages);
  if (patchesField === null || view.patchesField === patchesField) return view;
  return applyStage(view, { stage: "toPatches", field: patchesField });
}

export async function countRows(database: StoreDatabase, view: ViewState): Promise<number> {
  const [row] = await database.read<{ count: number }>(
    sql<{
      count: number;
    }>`${withTables(view)} select count(*) as count from ${sql.ref(view.relation)}`,
  );
  return row?.count ?? 0;
}

/** A page of the view's rows, with whatever columns are asked for. */
async function readPage<Row>(
  database: StoreDatabase,
  view: ViewState,
  columns: Sql,
  page: Page,
): Promise<Row[]> {
  return database.read(pageQuery<Row>(view, columns, page));
}

function pageQuery<Row>(view: ViewState, columns: Sql, { offset, limit }: Page): Sql<Row> {
  return sql`${withTables(view)} select ${columns} ${fromRows(view)} order by ${orderBy(view)}
    limit ${limit} offset ${offset}`;
}

/** The id of every row, in the view's order. */
export async function readRowIds(database: StoreDatabase, view: ViewState): Promise<string[]> {
  const query = sql`${withTables(view)} select ${rowId(view)} as text ${fromRows(view)}
    order by ${orderBy(view)}`;
  return database.readTexts<string>(query);
}

export async function readIds(database: StoreDatabase, view: ViewState, range: Page): Promise<RowIdentity[]> {
  return readPage(database, view, identity(view), range);
}

function identity(view: ViewState): Sql {
  return sql`${rowId(view)} as id, s.id as "sampleId"`;
}

export async function readMedia(database: StoreDatabase, view: ViewState, range: Page): Promise<MediaRow[]> {
  const box = view.patchesField === null ? sql`null` : sql`l.bounding_box`;
  const columns = sql`${identity(view)}, s.filepath as filepath, ${box} as box`;
  const rows = await readPage<RowIdentity & { filepath: string; box: string | null }>(
    database,
    view,
    columns,
    range,
  );
  return rows.map(mediaRow);
}

export async function readRows(database: StoreDatabase, view: ViewState, range: Page): Promise<ViewRow[]> {
  const rows = await readPage<Record<string, number>>(database, view, keyColumns(view), range);
  return hydrate(
    database,
    view,
    rows.map((row) => rowKey(view, Object.values(row))),
  );
}

/** What a row is known by: its sample, its label, its distances. */
function keyColumns(view: ViewState): Sql {
  const label = view.patchesField === null ? sql`null` : sql`v.label_seq`;
  const distances = [...view.distances.values()].map((column) => sql.ref(`v.${column}`));
  return sql`v.seq as seq, ${sql.join([sql`${label} as label_seq`, ...distances])}`;
}

function rowKey(view: ViewState, [seq = 0, labelSeq = 0, ...values]: number[]): RowKey {
  const distances = [...view.distances.keys()].map((name, i) => [name, values[i]] as const);
  const known = distances.filter(([, value]) => value !== null && !Number.isNaN(value));
  return {
    seq,
    labelSeq: view.patchesField === null ? null : labelSeq,
    distances: Object.fromEntries(known) as Record<string, number>,
  };
}

export async function takeSnapshot(database: StoreDatabase, view: ViewState): Promise<ViewSnapshot> {
  const query = sql`${withTables(view)} select ${keyColumns(view)} from ${sql.ref(view.relation)} as v
    order by ${orderBy(view)}`;
  const columns = await database.readNumbers(query, 2 + view.distances.size);
  const size = columns[0]?.length ?? 0;
  const keys = ({ offset, limit }: Page) => {
    const end = Math.min(size, offset + limit);
    const rows: RowKey[] = [];
    for (let i = Math.max(0, offset); i < end; i++) {
      rows.push(
        rowKey(
          view,
          columns.map((column) => column[i] ?? Number.NaN),
        ),
      );
    }
    return rows;
  };
  return {
    size,
    rows: (range) => hydrate(database, view, keys(range)),
    ids: (range) => byKeys(database, view, keys(range)),
    media: async (range) => (await byKeys(database, view, keys(range))).map(mediaRow),
  };
}

type KeyedRow = RowIdentity & { readonly filepath: string; readonly box: string | null };

async function byKeys(
  database: StoreDatabase,
  view: ViewState,
  keys: readonly RowKey[],
): Promise<KeyedRow[]> {
  const patches = view.patchesField !== null;
  const values = keys.map((key) => (patches ? (key.labelSeq ?? -1) : key.seq));
  const from = patches
    ? sql`${labelsAt("seq", sql`item.value`)} ${sampleAt(sql`l.sample_seq`)}`
    : sampleAt(sql`item.value`);
  const box = patches ? sql`l.bounding_box` : sql`null`;
  return database.read(
    sql<KeyedRow>`select ${identity(view)}, s.filepath as filepath, ${box} as box
      from ${integerRows(values)} ${from} order by item.key`,
  );
}

export async function readValues(
  database: StoreDatabase,
  view: ViewState,
  path: string,
  range: Page,
): Promise<unknown[]> {
  const query = pageQuery(view, sql`${valueAt(view, path)} as text`, range);
  const texts = await database.readTexts<string | null>(query);
  return texts.map((text) => (text === null ? null : JSON.parse(text)));
}

function valueAt(view: ViewState, path: string): Sql {
  const target = scopeOf(view).resolve(path);
  if (target.kind !== "labels") return asJson(target);
  const value = asJson(labelOperand(target.field, target.rest));
  const labels = labelsOfSample(view, target.field);
  if (!target.list) return sql`(select ${value} ${labels} limit 1)`;
  return sql`(case when ${sampleScope(view).labelsSet(target.field)}
    then (select ${jsonGroup(parsed(sql`coalesce(${value}, 'null')`), sql`l.position`)} ${labels}) end)`;
}

function labelOperand(field: string, rest: string) {
  const operand = rest === "" ? null : labelScope().resolve(rest);
  if (operand === null || operand.kind === "labels") {
    throw new NearsightError({
      code: "FIELD_TYPE_MISMATCH",
      message: `Expected a value inside the labels of '${field}' but found the labels themselves`,
      hint: `Name what you want of them, such as '${field}.label'`,
      details: { field },
    });
  }
  return operand;
}

export async function countValues(
  database: StoreDatabase,
  view: ViewState,
  path: string,
): Promise<[value: unknown, count: number][]> {
  const { value, from } = counted(view, path);
  const rows = await database.read<{ value: string | null; count: number }>(
    sql<{ value: string | null; count: number }>`${withTables(view)}
      select ${value} as value, count(*) as count ${from} group by 1 order by 2 desc, 1 nulls first`,
  );
  return rows.map((row) => [row.value === null ? null : JSON.parse(row.value), row.count]);
}

/** Lists count by element, labels by label, everything else by row. */
function counted(view: ViewState, path: string): { value: Sql; from: Sql } {
  const rows = fromRows(view);
  const target = scopeOf(view).resolve(path);
  if (target.kind === "labels") {
    const kind = target.list ? sql`join` : sql`left join`;
    const own = sql`l.sample_seq = s.seq and ${visible(view, target.field)}`;
    return {
      value: asJson(labelOperand(target.field, target.rest)),
      from: sql`${rows} ${kind} labels as l on ${own}`,
    };
  }
  if (target.kind !== "json") return { value: asJson(target), from: rows };
  const { value, join } = jsonElements(target.place);
  return { value, from: sql`${rows} ${join}` };
}

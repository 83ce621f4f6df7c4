/** Turns each stage of a view into one more common table expression over the one before. */

import { sql } from "kysely";
import { NearsightError } from "../errors.ts";
import { compileFilter, joined } from "./compile-filter.ts";
import { sortKeys } from "./compile-operand.ts";
import { element, firstOf, inTexts, joinInOrder, jsonRows, range, type Sql, textRows } from "./json-sql.ts";
import { randomKey } from "./random-key.ts";
import type { ResolvedOrderStage, StoreStage } from "./store.ts";
import {
  labelKind,
  labelScope,
  labelsOfSample,
  listHolds,
  patchScope,
  type Schema,
  sampleScope,
  type ViewState,
  visible,
} from "./view-state.ts";

type StageOf<Name extends StoreStage["stage"]> = Extract<StoreStage, { stage: Name }>;

/** All samples of a data set, in the order they were added. */
function wholeDataset(schema: Schema): ViewState {
  return {
    schema,
    ctes: [
      {
        name: "v0",
        body: sql`select s.seq as seq from samples as s where s.dataset_id = ${schema.datasetId}`,
      },
    ],
    relation: "v0",
    columns: ["seq"],
    order: [],
    patchesField: null,
    labelConditions: new Map(),
    distances: new Map(),
    isList: false,
    isNamedLater: false,
  };
}

/** The view the stages make. FIELD_NOT_FOUND, FIELD_TYPE_MISMATCH, INVALID_FILTER, INVALID_ARGUMENT. */
export function compileStages(schema: Schema, stages: readonly StoreStage[]): ViewState {
  const lastNaming = stages.findLastIndex(namesRows);
  let state = wholeDataset(schema);
  for (const [i, stage] of stages.entries()) {
    state = applyStage({ ...state, isNamedLater: i < lastNaming }, stage);
  }
  return state;
}

/** True for stages that pick rows by id, which the database then starts from. */
function namesRows({ stage }: StoreStage): boolean {
  return stage === "resolvedOrder" || stage === "select";
}

export function applyStage(state: ViewState, stage: StoreStage): ViewState {
  switch (stage.stage) {
    case "match":
      return where(state, compileFilter(stage.filter, scopeOf(state)));
    case "matchTags":
      return where(state, tagsCondition(state, stage));
    case "filterLabels":
      return filterLabels(state, stage);
    case "selectLabels":
      return selectLabels(state, stage);
    case "select":
      return select(state, stage);
    case "exclude":
      return where(state, sql`(not ${rowId(state)} ${inTexts(stage.ids)})`);
    case "exists":
      return existsStage(state, stage);
    case "sortBy":
      return sortBy(state, stage);
    case "shuffle":
      return shuffle(state, stage.seed);
    case "take":
      return cut(shuffle(state, stage.seed), stage.size, 0);
    case "limit":
      return cut(state, stage.count, 0);
    case "skip":
      return cut(state, null, stage.count);
    case "toPatches":
      return toPatches(state, stage.field);
    case "resolvedOrder":
      return resolvedOrder(state, stage);
  }
}

/** `order by` of the rows `v`, down to the data set's own order, so that no two rows tie. */
export function orderBy(state: ViewState): Sql {
  const keys = state.order.map(({ column, descending }) =>
    descending ? sql`${sql.ref(`v.${column}`)} desc nulls last` : sql`${sql.ref(`v.${column}`)} nulls first`,
  );
  if (state.patchesField === null) return sql.join([...keys, sql`v.seq`]);
  return sql.join([...keys, sql`v.seq`, sql`v.position`, sql`v.label_seq`]);
}

/** `with …` of all tables so far. */
export function withTables(state: ViewState): Sql {
  return sql`with ${sql.join(state.ctes.map(({ name, body }) => sql`${sql.ref(name)} as (${body})`))}`;
}

/** The view's rows `v` joined with their samples `s`, and on a patches view their labels `l`. */
export function fromRows(state: ViewState): Sql {
  const rows = sql`from ${sql.ref(state.relation)} as v join samples as s on s.seq = v.seq`;
  return state.patchesField === null ? rows : sql`${rows} join labels as l on l.seq = v.label_seq`;
}

/** The id of a row: the label's on a patches view, else the sample's. */
export function rowId(state: ViewState): Sql<string> {
  return state.patchesField === null ? sql`s.id` : sql`l.id`;
}

export function scopeOf(state: ViewState) {
  return state.patchesField === null ? sampleScope(state) : patchScope(state);
}

function push(state: ViewState, body: Sql, change: Partial<ViewState> = {}): ViewState {
  const name = `v${state.ctes.length}`;
  return { ...state, ...change, relation: name, ctes: [...state.ctes, { name, body }] };
}

function allColumns(state: ViewState): Sql {
  return sql.join(state.columns.map((column) => sql.ref(`v.${column}`)));
}

function where(state: ViewState, condition: Sql): ViewState {
  return push(state, sql`select ${allColumns(state)} ${fromRows(state)} where ${condition}`);
}

function tagsCondition(state: ViewState, { tags, all, not }: StageOf<"matchTags">): Sql {
  const unique = [...new Set(tags)];
  const one = (tag: string) => {
    if (state.patchesField !== null) return listHolds(sql`l.tags`, tag);
    // Starting from the tag is quick, unless rows named later are what to start from.
    return state.isNamedLater
      ? sql`exists (select 1 from sample_tags as t where t.sample_seq = v.seq and t.tag = ${tag})`
      : sql`v.seq in (select t.sample_seq from sample_tags as t
          where t.dataset_id = ${state.schema.datasetId} and t.tag = ${tag})`;
  };
  const condition = joined(all ? "and" : "or", unique.map(one));
  return not ? sql`(not ${condition})` : condition;
}

function filterLabels(state: ViewState, stage: StageOf<"filterLabels">): ViewState {
  const condition = compileFilter(stage.filter, labelScope());
  return restrictLabels(state, stage.field, condition, stage.onlyMatches ?? true);
}

function selectLabels(state: ViewState, stage: StageOf<"selectLabels">): ViewState {
  return restrictLabels(state, stage.field, sql`l.id ${inTexts(stage.ids)}`, true);
}

function restrictLabels(state: ViewState, field: string, condition: Sql, onlyMatches: boolean): ViewState {
  labelKind(state.schema, field);
  if (state.patchesField !== null) {
    if (state.patchesField === field) return where(state, condition);
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected labels of '${state.patchesField}', which the patches come from, but found '${field}'`,
      hint: "Filter the labels before toPatches()",
    });
  }
  const conditions = [...(state.labelConditions.get(field) ?? []), condition];
  const restricted = {
    ...state,
    labelConditions: new Map(state.labelConditions).set(field, conditions),
  };
  if (!onlyMatches) return restricted;
  return where(restricted, sql`exists (select 1 ${labelsOfSample(restricted, field)})`);
}

function existsStage(state: ViewState, { field, not }: StageOf<"exists">): ViewState {
  const condition = compileFilter({ op: "exists", field }, scopeOf(state));
  return where(state, not ? sql`(not ${condition})` : condition);
}

function select(state: ViewState, { ids, ordered }: StageOf<"select">): ViewState {
  if (ordered) return resolvedOrder(state, { stage: "resolvedOrder", ids });
  const named = sql`select distinct item.value as id from ${textRows(ids)}`;
  return push(state, sql`select ${allColumns(state)} ${fromNamed(state, named)}`, { isList: true });
}

/**
 * The view's rows that `named`, a query with a column `id`, names. Starting from the names takes time by how
 * many there are, not by how large the data set is; but where the view is a list itself, which has no index,
 * each of its rows is looked up among the names.
 */
function fromNamed(state: ViewState, named: Sql): Sql {
  if (state.isList) return sql`${fromRows(state)} ${joinInOrder} (${named}) as r on r.id = ${rowId(state)}`;
  const { datasetId } = state.schema;
  const owned = state.patchesField === null ? sql`s` : sql`l`;
  const byId = sql`on ${owned}.dataset_id = ${datasetId} and ${owned}.id = r.id`;
  const view = sql`${joinInOrder} ${sql.ref(state.relation)} as v on`;
  return state.patchesField === null
    ? sql`from (${named}) as r ${joinInOrder} samples as s ${byId} ${view} v.seq = s.seq`
    : sql`from (${named}) as r ${joinInOrder} labels as l ${byId} ${view} v.label_seq = l.seq`;
}

function resolvedOrder(state: ViewState, stage: ResolvedOrderStage): ViewState {
  const restricted =
    stage.labels === undefined || state.patchesField !== null
      ? state
      : restrictLabels(state, stage.labels.field, sql`l.id ${inTexts(stage.labels.ids)}`, false);
  const order = `o${state.ctes.length}`;
  const place = sql`r.place as ${sql.ref(order)}`;
  const change = {
    columns: [...state.columns, order],
    order: [{ column: order, descending: false }],
    isList: true,
  };
  if (stage.distances === undefined) {
    const named = sql`select item.value as id, min(item.key) as place from ${textRows(stage.ids)} group by item.value`;
    return push(restricted, sql`select ${allColumns(state)}, ${place} ${fromNamed(state, named)}`, change);
  }
  const distance = `d${state.ctes.length}`;
  const { field, values } = stage.distances;
  const named = sql`select ${element(0)} as id, min(item.key) as place, ${firstOf(element(1, "real"))} as distance
    from ${jsonRows(stage.ids.map((id, i) => [id, values[i] ?? null]))} group by 1`;
  const columns = sql`${allColumns(state)}, ${place}, r.distance as ${sql.ref(distance)}`;
  return push(restricted, sql`select ${columns} ${fromNamed(state, named)}`, {
    ...change,
    columns: [...change.columns, distance],
    distances: new Map(state.distances).set(field, distance),
  });
}

/** Sorts by new columns; what was sorted before decides ties. */
function withOrder(
  state: ViewState,
  keys: readonly Sql[],
  descending: boolean,
  keepOrder: boolean,
): ViewState {
  const names = keys.map((_, i) => `o${state.ctes.length}_${i}`);
  const added = sql.join(keys.map((key, i) => sql`${key} as ${sql.ref(names[i] ?? "")}`));
  return push(state, sql`select ${allColumns(state)}, ${added} ${fromRows(state)}`, {
    columns: [...state.columns, ...names],
    order: [...names.map((column) => ({ column, descending })), ...(keepOrder ? state.order : [])],
  });
}

function sortBy(state: ViewState, { field, reverse }: StageOf<"sortBy">): ViewState {
  const target = scopeOf(state).resolve(field);
  if (target.kind !== "labels")
    return withOrder(state, sortKeys(target, state.schema.dialect), reverse ?? false, true);
  if (target.list || target.rest === "") {
    throw new NearsightError({
      code: "FIELD_TYPE_MISMATCH",
      message: `Expected a field with one value a sample to sort by but '${field}' is ${target.list ? "a list" : "a label"}`,
      hint: "Sort by a number, text or date field, or by the label of a classification, such as 'class.label'",
      details: { field },
    });
  }
  const inside = labelScope().resolve(target.rest);
  if (inside.kind === "labels") return state;
  const keys = sortKeys(inside, state.schema.dialect).map(
    (key) => sql`(select ${key} ${labelsOfSample(state, target.field)} limit 1)`,
  );
  return withOrder(state, keys, reverse ?? false, true);
}

function shuffle(state: ViewState, seed: number): ViewState {
  const start =
    state.patchesField === null ? sql<number>`s.rand` : sql<number>`(s.rand + v.position * 40503)`;
  return withOrder(state, [randomKey(start, seed)], false, false);
}

function cut(state: ViewState, count: number | null, offset: number): ViewState {
  return push(
    state,
    sql`select ${allColumns(state)} from ${sql.ref(state.relation)} as v order by ${orderBy(state)} ${range(count, offset)}`,
    { isList: true },
  );
}

function toPatches(state: ViewState, field: string): ViewState {
  if (state.patchesField !== null) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected samples to make patches of but this view has the patches of '${state.patchesField}' already`,
      hint: "Call toPatches() once",
    });
  }
  if (labelKind(state.schema, field) !== "detections") {
    throw new NearsightError({
      code: "FIELD_TYPE_MISMATCH",
      message: `Expected a field with detections to make patches of but '${field}' has classifications`,
      hint: "Only detections have boxes; see dataset.fields()",
      details: { field },
    });
  }
  const body = sql`select ${allColumns(state)}, l.seq as label_seq, l.position as position
    from ${sql.ref(state.relation)} as v join labels as l on l.sample_seq = v.seq and ${visible(state, field)}`;
  return push(state, body, {
    columns: [...state.columns, "label_seq", "position"],
    patchesField: field,
  });
}

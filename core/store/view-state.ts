/** What is known of a view while its stages are compiled, and what names mean in it. */

import { sql } from "kysely";
import { NearsightError } from "../errors.ts";
import { compileFilter, type LabelPath, type Scope } from "./compile-filter.ts";
import type { Operand } from "./compile-operand.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { isFieldName, jsonContains, jsonHas, numberAt, type Sql } from "./json-sql.ts";
import { nearNames } from "./near-names.ts";
import type { FieldType } from "./store.ts";

/** A data set as the compiler sees it. */
export interface Schema {
  readonly dialect: Dialect;
  readonly datasetId: string;
  readonly fields: ReadonlyMap<string, FieldType>;
}

/**
 * A view under way. Its rows are those of `relation`: `seq` (of the sample), on a patches view `label_seq`
 * and `position`, and one column for each sort key and distance so far.
 */
export interface ViewState {
  readonly schema: Schema;
  readonly ctes: readonly { readonly name: string; readonly body: Sql }[];
  readonly relation: string;
  readonly columns: readonly string[];
  /** Columns to order by, most important first; the data set's order comes last of all. */
  readonly order: readonly { readonly column: string; readonly descending: boolean }[];
  /** Set on a patches view: the field its labels come from. */
  readonly patchesField: string | null;
  /** Conditions on labels `l` of a field: later stages see only labels that meet them all. */
  readonly labelConditions: ReadonlyMap<string, readonly Sql[]>;
  /** Distance names, each with its column. */
  readonly distances: ReadonlyMap<string, string>;
  /** True once the rows are a list of their own: cut, or named by id. */
  readonly isList: boolean;
  /** True while a stage still to come names rows by id. */
  readonly isNamedLater: boolean;
}

const s = (column: string) => sql.ref(`s.${column}`);
const l = (column: string) => sql.ref(`l.${column}`);

const SAMPLE_COLUMNS: Readonly<Record<string, string>> = {
  id: "id",
  filepath: "filepath",
  mediaType: "media_type",
  media_type: "media_type",
  createdAt: "created_at",
  created_at: "created_at",
};

/** Names a field of a sample cannot have, because they mean something already. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(SAMPLE_COLUMNS),
  "tags",
  "sample_id",
  "sampleId",
]);

/** True for labels `l` that this view still shows of a field. */
export function visible(state: ViewState, field: string): Sql {
  const conditions = state.labelConditions.get(field) ?? [];
  return sql.join([sql`l.field = ${field}`, ...conditions], sql` and `);
}

/** The labels `l` of sample `s` in a field that this view still shows. */
export function labelsOfSample(state: ViewState, field: string): Sql {
  return sql`from labels as l where l.sample_seq = s.seq and ${visible(state, field)}`;
}

/** What names mean in conditions on samples: rows `v` of the view joined with their samples `s`. */
export function sampleScope(state: ViewState): Scope {
  return {
    resolve: (path) => resolveOnSample(state, path),
    labelsSet: (field) => jsonHas({ column: s("label_fields"), keys: [field] }),
    someLabel(field, where) {
      labelKind(state.schema, field);
      const condition = where === null ? sql`(1 = 1)` : compileFilter(where, labelScope());
      return sql`exists (select 1 ${labelsOfSample(state, field)} and ${condition})`;
    },
  };
}

/** What names mean in conditions on one label `l`. */
export function labelScope(): Scope {
  return { resolve: resolveOnLabel, someLabel: noLabelsInside, labelsSet: noLabelsInside };
}

/** What names mean on a patches view: the label's own, its sample's as `sample.…`, distances. */
export function patchScope(state: ViewState): Scope {
  const ofSample = sampleScope({ ...state, patchesField: null });
  return {
    ...ofSample,
    resolve(path) {
      const distance = state.distances.get(path);
      if (distance !== undefined) return { kind: "number", column: sql.ref(`v.${distance}`) };
      if (path === "filepath") return { kind: "text", column: s("filepath") };
      if (path === "sample_id" || path === "sampleId") return { kind: "text", column: s("id") };
      if (path.startsWith("sample.")) return ofSample.resolve(path.slice("sample.".length));
      return resolveOnLabel(withoutPrefix(path, state.patchesField ?? ""));
    },
  };
}

/** `ground_truth.detections.label` and `ground_truth.label` name the patch's own label. */
function withoutPrefix(path: string, field: string): string {
  for (const prefix of [`${field}.detections.`, `${field}.`]) {
    if (path.startsWith(prefix)) return path.slice(prefix.length);
  }
  return path;
}

function resolveOnSample(state: ViewState, path: string): Operand | LabelPath {
  const distance = state.distances.get(path);
  if (distance !== undefined) return { kind: "number", column: sql.ref(`v.${distance}`) };
  const column = SAMPLE_COLUMNS[path];
  if (column !== undefined && Object.hasOwn(SAMPLE_COLUMNS, path)) return { kind: "text", column: s(column) };
  if (path === "tags") return sampleTags();
  return resolveField(state.schema, path);
}

function sampleTags(): Operand {
  return {
    kind: "json",
    place: { column: s("tags"), keys: [] },
    contains: (value) =>
      typeof value === "string"
        ? sql`exists (select 1 from sample_tags as t where t.sample_seq = s.seq and t.tag = ${value})`
        : sql`(1 = 0)`,
  };
}

function resolveField(schema: Schema, path: string): Operand | LabelPath {
  const [name = "", ...keys] = path.split(".");
  const type = schema.fields.get(name);
  if (type === undefined) throw fieldNotFound(schema, name);
  if (type === "classification") return { kind: "labels", field: name, rest: keys.join("."), list: false };
  if (type === "detections") {
    const rest = (keys[0] === "detections" ? keys.slice(1) : keys).join(".");
    return { kind: "labels", field: name, rest, list: true };
  }
  if (type === "vector") {
    const owned = sql`w.dataset_id = ${schema.datasetId} and w.owner_id = s.id and w.field = ${name}`;
    return { kind: "presence", exists: sql`exists (select 1 from sample_vectors as w where ${owned})` };
  }
  return { kind: "json", place: { column: s("fields"), keys: checkedKeys([name, ...keys]) } };
}

const LABEL_COLUMNS: Readonly<Record<string, Operand>> = {
  id: { kind: "text", column: l("id") },
  label: { kind: "text", column: l("label") },
  confidence: { kind: "number", column: l("confidence") },
  tags: { kind: "json", place: { column: l("tags"), keys: [] } },
  boundingBox: { kind: "json", place: { column: l("bounding_box"), keys: [] } },
  bounding_box: { kind: "json", place: { column: l("bounding_box"), keys: [] } },
  area: {
    kind: "number",
    column: sql`(${numberAt(l("bounding_box"), 2)} * ${numberAt(l("bounding_box"), 3)})`,
  },
};

function resolveOnLabel(path: string): Operand {
  const own = LABEL_COLUMNS[path];
  if (own !== undefined && Object.hasOwn(LABEL_COLUMNS, path)) return own;
  const keys = path.split(".");
  const attribute = keys[0] === "attributes" && keys.length > 1 ? keys.slice(1) : keys;
  return { kind: "json", place: { column: l("attributes"), keys: checkedKeys(attribute) } };
}

function checkedKeys(keys: readonly string[]): readonly string[] {
  for (const key of keys) {
    if (!isFieldName(key)) {
      throw new NearsightError({
        code: "INVALID_FILTER",
        message: `Expected field names without quotes, backslashes and control characters, joined by dots, but found ${JSON.stringify(keys.join("."))}`,
        hint: "Check the field's name with dataset.fields()",
      });
    }
  }
  return keys;
}

function noLabelsInside(): never {
  throw new NearsightError({
    code: "INVALID_FILTER",
    message: "Expected conditions on one label's own values but found a condition on labels inside it",
    hint: 'Inside labels(...) name what the label has, such as F("label") or F("confidence")',
  });
}

/** The kind of a label field; FIELD_NOT_FOUND, FIELD_TYPE_MISMATCH. */
export function labelKind(schema: Schema, field: string): "classification" | "detections" {
  const type = schema.fields.get(field);
  if (type === undefined) throw fieldNotFound(schema, field);
  if (type === "classification" || type === "detections") return type;
  throw new NearsightError({
    code: "FIELD_TYPE_MISMATCH",
    message: `Expected a label field but '${field}' is of type ${type}`,
    hint: `Label fields are: ${labelFields(schema).join(", ") || "none"}`,
    details: { field, type },
  });
}

function labelFields(schema: Schema): string[] {
  return [...schema.fields].flatMap(([name, type]) =>
    type === "classification" || type === "detections" ? [name] : [],
  );
}

function fieldNotFound(schema: Schema, name: string): NearsightError {
  const near = nearNames(name, [...schema.fields.keys(), ...RESERVED_NAMES]);
  const all = [...schema.fields.keys()].slice(0, 20).join(", ");
  return new NearsightError({
    code: "FIELD_NOT_FOUND",
    message: `The data set has no field ${JSON.stringify(name)}`,
    hint: near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `Its fields are: ${all || "none yet"}`,
    details: { field: name, near },
  });
}

/** True where a list in a column holds a text. */
export function listHolds(column: Sql, value: string): Sql {
  return jsonContains({ column, keys: [] }, value);
}

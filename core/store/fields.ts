/** Types of a data set's fields: found from values, recorded when samples are written. */

import { type Expression, sql } from "kysely";
import { NearsightError } from "../errors.ts";
import { build, type Step, type StoreDatabase } from "./database.ts";
import { isFieldName, joinInOrder, jsonRows, member } from "./json-sql.ts";
import type { FieldRecord, FieldType } from "./store.ts";
import { fieldTypeMismatch } from "./store-errors.ts";
import { RESERVED_NAMES, type Schema } from "./view-state.ts";

/** The type of a field's value; null for a missing one. */
function fieldTypeOf(value: unknown): FieldType | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return "list";
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" ? type : "object";
}

/** Collects field types of many samples; FIELD_TYPE_MISMATCH when they disagree, INVALID_ARGUMENT for names. */
export class FieldCollector {
  readonly types = new Map<string, FieldType>();

  add(name: string, type: FieldType | null): void {
    if (type === null) return;
    const known = this.types.get(name);
    if (known === type) return;
    if (known !== undefined) throw fieldTypeMismatch(name, known, type);
    assertFieldName(name);
    this.types.set(name, type);
  }

  addValues(fields: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(fields)) this.add(name, fieldTypeOf(value));
  }

  /** Steps that record the types, and call the write off where a field has another type already. */
  steps(datasetId: string): Step[] {
    if (this.types.size === 0) return [];
    const rows = jsonRows([...this.types].map(([name, type]) => ({ name, type })));
    return [
      {
        query: sql`select f.name, f.type as expected, ${member("type")} as found from ${rows}
          ${joinInOrder} fields as f on f.dataset_id = ${datasetId} and f.name = ${member("name")}
          where f.type <> ${member("type")}`,
        guard: {
          stopOn: "rows",
          refuse: ([row]) => fieldTypeMismatch(String(row?.name), String(row?.expected), String(row?.found)),
        },
      },
      {
        query: sql`insert into fields (dataset_id, name, type)
          select ${datasetId}, ${member("name")}, ${member("type")} from ${rows} where true
          on conflict (dataset_id, name) do nothing`,
      },
    ];
  }
}

function assertFieldName(name: string): void {
  // An object with a member __proto__ takes another prototype as soon as somebody copies it member by member.
  const problem =
    RESERVED_NAMES.has(name) || name === "__proto__"
      ? "which has a meaning of its own"
      : isFieldName(name) && !name.includes(".")
        ? null
        : "which has dots, quotes, backslashes or control characters, or is too long";
  if (problem === null) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a plain field name but found ${JSON.stringify(name.slice(0, 80))}, ${problem}`,
    hint: "Rename the field",
    details: { field: name.slice(0, 80) },
  });
}

export async function readFields(database: StoreDatabase, datasetId: string): Promise<FieldRecord[]> {
  return database.read(
    build
      .selectFrom("fields")
      .select(["name", "type"])
      .where("dataset_id", "=", datasetId)
      .orderBy("seq") as Expression<unknown> as Expression<FieldRecord>,
  );
}

export async function readSchema(database: StoreDatabase, datasetId: string): Promise<Schema> {
  const fields = await readFields(database, datasetId);
  return {
    dialect: database.dialect,
    datasetId,
    fields: new Map(fields.map(({ name, type }) => [name, type])),
  };
}

/**
 * Finds rows by name among those of one data set or run, in time by how many are asked for: also in tables that have
 * just been filled, of which a database has no statistics yet.
 */

import { sql } from "kysely";
import { inDialect, type Sql } from "./dialects/dialect.ts";

/** Joins the sample `s` of an id to each row before it. */
export function sampleOf(datasetId: string, id: Sql): Sql {
  return lookedUp("samples", "s", sql`s.dataset_id = ${datasetId} and s.id = ${id}`);
}

/** Joins the sample `s` of a place in the store's order to each row before it. */
export function sampleAt(seq: Sql): Sql {
  return lookedUp("samples", "s", sql`s.seq = ${seq}`);
}

/** Joins the labels `l` that have a number in a column, `seq` or `sample_seq`, to each row before it. */
export function labelsAt(column: "seq" | "sample_seq", seq: Sql): Sql {
  return lookedUp("labels", "l", sql`${sql.ref(`l.${column}`)} = ${seq}`);
}

/** Joins the entry `e` of an id to each row before it. */
export function entryOf(runId: string, id: Sql): Sql {
  return lookedUp("run_entries", "e", sql`e.run_id = ${runId} and e.entry_id = ${id}`);
}

/** Joins the vector `v` of a sample's or label's id to each row before it. */
export function vectorOf(datasetId: string, field: string, ownerId: Sql): Sql {
  return lookedUp(
    "sample_vectors",
    "v",
    sql`v.dataset_id = ${datasetId} and v.owner_id = ${ownerId} and v.field = ${field}`,
  );
}

/** True for rows of `samples` with these ids. */
export function isSampleOf(datasetId: string, ids: readonly string[]): Sql<boolean> {
  return inDialect((dialect) =>
    dialect.isNamed({ table: "samples", key: "seq", owner: "dataset_id", name: "id" }, datasetId, ids),
  );
}

/** True for rows of `labels` with these ids. */
export function isLabelOf(datasetId: string, ids: readonly string[]): Sql<boolean> {
  return inDialect((dialect) =>
    dialect.isNamed({ table: "labels", key: "seq", owner: "dataset_id", name: "id" }, datasetId, ids),
  );
}

/** True for rows of `run_entries` with these ids. */
export function isEntryOf(runId: string, ids: readonly string[]): Sql<boolean> {
  return inDialect((dialect) =>
    dialect.isNamed({ table: "run_entries", key: "sequence", owner: "run_id", name: "entry_id" }, runId, ids),
  );
}

function lookedUp(table: string, alias: string, condition: Sql): Sql {
  return inDialect((dialect) => dialect.lookedUp(table, alias, condition));
}

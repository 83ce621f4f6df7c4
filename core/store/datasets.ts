/** Data sets in the store: create, find, rename, delete. */

import { newId } from "../ids.ts";
import { build, type StoreDatabase } from "./database.ts";
import { readFields } from "./fields.ts";
import type { DatasetRecord, DatasetStore } from "./store.ts";
import { datasetExists, datasetNotFound } from "./store-errors.ts";

type Row = { id: string; name: string; created_at: string; info: string };

const all = build.selectFrom("datasets").select(["id", "name", "created_at", "info"]);

export function datasetStore(database: StoreDatabase): DatasetStore {
  return {
    async create(name, info = {}) {
      const record = { id: newId(), name, createdAt: new Date().toISOString(), info };
      await database.write("store", [
        nameIsFree(name, ""),
        {
          query: build
            .insertInto("datasets")
            .values({ id: record.id, name, created_at: record.createdAt, info: JSON.stringify(info) }),
        },
      ]);
      return record;
    },
    async get(name) {
      const [row] = await database.read<Row>(all.where("name", "=", name));
      return row === undefined ? null : toRecord(row);
    },
    async list() {
      const rows = await database.read<Row>(all.orderBy("name"));
      return rows.map(toRecord);
    },
    async rename(id, name) {
      const [, , renamed] = await database.write("store", [
        datasetIsThere(id),
        nameIsFree(name, id),
        {
          query: build
            .updateTable("datasets")
            .set({ name })
            .where("id", "=", id)
            .returning(["id", "name", "created_at", "info"]),
          returning: true,
        },
      ]);
      return toRecord(renamed?.rows[0] as Row);
    },
    async delete(id) {
      await database.write(null, [{ query: build.deleteFrom("datasets").where("id", "=", id) }]);
    },
    fields: (id) => readFields(database, id),
  };
}

/** Calls a write off unless the data set is there. */
export function datasetIsThere(id: string) {
  return {
    query: build.selectFrom("datasets").select("id").where("id", "=", id),
    guard: { stopOn: "none" as const, refuse: () => datasetNotFound(id) },
  };
}

function nameIsFree(name: string, exceptId: string) {
  return {
    query: build.selectFrom("datasets").select("id").where("name", "=", name).where("id", "<>", exceptId),
    guard: { stopOn: "rows" as const, refuse: () => datasetExists(name) },
  };
}

function toRecord(row: Row): DatasetRecord {
  return { id: row.id, name: row.name, createdAt: row.created_at, info: JSON.parse(row.info) };
}

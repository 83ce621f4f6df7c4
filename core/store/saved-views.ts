/** Saved views: stage lists under a name. */

import { build, type StoreDatabase } from "./database.ts";
import { datasetIsThere } from "./datasets.ts";
import { assertName } from "./names.ts";
import type { SavedViewStore } from "./store.ts";

export function savedViewStore(database: StoreDatabase): SavedViewStore {
  return {
    async save(datasetId, name, { version, stages }) {
      assertName(name, "a name for the view");
      const row = { version, stages: JSON.stringify(stages) };
      await database.write([
        datasetIsThere(datasetId),
        {
          statement: build
            .insertInto("saved_views")
            .values({ dataset_id: datasetId, name, ...row })
            .onConflict((conflict) => conflict.columns(["dataset_id", "name"]).doUpdateSet(row))
            .compile(),
        },
      ]);
    },
    async load(datasetId, name) {
      const [row] = await database.read<{ version: number; stages: string }>(
        build
          .selectFrom("saved_views")
          .select(["version", "stages"])
          .where("dataset_id", "=", datasetId)
          .where("name", "=", name)
          .compile(),
      );
      return row === undefined ? null : { version: row.version, stages: JSON.parse(row.stages) };
    },
    async list(datasetId) {
      const rows = await database.read<{ name: string }>(
        build
          .selectFrom("saved_views")
          .select("name")
          .where("dataset_id", "=", datasetId)
          .orderBy("name")
          .compile(),
      );
      return rows.map((row) => row.name);
    },
    async delete(datasetId, name) {
      await database.write([
        {
          statement: build
            .deleteFrom("saved_views")
            .where("dataset_id", "=", datasetId)
            .where("name", "=", name)
            .compile(),
        },
      ]);
    },
  };
}

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
      await database.write({ dataset: datasetId }, [
        datasetIsThere(datasetId),
        {
          query: build
            .insertInto("saved_views")
            .values({ dataset_id: datasetId, name, ...row })
            .onConflict((conflict) => conflict.columns(["dataset_id", "name"]).doUpdateSet(row)),
        },
      ]);
    },
    async load(datasetId, name) {
      const [row] = await database.read<{ version: number; stages: string }>(
        build
          .selectFrom("saved_views")
          .select(["version", "stages"])
          .where("dataset_id", "=", datasetId)
          .where("name", "=", name),
      );
      return row === undefined ? null : { version: row.version, stages: JSON.parse(row.stages) };
    },
    async list(datasetId) {
      const rows = await database.read<{ name: string }>(
        build.selectFrom("saved_views").select("name").where("dataset_id", "=", datasetId).orderBy("name"),
      );
      return rows.map((row) => row.name);
    },
    async delete(datasetId, name) {
      await database.write(null, [
        {
          query: build.deleteFrom("saved_views").where("dataset_id", "=", datasetId).where("name", "=", name),
        },
      ]);
    },
  };
}

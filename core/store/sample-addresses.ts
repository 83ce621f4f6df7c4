/** Samples by where they came from, in the order of their addresses' bytes. */

import { sql } from "kysely";
import { build, type StoreDatabase } from "./database.ts";
import type { SampleAddress, SampleAddressStore } from "./store-sync.ts";

export function sampleAddressStore(database: StoreDatabase): SampleAddressStore {
  return {
    async get(datasetId, uri) {
      const [row] = await database.read<{ id: string }>(
        build.selectFrom("samples").select("id").where("dataset_id", "=", datasetId).where("uri", "=", uri),
      );
      return row?.id ?? null;
    },
    async page(datasetId, prefix, { after, limit }) {
      const rows = await database.read<SampleAddress>(
        build
          .selectFrom("samples")
          .select(["uri", "id"])
          .$narrowType<{ uri: string }>()
          .where("dataset_id", "=", datasetId)
          .where("uri", ">=", prefix)
          .where("uri", ">", after)
          .orderBy("uri")
          .limit(limit),
      );
      // In this order those that begin with it follow each other.
      return rows.filter(({ uri }) => uri.startsWith(prefix));
    },
    async adopt(datasetId, prefix) {
      const isBelow = sql`substr(s.filepath, 1, length(${prefix})) = ${prefix}`;
      await database.write({ dataset: datasetId }, [
        {
          query: sql`update samples set uri = filepath where seq in (
            select min(s.seq) from samples as s where s.dataset_id = ${datasetId} and s.uri is null and ${isBelow}
              and not exists (select 1 from samples as o where o.dataset_id = s.dataset_id and o.uri = s.filepath)
            group by s.filepath)`,
        },
      ]);
    },
  };
}

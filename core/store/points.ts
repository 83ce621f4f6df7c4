/** Points of visualizations in the store: a float32 blob for each entry of the run. */

import { sql } from "kysely";
import type { StoreDatabase } from "./database.ts";
import { bytesAt, textRows } from "./json-sql.ts";
import { runIsThere } from "./runs.ts";
import type { PointStore } from "./store-runs.ts";
import { lastOfEach } from "./vectors.ts";

export function pointStore(database: StoreDatabase): PointStore {
  return {
    async put(runId, givenIds, given) {
      const { ids: entryIds, vectors: points } = lastOfEach(givenIds, given);
      const bytes = new Uint8Array(points.data.slice().buffer);
      const length = points.dimension * Float32Array.BYTES_PER_ELEMENT;
      await database.write({ run: runId }, [
        runIsThere(runId),
        {
          query: sql`insert into run_points (run_id, entry_id, point)
            select ${runId}, item.value, ${bytesAt(bytes, length)}
            from ${textRows(entryIds)} where true
            on conflict (run_id, entry_id) do update set point = excluded.point`,
        },
      ]);
    },
    async page(runId, after, limit) {
      const rows = await database.read<{
        sequence: number;
        entryId: string;
        sampleId: string;
        point: Uint8Array;
      }>(
        sql<{ sequence: number; entryId: string; sampleId: string; point: Uint8Array }>`select
            e.sequence as sequence, e.entry_id as "entryId", e.sample_id as "sampleId", p.point as point
          from run_entries as e
          join run_points as p on p.run_id = e.run_id and p.entry_id = e.entry_id
          where e.run_id = ${runId} and e.state = 'indexed' and e.sequence > ${after}
          order by e.sequence limit ${limit}`,
      );
      return rows.map(({ point, ...entry }) => ({ ...entry, point: new Float32Array(point.slice().buffer) }));
    },
  };
}

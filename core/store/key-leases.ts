/** Leases on single keys of a data set's media, and a store that writes only while one of them is held. */

import { sql } from "kysely";
import { NearsightError } from "../errors.ts";
import { newId } from "../ids.ts";
import { build, type Step, type StoreDatabase } from "./database.ts";
import { datasetIsThere } from "./datasets.ts";
import type { KeyLease, KeyLeaseStore, LeaseOutcome } from "./store-sync.ts";

/** Whoever lost a lease may go on for so long, in milliseconds: no function runs for longer than 15 minutes. */
const STRAY_MS = 15 * 60_000;

export function keyLeaseStore(database: StoreDatabase): KeyLeaseStore {
  return {
    async take(datasetId, uri, ttlMs) {
      const token = newId();
      const now = Date.now();
      const [, taken] = await database.write(null, [
        datasetIsThere(datasetId),
        {
          query: sql`insert into key_leases (dataset_id, uri, token, held_until, unsettled_until)
            values (${datasetId}, ${uri}, ${token}, ${now + ttlMs}, 0)
            on conflict (dataset_id, uri) do update set token = excluded.token, held_until = excluded.held_until,
              unsettled_until = case when key_leases.token is null then key_leases.unsettled_until
                else ${now + STRAY_MS} end
            where key_leases.token is null or key_leases.held_until < ${now}
            returning unsettled_until as until`,
          returning: true,
        },
      ]);
      const [row] = taken?.rows ?? [];
      if (row === undefined) return null;
      return { datasetId, uri, token, unsettledUntil: Number(row["until"]), takenAt: now };
    },
    async renew(lease, ttlMs) {
      await database.write(null, [heldStep(lease, Date.now() + ttlMs)]);
    },
    async release(lease, outcome) {
      await database.write(null, [heldStep(lease), releaseStep(lease, outcome)]);
    },
    async unsettled(datasetId, uris) {
      const rows = await database.read<{ uri: string }>(
        build
          .selectFrom("key_leases")
          .select("uri")
          .where("dataset_id", "=", datasetId)
          .where("uri", "in", uris),
      );
      return rows.map(({ uri }) => uri);
    },
  };
}

/** A database whose every write is called off once the lease is somebody else's: LEASE_LOST. */
export function underLease(database: StoreDatabase, lease: KeyLease): StoreDatabase {
  return {
    ...database,
    async write(scope, steps) {
      const [, ...results] = await database.write(scope, [heldStep(lease), ...steps]);
      return results;
    },
  };
}

/** An update and no query, so that the row is locked until the write ends, in every database. */
function heldStep({ datasetId, uri, token }: KeyLease, heldUntil?: number): Step {
  return {
    query: build
      .updateTable("key_leases")
      .set({ held_until: heldUntil ?? sql<number>`held_until` })
      .where("dataset_id", "=", datasetId)
      .where("uri", "=", uri)
      .where("token", "=", token)
      .returning("token"),
    guard: { stopOn: "none", refuse: () => leaseLost(uri) },
  };
}

/** The row stays for as long as what is in the indexes is not certain. */
function releaseStep(lease: KeyLease, outcome: LeaseOutcome): Step {
  const { datasetId, uri, unsettledUntil, takenAt } = lease;
  const isCertain = outcome !== "unsettled" && unsettledUntil === 0;
  const isOver = outcome === "settled" && unsettledUntil < takenAt;
  if (isCertain || isOver) {
    return {
      query: build.deleteFrom("key_leases").where("dataset_id", "=", datasetId).where("uri", "=", uri),
    };
  }
  // What this holder wrote, it has written by now.
  const until = outcome === "unsettled" ? Math.max(unsettledUntil, 1) : unsettledUntil;
  return {
    query: build
      .updateTable("key_leases")
      .set({ token: null, unsettled_until: until })
      .where("dataset_id", "=", datasetId)
      .where("uri", "=", uri),
  };
}

function leaseLost(uri: string): NearsightError {
  return new NearsightError({
    code: "LEASE_LOST",
    message: `Expected to hold the lease of '${uri}' but another worker has it now`,
    hint: "Look at the key again",
    details: { uri },
  });
}

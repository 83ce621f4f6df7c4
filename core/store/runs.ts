/** Brain runs in the store, and the leases of those who build them. */

import { type Expression, sql } from "kysely";
import { NearsightError } from "../errors.ts";
import { newId } from "../ids.ts";
import { build, type Step, type StoreDatabase } from "./database.ts";
import { datasetIsThere } from "./datasets.ts";
import { type JsonPlace, jsonIs, jsonString } from "./json-sql.ts";
import { assertName } from "./names.ts";
import type { RunChange, RunConfig, RunRecord, RunState, RunStore } from "./store-runs.ts";
import { swapKeys } from "./swap-keys.ts";
import type { RunsTable } from "./tables.ts";

const all = build.selectFrom("runs").selectAll();

export function runStore(database: StoreDatabase): RunStore {
  const one = async (query: Expression<RunsTable>) => {
    const [row] = await database.read(query);
    return row === undefined ? null : toRecord(row);
  };
  return {
    async create({ datasetId, key, type, version, config, specHash }) {
      assertName(key, "a brain key");
      const now = new Date().toISOString();
      const row: RunsTable = {
        id: newId(),
        dataset_id: datasetId,
        key,
        type,
        version,
        config: JSON.stringify(config),
        spec_hash: specHash,
        state: "planned",
        epoch: 0,
        lease_owner: null,
        lease_until: null,
        reason: null,
        created_at: now,
        updated_at: now,
        revision: 0,
      };
      await database.write("store", [
        datasetIsThere(datasetId),
        keyIsFree(datasetId, key, ""),
        ...(config.ownsCollection ? [collectionIsFree(config)] : []),
        { query: build.insertInto("runs").values(row) },
      ]);
      return toRecord(row);
    },
    get: (datasetId, key) => one(all.where("dataset_id", "=", datasetId).where("key", "=", key)),
    byId: (runId) => one(all.where("id", "=", runId)),
    async list(datasetId) {
      const rows = await database.read<RunsTable>(
        all.where("dataset_id", "=", datasetId).orderBy("created_at").orderBy("id"),
      );
      return rows.map(toRecord);
    },
    async update(runId, change, epoch) {
      const results = await database.write({ run: runId }, [
        ...(epoch === undefined ? [runIsThere(runId)] : epochIsCurrent(runId, epoch)),
        { query: changeOf(runId, change).returningAll(), returning: true },
      ]);
      return toRecord(results.at(-1)?.rows[0] as unknown as RunsTable);
    },
    async rename(datasetId, key, newKey) {
      assertName(newKey, "a brain key");
      const run = build
        .selectFrom("runs")
        .select("id")
        .where("dataset_id", "=", datasetId)
        .where("key", "=", key);
      const results = await database.write({ runsOf: datasetId }, [
        { query: run, guard: { stopOn: "none", refuse: () => runNotFound(key) } },
        keyIsFree(datasetId, newKey, key),
        {
          query: build
            .updateTable("runs")
            .set({ key: newKey, updated_at: new Date().toISOString() })
            .where("dataset_id", "=", datasetId)
            .where("key", "=", key)
            .returningAll(),
          returning: true,
        },
      ]);
      return toRecord(results.at(-1)?.rows[0] as unknown as RunsTable);
    },
    swapKeys: (datasetId, key, otherKey) => swapKeys(database, datasetId, key, otherKey),
    async delete(runId) {
      const [deleted] = await database.write(null, [
        { query: build.deleteFrom("runs").where("id", "=", runId) },
      ]);
      return (deleted?.changes ?? 0) > 0;
    },
    async acquireLease(runId, owner, ttlMs) {
      const now = Date.now();
      const [, taken] = await database.write({ run: runId }, [
        runIsThere(runId),
        {
          query: build
            .updateTable("runs")
            .set({ epoch: sql<number>`epoch + 1`, lease_owner: owner, lease_until: now + ttlMs })
            .where("id", "=", runId)
            .where((run) =>
              run.or([
                run("lease_owner", "is", null),
                run("lease_owner", "=", owner),
                run("lease_until", "<", now),
              ]),
            )
            .returningAll(),
          returning: true,
        },
      ]);
      const row = taken?.rows[0];
      return row === undefined ? null : toRecord(row as unknown as RunsTable);
    },
    async epoch(runId) {
      const [row] = await database.read<{ epoch: number }>(
        build.selectFrom("runs").select("epoch").where("id", "=", runId),
      );
      return row?.epoch ?? null;
    },
    async renewLease(runId, epoch, ttlMs) {
      const [renewed] = await database.write(null, [
        {
          query: build
            .updateTable("runs")
            .set({ lease_until: Date.now() + ttlMs })
            .where("id", "=", runId)
            .where("epoch", "=", epoch)
            .where("lease_owner", "is not", null),
        },
      ]);
      return (renewed?.changes ?? 0) > 0;
    },
    async releaseLease(runId, epoch, change) {
      await database.write({ run: runId }, [
        ...epochIsCurrent(runId, epoch),
        { query: changeOf(runId, change).set({ lease_owner: null, lease_until: null }) },
      ]);
    },
  };
}

/** Calls a write off where a newer epoch than `epoch` has begun, or the run is gone; nothing without an epoch. */
export function epochIsCurrent(runId: string, epoch: number | undefined): Step[] {
  if (epoch === undefined) return [];
  return [
    runIsThere(runId),
    {
      query: build.selectFrom("runs").select("epoch").where("id", "=", runId).where("epoch", "<>", epoch),
      guard: {
        stopOn: "rows",
        refuse: ([row]) =>
          new NearsightError({
            code: "LEASE_LOST",
            message: `Expected to hold the lease of the brain run at epoch ${epoch} but it is at epoch ${row?.epoch}`,
            hint: "Another process builds this run now; wait for it, or start again",
            details: { runId, epoch, found: row?.epoch },
          }),
      },
    },
  ];
}

/** Calls a write off unless the run is there. */
export function runIsThere(runId: string): Step {
  return {
    query: build.selectFrom("runs").select("id").where("id", "=", runId),
    guard: { stopOn: "none", refuse: () => runNotFound(runId) },
  };
}

function changeOf(runId: string, { state, config, reason }: RunChange) {
  return build
    .updateTable("runs")
    .set({
      updated_at: new Date().toISOString(),
      ...(state === undefined ? {} : { state }),
      ...(state === "deleting"
        ? { epoch: sql<number>`epoch + 1`, lease_owner: null, lease_until: null }
        : {}),
      ...(config === undefined ? {} : { config: JSON.stringify(config) }),
      ...(reason === undefined ? {} : { reason }),
    })
    .where("id", "=", runId);
}

function keyIsFree(datasetId: string, key: string, exceptKey: string): Step {
  return {
    query: build
      .selectFrom("runs")
      .select("id")
      .where("dataset_id", "=", datasetId)
      .where("key", "=", key)
      .where("key", "<>", exceptKey),
    guard: {
      stopOn: "rows",
      refuse: () =>
        new NearsightError({
          code: "RUN_EXISTS",
          message: `The data set has a brain run '${key}' already`,
          hint: `Choose another brainKey, or remove it with deleteBrainRun("${key}")`,
          details: { brainKey: key },
        }),
    },
  };
}

function inConfig(name: keyof RunConfig): JsonPlace {
  return { column: sql`config`, keys: [name] };
}

/** Two runs never own one collection: a planned run has only its name yet. */
function collectionIsFree({ backend, collectionName }: RunConfig): Step {
  return {
    query: sql`select id from runs where state <> 'deleting' and ${jsonIs(inConfig("ownsCollection"), "true")}
      and ${jsonString(inConfig("backend"))} = ${backend}
      and ${jsonString(inConfig("collectionName"))} = ${collectionName}`,
    guard: {
      stopOn: "rows",
      refuse: () =>
        new NearsightError({
          code: "INDEX_EXISTS",
          message: `A brain run owns the collection '${collectionName}' of ${backend} already`,
          hint: "Choose another collectionName, or leave it out",
          details: { collectionName },
        }),
    },
  };
}

export function runNotFound(name: string): NearsightError {
  return new NearsightError({
    code: "RUN_NOT_FOUND",
    message: `There is no brain run '${name}'`,
    hint: "It may have been deleted; see listBrainRuns()",
    details: { brainKey: name },
  });
}

function toRecord(row: RunsTable): RunRecord {
  return {
    id: row.id,
    datasetId: row.dataset_id,
    key: row.key,
    type: row.type,
    version: row.version,
    config: JSON.parse(row.config),
    specHash: row.spec_hash,
    state: row.state as RunState,
    epoch: row.epoch,
    leaseOwner: row.lease_owner,
    leaseUntil: row.lease_until,
    reason: row.reason,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Entries of brain runs: what an index should hold, and how far each one is. */

import { sql } from "kysely";
import { applyStage, compileStages, fromRows, rowId, withTables } from "./compile-stages.ts";
import { build, type Step, type StoreDatabase } from "./database.ts";
import { readSchema } from "./fields.ts";
import { indexedBy, inTexts, joinInOrder, jsonRows, member, textRows } from "./json-sql.ts";
import { entryOf, isEntryOf } from "./look-up.ts";
import { epochIsCurrent, runIsThere } from "./runs.ts";
import type { Arrival, EntryQuery, EntryState, EntryStore, SettledEntries } from "./store-runs.ts";
import type { RunEntriesTable } from "./tables.ts";

export function entryStore(database: StoreDatabase): EntryStore {
  return {
    async plan(runId, entries, { overwrite = false, epoch } = {}) {
      const rows = jsonRows(
        entries.map(({ entryId, sampleId, sourceVersion }) => ({
          entryId,
          sampleId,
          sourceVersion: sourceVersion ?? null,
        })),
      );
      const again: Step = {
        query: sql`with r as materialized (
            select e.sequence as sequence, ${member("sampleId")} as sample_id,
              ${member("sourceVersion")} as source_version from ${rows}
            ${entryOf(runId, member("entryId"))})
          update run_entries set reason = null, sample_id = r.sample_id,
            state = case when state = 'indexed' and ${String(overwrite)} = 'unwritten' then state else 'pending' end,
            source_version = coalesce(r.source_version, run_entries.source_version)
          from r where run_entries.sequence = r.sequence`,
      };
      const results = await database.write({ run: runId }, [
        runIsThere(runId),
        ...epochIsCurrent(runId, epoch),
        ...(overwrite === false ? [] : [again]),
        {
          query: sql`insert into run_entries (run_id, entry_id, sample_id, source_version, state)
            select ${runId}, ${member("entryId")}, ${member("sampleId")}, ${member("sourceVersion")}, 'pending'
            from ${rows} where true order by item.key
            on conflict (run_id, entry_id) do nothing`,
        },
      ]);
      return results.at(-1)?.changes ?? 0;
    },
    async settle(runId, { indexed, failed, sourceVersions, fieldChanges }, epoch) {
      const failures = jsonRows(failed.map(({ id, reason }) => ({ id, reason })));
      const results = await database.write({ run: runId }, [
        ...epochIsCurrent(runId, epoch),
        ...sourceSteps(runId, sourceVersions),
        ...fieldSteps(runId, indexed, fieldChanges),
        // What one write settles shares a revision; a later write has a higher one, whichever process it is of.
        { query: sql`update runs set revision = revision + 1 where id = ${runId}` },
        {
          query: sql`update run_entries set state = 'indexed', reason = null, attempts = attempts + 1,
              revision = (select revision from runs where id = ${runId})
            where ${isEntryOf(runId, indexed)} and state <> 'deleting'
            returning entry_id as id`,
          returning: true,
        },
        {
          query: sql`with r as materialized (
              select e.sequence as sequence, ${member("reason")} as reason from ${failures}
              ${entryOf(runId, member("id"))})
            update run_entries set state = 'failed', reason = r.reason, attempts = attempts + 1
            from r where run_entries.sequence = r.sequence and state <> 'deleting'`,
        },
      ]);
      const settled = new Set(results.at(-2)?.rows.map((row) => row["id"]));
      return indexed.filter((id) => !settled.has(id));
    },
    async recordSources(runId, versions, epoch) {
      await database.write({ run: runId }, [
        ...epochIsCurrent(runId, epoch),
        ...sourceSteps(runId, versions),
      ]);
    },
    async markDeleting(runId, entryIds) {
      await database.write(null, [
        {
          query: sql`update run_entries set state = 'deleting'
            where ${isEntryOf(runId, entryIds)}`,
        },
      ]);
    },
    async remove(runId, entryIds) {
      const wanted = sql`${isEntryOf(runId, entryIds)}`;
      const results = await database.write({ run: runId }, [
        { query: sql`delete from run_entries where ${wanted} and state = 'deleting'` },
        {
          query: sql`select entry_id as id from run_entries where ${wanted}`,
          returning: true,
        },
      ]);
      return results.at(-1)?.rows.map((row) => String(row["id"])) ?? [];
    },
    async markVanished(runId, patchesField) {
      const owner =
        patchesField === null
          ? sql`select 1 from samples as s where s.dataset_id = r.dataset_id and s.id = run_entries.sample_id`
          : sql`select 1 from labels as l where l.dataset_id = r.dataset_id and l.id = run_entries.entry_id`;
      await database.write(null, [
        {
          query: sql`update run_entries set state = 'deleting'
            where run_id = ${runId} and state = 'pending' and not exists (
              select 1 from runs as r where r.id = run_entries.run_id and exists (${owner}))`,
        },
      ]);
    },
    async counts(runId) {
      const rows = await database.read<{ state: EntryState; count: number }>(
        sql<{ state: EntryState; count: number }>`select state, count(*) as count from run_entries
          where run_id = ${runId} group by state`,
      );
      const counts = { pending: 0, indexed: 0, failed: 0, deleting: 0 };
      for (const { state, count } of rows) counts[state] = count;
      return counts;
    },
    async list(runId, query) {
      const rows = await database.read<RunEntriesTable & { sequence: number }>(listQuery(runId, query));
      return rows.map((row) => ({
        entryId: row.entry_id,
        sampleId: row.sample_id,
        sourceVersion: row.source_version,
        state: row.state as EntryState,
        reason: row.reason,
        attempts: row.attempts,
        sequence: row.sequence,
        revision: row.revision,
      }));
    },
    async gone(runId, entryIds) {
      // Grouping puts the ids in order: looked up that way, many are found several times as fast.
      const texts = await database.readTexts<string>(
        sql`select asked.id as text
          from (select item.value as id from ${textRows(entryIds)} group by item.value) as asked
          where not exists (select 1 from run_entries as e
            ${joinInOrder} runs as r on r.id = e.run_id
            ${joinInOrder} samples as s on s.dataset_id = r.dataset_id and s.id = e.sample_id
            where e.run_id = ${runId} and e.entry_id = asked.id and e.state = 'indexed')`,
      );
      return new Set(texts);
    },
    async fieldChanges(runId, entryIds) {
      const rows = await database.read<{ id: string; changes: number }>(
        sql<{ id: string; changes: number }>`select entry_id as id, field_changes as changes from run_entries
          where ${isEntryOf(runId, entryIds)} and field_changes <> 0`,
      );
      return new Map(rows.map(({ id, changes }) => [id, changes]));
    },
    outdated: (runId, { after = -1, limit }) =>
      database.read<{ entryId: string; sequence: number }>(
        sql<{ entryId: string; sequence: number }>`select entry_id as "entryId", sequence
          from run_entries ${indexedBy("run_entries_outdated")}
          where run_id = ${runId} and field_changes <> 0 and state = 'indexed' and sequence > ${after}
          order by sequence limit ${limit}`,
      ),
    async settleFields(runId, entryIds, changes, epoch) {
      const results = await database.write({ run: runId }, [
        ...epochIsCurrent(runId, epoch),
        ...fieldSteps(runId, entryIds, changes),
        {
          query: sql`select entry_id as id from run_entries
            where ${isEntryOf(runId, entryIds)} and state = 'indexed'`,
          returning: true,
        },
      ]);
      const there = new Set(results.at(-1)?.rows.map((row) => row["id"]));
      return entryIds.filter((id) => !there.has(id));
    },
    async revision(runId) {
      const [row] = await database.read<{ revision: number }>(
        build.selectFrom("runs").select("revision").where("id", "=", runId),
      );
      return row?.revision ?? null;
    },
    arrivals: (runId, after, limit) =>
      database.read<Arrival>(
        sql<Arrival>`select e.entry_id as "entryId", e.sample_id as "sampleId", e.revision as revision,
            e.sequence as sequence
          from run_entries as e
          ${joinInOrder} runs as r on r.id = e.run_id
          ${joinInOrder} samples as s on s.dataset_id = r.dataset_id and s.id = e.sample_id
          where e.run_id = ${runId} and e.revision > 0 and e.state = 'indexed'
            and (e.revision, e.sequence) > (${after.revision}, ${after.sequence})
          order by e.revision, e.sequence limit ${limit}`,
      ),
    async countInView(runId, datasetId, stages, patchesField) {
      const samples = compileStages(await readSchema(database, datasetId), stages);
      const view =
        patchesField === null || samples.patchesField !== null
          ? samples
          : applyStage(samples, { stage: "toPatches", field: patchesField });
      const [row] = await database.read<{ total: number; indexed: number; stale: number }>(
        sql<{ total: number; indexed: number; stale: number }>`${withTables(view)}
          select count(*) as total, count(case when e.state = 'indexed' then 1 end) as indexed,
            count(case when e.state <> 'indexed' and e.revision > 0 then 1 end) as stale ${fromRows(view)}
          left join run_entries as e on e.run_id = ${runId} and e.entry_id = ${rowId(view)}`,
      );
      return row ?? { total: 0, indexed: 0, stale: 0 };
    },
  };
}

function sourceSteps(runId: string, versions: SettledEntries["sourceVersions"]): Step[] {
  if (versions === undefined || versions.size === 0) return [];
  const rows = jsonRows([...versions].map(([id, version]) => ({ id, version })));
  return [
    {
      query: sql`with r as materialized (
          select e.sequence as sequence, ${member("version")} as version from ${rows}
          ${entryOf(runId, member("id"))})
        update run_entries set source_version = r.version from r
        where run_entries.sequence = r.sequence`,
    },
  ];
}

/** Takes off what was written; changes that came after the values were read stay. */
function fieldSteps(
  runId: string,
  indexed: readonly string[],
  changes: SettledEntries["fieldChanges"],
): Step[] {
  const settled = indexed.flatMap((id) => {
    const count = changes?.get(id) ?? 0;
    return count === 0 ? [] : [{ id, count }];
  });
  if (settled.length === 0) return [];
  return [
    {
      query: sql`with r as materialized (
          select e.sequence as sequence, ${member("count", "integer")} as count from ${jsonRows(settled)}
          ${entryOf(runId, member("id"))})
        update run_entries set field_changes = field_changes - r.count from r
        where run_entries.sequence = r.sequence`,
    },
  ];
}

function listQuery(runId: string, { states, entryIds, sampleIds, after, limit }: EntryQuery) {
  let query = build.selectFrom("run_entries").selectAll().where("run_id", "=", runId);
  // Few entries by id are quicker filtered and sorted than looked for in the whole run, which an index by
  // state or in order invites: hence the expressions that no index serves.
  const byId = entryIds !== undefined || sampleIds !== undefined;
  const [state] = states ?? [];
  if (state !== undefined && states?.length === 1 && !byId) query = query.where("state", "=", state);
  // An index by state gives each state's entries in order, but several states only after sorting all of them.
  else if (states !== undefined) query = query.where(sql<boolean>`coalesce(state, '') ${inTexts(states)}`);
  if (entryIds !== undefined) query = query.where(sql<boolean>`entry_id ${inTexts(entryIds)}`);
  if (sampleIds !== undefined) query = query.where(sql<boolean>`sample_id ${inTexts(sampleIds)}`);
  query = query.orderBy(byId ? sql`sequence + 0` : sql`sequence`);
  if (after !== undefined) query = query.where("sequence", ">", after);
  if (limit !== undefined) query = query.limit(limit);
  return query as never;
}

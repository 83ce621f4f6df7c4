/** Entries of brain runs: what an index should hold, and how far each one is. */

import { sql } from "kysely";
import { applyStage, compileStages, fromRows, rowId, withTables } from "./compile-stages.ts";
import { build, type Step, type StoreDatabase } from "./database.ts";
import { readSchema } from "./fields.ts";
import { joinInOrder, jsonList, jsonRows, member } from "./json-sql.ts";
import { epochIsCurrent, runIsThere } from "./runs.ts";
import type { EntryQuery, EntryState, EntryStore } from "./store.ts";
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
        statement: sql`with r as materialized (
            select e.sequence as sequence, ${member("sampleId")} as sample_id,
              ${member("sourceVersion")} as source_version from ${rows}
            ${joinInOrder} run_entries as e on e.run_id = ${runId} and e.entry_id = ${member("entryId")})
          update run_entries set state = 'pending', reason = null, sample_id = r.sample_id,
            source_version = coalesce(r.source_version, run_entries.source_version)
          from r where run_entries.sequence = r.sequence`.compile(build),
      };
      const results = await database.write([
        runIsThere(runId),
        ...epochIsCurrent(runId, epoch),
        ...(overwrite ? [again] : []),
        {
          statement: sql`insert into run_entries (run_id, entry_id, sample_id, source_version, state)
            select ${runId}, ${member("entryId")}, ${member("sampleId")}, ${member("sourceVersion")}, 'pending'
            from ${rows} where true order by item.key
            on conflict (run_id, entry_id) do nothing`.compile(build),
        },
      ]);
      return results.at(-1)?.changes ?? 0;
    },
    async settle(runId, { indexed, failed }, epoch) {
      const failures = jsonRows(failed.map(({ id, reason }) => ({ id, reason })));
      await database.write([
        ...epochIsCurrent(runId, epoch),
        {
          statement: sql`update run_entries set state = 'indexed', reason = null, attempts = attempts + 1
            where run_id = ${runId} and entry_id in ${jsonList(indexed)} and state <> 'deleting'`.compile(
            build,
          ),
        },
        {
          statement: sql`with r as materialized (
              select e.sequence as sequence, ${member("reason")} as reason from ${failures}
              ${joinInOrder} run_entries as e on e.run_id = ${runId} and e.entry_id = ${member("id")})
            update run_entries set state = 'failed', reason = r.reason, attempts = attempts + 1
            from r where run_entries.sequence = r.sequence and state <> 'deleting'`.compile(build),
        },
      ]);
    },
    async markDeleting(runId, entryIds) {
      await database.write([
        {
          statement: sql`update run_entries set state = 'deleting'
            where run_id = ${runId} and entry_id in ${jsonList(entryIds)}`.compile(build),
        },
      ]);
    },
    async remove(runId, entryIds) {
      await database.write([
        {
          statement: sql`delete from run_entries
            where run_id = ${runId} and entry_id in ${jsonList(entryIds)}`.compile(build),
        },
      ]);
    },
    async counts(runId) {
      const rows = await database.read<{ state: EntryState; count: number }>(
        sql<{ state: EntryState; count: number }>`select state, count(*) as count from run_entries
          where run_id = ${runId} group by state`.compile(build),
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
      }));
    },
    async live(runId, entryIds) {
      const rows = await database.read<{ id: string }>(
        sql<{ id: string }>`select e.entry_id as id from ${jsonRows(entryIds)}
          ${joinInOrder} run_entries as e on e.run_id = ${runId} and e.entry_id = item.value
          ${joinInOrder} runs as r on r.id = e.run_id
          ${joinInOrder} samples as s on s.dataset_id = r.dataset_id and s.id = e.sample_id
          where e.state = 'indexed'`.compile(build),
      );
      return new Set(rows.map((row) => row.id));
    },
    async countInView(runId, datasetId, stages, patchesField) {
      const samples = compileStages(await readSchema(database, datasetId), stages);
      const view =
        patchesField === null || samples.patchesField !== null
          ? samples
          : applyStage(samples, { stage: "toPatches", field: patchesField });
      const [row] = await database.read<{ indexed: number; total: number }>(
        sql<{ indexed: number; total: number }>`${withTables(view)}
          select count(*) as total, count(e.entry_id) as indexed ${fromRows(view)}
          left join run_entries as e on e.run_id = ${runId} and e.entry_id = ${rowId(view)} and e.state = 'indexed'`.compile(
          build,
        ),
      );
      return { indexed: row?.indexed ?? 0, total: row?.total ?? 0 };
    },
  };
}

function listQuery(runId: string, { states, entryIds, sampleIds, after, limit }: EntryQuery) {
  let query = build.selectFrom("run_entries").selectAll().where("run_id", "=", runId);
  // Few entries by id are quicker filtered and sorted than looked for in the whole run, which an index by
  // state or in order invites: hence the expressions that no index serves.
  const byId = entryIds !== undefined || sampleIds !== undefined;
  const [state] = states ?? [];
  if (state !== undefined && states?.length === 1 && !byId) query = query.where("state", "=", state);
  // An index by state gives each state's entries in order, but several states only after sorting all of them.
  else if (states !== undefined)
    query = query.where(sql`coalesce(state, '')`, "in", jsonList(states) as never);
  if (entryIds !== undefined) query = query.where("entry_id", "in", jsonList(entryIds) as never);
  if (sampleIds !== undefined) query = query.where("sample_id", "in", jsonList(sampleIds) as never);
  query = query.orderBy(byId ? sql`sequence + 0` : sql`sequence`);
  if (after !== undefined) query = query.where("sequence", ">", after);
  if (limit !== undefined) query = query.limit(limit);
  return query.compile() as never;
}

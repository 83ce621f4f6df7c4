/** Adds vectors a caller has to an index: planned as entries, written, then settled. */

import type { Batch } from "../../backends/backend.ts";
import { takeBatch } from "../../backends/parts.ts";
import type { ExistingOptions } from "../../dataset/brain-port.ts";
import { NearsightError } from "../../errors.ts";
import { type Matrix, toVectors, type VectorData, type VectorsLike } from "../../matrix.ts";
import type { Failure } from "../entries.ts";
import { assertDimension, type OpenIndex } from "../open-index.ts";
import { startWriter, type WriteOutcome } from "../writer.ts";

/** Entries per write. */
const ADD_ROWS = 1_000;

/**
 * Adds or replaces entries, under a lease where an epoch is given; WRITE_PARTIAL names those the backend refused, the
 * others are kept.
 */
export async function addEntries(
  index: OpenIndex,
  embeddings: VectorsLike | Matrix<VectorData>,
  sampleIds: readonly string[],
  labelIds: readonly string[] | null,
  options: ExistingOptions,
  epoch?: number,
): Promise<void> {
  const vectors = toVectors(embeddings);
  assertShape(index, vectors, sampleIds, labelIds);
  if (vectors.rows === 0) return;
  assertDimension(index.run, vectors.dimension);
  const ids = labelIds ?? sampleIds;
  const chosen = await chooseRows(index, ids, options);
  const failed: Failure[] = [];
  for (let rows = chosen; rows.length > 0; ) {
    const outcome = await addRows(index, { ids, sampleIds, vectors }, rows, epoch);
    failed.push(...outcome.failed);
    const again = new Set(outcome.unwanted);
    rows = rows.filter((row) => again.has(ids[row] ?? ""));
  }
  if (failed.length > 0) throw refused(index, failed, chosen.length);
}

/**
 * Plans and writes some rows; they are visible together at the end. Entries that are indexed stay so: were this
 * process killed, they would still have their former vectors. What another process deletes meanwhile is told as
 * unwanted, to be written again: the addition is the later one.
 */
async function addRows(
  index: OpenIndex,
  all: Batch,
  rows: readonly number[],
  epoch: number | undefined,
): Promise<WriteOutcome> {
  const writer = startWriter(index, epoch);
  const failed: Failure[] = [];
  const unwanted: string[] = [];
  try {
    for (let start = 0; start < rows.length; start += ADD_ROWS) {
      const batch = takeBatch(all, rows.slice(start, start + ADD_ROWS));
      await planBatch(index, batch, epoch);
      const outcome = await writer.write({
        ...batch,
        sourceVersions: new Map(batch.ids.map((id) => [id, null])),
      });
      failed.push(...outcome.failed);
      unwanted.push(...outcome.unwanted);
    }
  } catch (error) {
    // What was written before it is kept.
    await writer.finish().catch(() => undefined);
    throw error;
  }
  const rest = await writer.finish();
  return { failed: [...failed, ...rest.failed], unwanted: [...unwanted, ...rest.unwanted] };
}

async function planBatch(
  { context, run }: OpenIndex,
  { ids, sampleIds }: Batch,
  epoch: number | undefined,
): Promise<void> {
  const planned = ids.map((entryId, i) => ({ entryId, sampleId: sampleIds[i] ?? entryId }));
  const held = epoch === undefined ? {} : { epoch };
  await context.store.entries.plan(run.id, planned, { overwrite: "unwritten", ...held });
}

/** Positions to write: the last of doubled ids wins; known ids are replaced, skipped or refused. */
async function chooseRows(
  index: OpenIndex,
  ids: readonly string[],
  options: ExistingOptions,
): Promise<number[]> {
  const last = new Map(ids.map((id, i) => [id, i]));
  const existing = await index.context.store.entries.list(index.run.id, {
    entryIds: [...last.keys()],
    states: ["indexed"],
  });
  const [first] = existing;
  if (first !== undefined) {
    const message = `${existing.length} of the ids are in index '${index.run.key}' already, such as '${first.entryId}'`;
    if (options.allowExisting === false) {
      throw new NearsightError({
        code: "ID_EXISTS",
        message,
        hint: "Leave allowExisting at true; overwrite says whether they are replaced or skipped",
        details: { ids: existing.slice(0, 10).map((entry) => entry.entryId) },
      });
    }
    if (options.warnExisting) index.context.warn(message);
    if (options.overwrite === false) for (const entry of existing) last.delete(entry.entryId);
  }
  return [...last.values()].sort((a, b) => a - b);
}

function assertShape(
  index: OpenIndex,
  vectors: Matrix<VectorData>,
  sampleIds: readonly string[],
  labelIds: readonly string[] | null,
): void {
  const isPatchIndex = index.run.config.patchesField !== null;
  if (isPatchIndex !== (labelIds !== null)) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: isPatchIndex
        ? `Index '${index.run.key}' holds patches: expected labelIds beside sampleIds`
        : `Index '${index.run.key}' holds whole samples: expected no labelIds`,
      hint: isPatchIndex
        ? "Call addToIndex(embeddings, sampleIds, labelIds)"
        : "Call addToIndex(embeddings, sampleIds)",
    });
  }
  const lengths = [sampleIds.length, ...(labelIds === null ? [] : [labelIds.length])];
  if (lengths.every((length) => length === vectors.rows)) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected one id for each of ${vectors.rows} vectors but found ${lengths.join(" and ")}`,
    hint: "Give as many ids as vectors, in the same order",
  });
}

function refused(index: OpenIndex, failed: readonly Failure[], asked: number): NearsightError {
  const [first] = failed;
  return new NearsightError({
    code: "WRITE_PARTIAL",
    message: `${failed.length} of ${asked} vectors were not indexed; '${first?.id}' ${first?.reason}`,
    hint: "Correct those vectors and add them again; the others are kept",
    details: { brainKey: index.run.key, failures: failed.length, failed: failed.slice(0, 100) },
  });
}

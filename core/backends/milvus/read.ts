/** Stored entries and ids, page by page in the order of their ids. */

import { Buffer } from "node:buffer";
import { throwIfAborted } from "../../errors.ts";
import { takeRows } from "../../matrix.ts";
import type { Batch, Selection } from "../backend.ts";
import { ahead } from "../remote/ahead.ts";
import { idChunks, selectedChunks } from "../remote/chunks.ts";
import { inHalves } from "../remote/halves.ts";
import type { Access } from "./access.ts";
import { isAfter, isAny, isBetween, isOneOf, isUpTo } from "./expression.ts";
import { CONDITION_BYTES, MAX_HITS, READ_BYTES, READ_ROWS, READS_AT_ONCE } from "./limits.ts";
import { batchOf, textsOf } from "./rows.ts";
import type { Layout } from "./schema.ts";

/** All entries. */
export async function* readEntries(access: Access, signal?: AbortSignal): AsyncGenerator<Batch> {
  const layout = await access.layout();
  const read = async (condition: string) =>
    batchOf(await access.query(condition, fieldNames(layout), { signal }), layout);
  for await (const batch of ahead(ranges(access, rowsOfPage(layout), signal), read, READS_AT_ONCE)) {
    if (batch.ids.length > 0) yield batch;
  }
}

/** Conditions that each meet so many neighbouring entries, and all of them together. */
async function* ranges(
  access: Access,
  rows: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const { fields } = await access.layout();
  for await (const ids of idPages(access, MAX_HITS, signal)) {
    for (let first = 0; first < ids.length; first += rows) {
      throwIfAborted(signal);
      const [from = "", to = ""] = [ids[first], ids[Math.min(first + rows, ids.length) - 1]];
      yield isBetween(fields.id, from, to);
    }
  }
}

/** The entries of these ids. */
export async function* readIds(
  access: Access,
  ids: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Batch> {
  const layout = await access.layout();
  for await (const some of idChunks([ids], rowsOfPage(layout), CONDITION_BYTES)) {
    throwIfAborted(signal);
    yield* await readPage(access, some, signal);
  }
}

/** The entries of one page of ids, in several batches where the ids or the entries are too long for one message. */
async function readPage(access: Access, ids: readonly string[], signal?: AbortSignal): Promise<Batch[]> {
  const layout = await access.layout();
  const found: Batch[] = [];
  await inHalves(ids, async (some) => {
    const condition = isOneOf(layout.fields.id, some);
    const batch = batchOf(await access.query(condition, fieldNames(layout), { signal }), layout);
    if (batch.ids.length > 0) found.push(inOrderOf(some, batch));
  });
  return found;
}

/**
 * All ids in ascending order, `limit` a page. Milvus gives the first rows by id to a query with a limit; that it did
 * is checked by counting, as milvus-lite gives any. There all ids are asked for at once.
 */
export async function* idPages(
  access: Access,
  limit: number,
  signal?: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const { fields } = await access.layout();
  const ask = async (condition: string, options: { limit?: number }) => {
    const { message } = await access.query(condition, [fields.id], { ...options, signal });
    return textsOf(message.fields_data, fields.id).toSorted(byBytes);
  };
  for (let condition = isAny(fields.id); ; ) {
    throwIfAborted(signal);
    const ids = await ask(condition, { limit });
    const last = ids.at(-1) ?? "";
    if (ids.length < limit) {
      if (ids.length > 0) yield ids;
      return;
    }
    const upTo = `${condition} and ${isUpTo(fields.id, last)}`;
    if ((await access.count(upTo, signal)) !== ids.length) {
      const rest = await ask(condition, {});
      for (let first = 0; first < rest.length; first += limit) yield rest.slice(first, first + limit);
      return;
    }
    yield ids;
    condition = isAfter(fields.id, last);
  }
}

/** The entries of a selection, in its order. */
export async function* readSelected(access: Access, selection: Selection): AsyncGenerator<Batch> {
  const layout = await access.layout();
  const chunks = selectedChunks(selection, rowsOfPage(layout), CONDITION_BYTES);
  const read = (ids: readonly string[]) => readPage(access, ids);
  for await (const batches of ahead(chunks, read, READS_AT_ONCE)) yield* batches;
}

function fieldNames({ fields }: Layout): string[] {
  return [fields.id, fields.vector, ...(fields.sampleId === null ? [] : [fields.sampleId])];
}

function rowsOfPage({ dimension, vectorType }: Layout): number {
  const bytes = vectorType === "bits" ? dimension / 8 : dimension * 4;
  return Math.max(1, Math.min(READ_ROWS, Math.floor(READ_BYTES / bytes)));
}

/** The server compares texts byte by byte, which differs from JavaScript's order above U+FFFF. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function inOrderOf(ids: readonly string[], batch: Batch): Batch {
  const rows = new Map(batch.ids.map((id, row) => [id, row]));
  const found = ids.filter((id) => rows.has(id));
  const places = found.map((id) => rows.get(id) ?? 0);
  return {
    ids: found,
    sampleIds: places.map((row) => batch.sampleIds[row] ?? ""),
    vectors: takeRows(batch.vectors, places),
  };
}

/** Changes to one collection's file: entries placed into blocks, and removed from them. */

import { matrix, type VectorData } from "../../matrix.ts";
import type { WriteReport } from "../backend.ts";
import { vectorFault } from "../checks.ts";
import { type IndexFile, keyOf } from "./file.ts";
import { type Header, rowBytes } from "./header.ts";

/** Entries to write; vectors row after row. */
export interface Entries {
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
  readonly data: VectorData;
}

/** Writes entries in one transaction, replacing those of the same id where they are. */
export function upsertEntries(file: IndexFile, entries: Entries): WriteReport {
  return file.write((header) => {
    const { rows, failed } = acceptedRows(header, entries);
    if (rows.size === 0) return { written: 0, failed };
    const placed = place(file, header, [...rows.keys()]);
    for (const [block, slots] of byBlock(placed.slots, header.rowsPerBlock)) {
      writeBlock(file, header, block, slots, (slot) => rows.get(placed.ids.get(slot) ?? "") ?? 0, entries);
    }
    writeHeader(file, header, {
      size: rows.size - placed.replaced,
      slots: placed.newSlots,
      sequence: placed.inserted,
    });
    return { written: rows.size, failed };
  });
}

/** Removes entries in one transaction; their vectors stay until the rows are used again. */
export function deleteEntries(file: IndexFile, ids: readonly string[]): WriteReport {
  return file.write((header) => {
    const slots: number[] = [];
    const remove = file.statement("DELETE FROM entries WHERE key = ? RETURNING slot");
    for (const id of ids) {
      const row = remove.get(keyOf(id));
      if (row !== undefined) slots.push(Number(row.slot));
    }
    if (slots.length === 0) return { written: 0, failed: [] };
    const freeSlot = file.statement("INSERT INTO holes VALUES (?)");
    for (const slot of slots) freeSlot.run(slot);
    for (const [block, freed] of byBlock(slots, header.rowsPerBlock)) emptyRows(file, header, block, freed);
    writeHeader(file, header, { size: -slots.length, slots: 0, sequence: 0 });
    return { written: slots.length, failed: [] };
  });
}

/** The row of each id that can be written, the last one of doubled ids, and why others cannot. */
function acceptedRows(header: Header, { ids, data }: Entries) {
  const vectors = matrix(data, header.dimension);
  const rows = new Map<string, number>();
  const failed: { id: string; reason: string }[] = [];
  ids.forEach((id, row) => {
    const reason = vectorFault(vectors.row(row), header);
    if (reason === null) rows.set(id, row);
    else failed.push({ id, reason });
  });
  return { rows, failed };
}

/** Finds each id's slot: its own, else a hole, else a new one at the end. */
function place(file: IndexFile, header: Header, ids: readonly string[]) {
  const slots: number[] = [];
  const owners = new Map<number, string>();
  const fresh: string[] = [];
  for (const id of ids) {
    const slot = file.slotOf(id);
    if (slot === undefined) fresh.push(id);
    else {
      slots.push(slot);
      owners.set(slot, id);
    }
  }
  const replaced = slots.length;
  const holes = file.statement("SELECT slot FROM holes ORDER BY slot LIMIT ?").all(fresh.length);
  const fill = file.statement("DELETE FROM holes WHERE slot = ?");
  const insert = file.statement("INSERT INTO entries VALUES (?, ?, ?)");
  fresh.forEach((id, i) => {
    const hole = holes[i]?.slot;
    const slot = hole === undefined ? header.slots + i - holes.length : Number(hole);
    if (hole !== undefined) fill.run(slot);
    insert.run(header.sequence + 1 + i, keyOf(id), slot);
    slots.push(slot);
    owners.set(slot, id);
  });
  return { slots, ids: owners, replaced, inserted: fresh.length, newSlots: fresh.length - holes.length };
}

function writeBlock(
  file: IndexFile,
  header: Header,
  block: number,
  slots: readonly number[],
  rowOf: (slot: number) => number,
  { ids, sampleIds, data }: Entries,
): void {
  const bytes = rowBytes(header);
  const first = block * header.rowsPerBlock;
  const entries = file.block(block) ?? { ids: [], sampleIds: [] };
  const before = entries.ids.length;
  const after = Math.max(before, ...slots.map((slot) => slot - first + 1));
  const vectors = new Uint8Array(after * bytes);
  // Rows of a block that is replaced as a whole need not be read back.
  if (before > 0 && slots.length < after) vectors.set(file.vectors(block, header, before));
  const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (const slot of slots) {
    const row = rowOf(slot);
    entries.ids[slot - first] = ids[row] ?? "";
    entries.sampleIds[slot - first] = sampleIds[row] ?? "";
    vectors.set(source.subarray(row * bytes, (row + 1) * bytes), (slot - first) * bytes);
  }
  const version = header.version + 1;
  file
    .statement("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?)")
    .run(block, version, version, JSON.stringify(entries.ids), JSON.stringify(entries.sampleIds));
  file.statement("INSERT OR REPLACE INTO vectors VALUES (?, ?)").run(block, vectors);
}

function emptyRows(file: IndexFile, header: Header, block: number, slots: readonly number[]): void {
  const entries = file.block(block);
  if (entries === undefined) throw file.corrupt(`Expected block ${block} but found none`);
  for (const slot of slots) {
    entries.ids[slot - block * header.rowsPerBlock] = null;
    entries.sampleIds[slot - block * header.rowsPerBlock] = "";
  }
  file
    .statement("UPDATE blocks SET version = ?, ids = ?, sample_ids = ? WHERE block = ?")
    .run(header.version + 1, JSON.stringify(entries.ids), JSON.stringify(entries.sampleIds), block);
}

function writeHeader(
  file: IndexFile,
  header: Header,
  grown: { size: number; slots: number; sequence: number },
): void {
  file
    .statement("UPDATE header SET version = ?, size = ?, slots = ?, sequence = ?")
    .run(
      header.version + 1,
      header.size + grown.size,
      header.slots + grown.slots,
      header.sequence + grown.sequence,
    );
}

function byBlock(slots: readonly number[], rowsPerBlock: number): Map<number, number[]> {
  const blocks = new Map<number, number[]>();
  for (const slot of slots) {
    const block = Math.floor(slot / rowsPerBlock);
    const list = blocks.get(block);
    if (list === undefined) blocks.set(block, [slot]);
    else list.push(slot);
  }
  return blocks;
}

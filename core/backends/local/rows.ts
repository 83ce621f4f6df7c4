/** Stored entries as batches: pages of the whole, or the rows of given ids. */

import type { VectorData } from "../../matrix.ts";
import type { BlockEntries, IndexFile } from "./file.ts";
import { type Header, rowBytes } from "./header.ts";
import type { RowsAnswer } from "./protocol.ts";
import type { Resident } from "./resident.ts";

/** Rows of one batch, fewer where vectors are so long that they would take more than the bytes. */
export const BATCH_ROWS = 1000;
const BATCH_BYTES = 16 << 20;

/** The entries after the given place in the order of insertion. */
export function pageRows(file: IndexFile, after: number): RowsAnswer {
  return file.read((header) => {
    const limit = Math.max(1, Math.min(BATCH_ROWS, Math.floor(BATCH_BYTES / rowBytes(header))));
    const { slots, last } = file.slotsAfter(after, limit);
    return readRows(file, header, slots, undefined, slots.length < limit ? null : last);
  });
}

/** The entries of the ids that exist, in the order of the ids. */
export function rowsOf(file: IndexFile, resident: Resident | undefined, ids: readonly string[]): RowsAnswer {
  return file.read((header) => {
    const slots = ids.map((id) => file.slotOf(id)).filter((slot) => slot !== undefined);
    const inMemory = resident?.fileRows === undefined && resident?.version === header.version;
    const current = inMemory ? resident : undefined;
    return readRows(file, header, slots, current, null);
  });
}

/** Copies rows from memory where it is current, else block by block from the file. */
function readRows(
  file: IndexFile,
  header: Header,
  slots: readonly number[],
  resident: Resident | undefined,
  next: number | null,
): RowsAnswer {
  const bytes = rowBytes(header);
  const buffer = new ArrayBuffer(slots.length * bytes);
  const data = new Uint8Array(buffer);
  const ids = new Array<string>(slots.length).fill("");
  const sampleIds = new Array<string>(slots.length).fill("");
  const read = blockReader(file, header);
  slots.forEach((slot, i) => {
    const row = resident === undefined ? read(slot) : fromMemory(resident, slot);
    data.set(row.vector, i * bytes);
    ids[i] = row.id;
    sampleIds[i] = row.sampleId;
  });
  const vectors: VectorData = header.vectorType === "bits" ? data : new Float32Array(buffer);
  return { ids, sampleIds, data: vectors, dimension: header.dimension, next };
}

interface Row {
  readonly id: string;
  readonly sampleId: string;
  readonly vector: Uint8Array;
}

function fromMemory(resident: Resident, slot: number): Row {
  return {
    id: resident.ids[slot] ?? "",
    sampleId: resident.sampleIds[slot] ?? "",
    vector: resident.row(slot),
  };
}

/** Reads rows, keeping the blocks it has seen: scattered ids often share one. */
function blockReader(file: IndexFile, header: Header): (slot: number) => Row {
  const bytes = rowBytes(header);
  const seen = new Map<number, { entries: BlockEntries; vectors: Uint8Array }>();
  return (slot) => {
    const number = Math.floor(slot / header.rowsPerBlock);
    let block = seen.get(number);
    if (block === undefined) {
      const entries = file.block(number);
      if (entries === undefined) throw file.corrupt(`Expected block ${number} but found none`);
      block = { entries, vectors: file.vectors(number, header, entries.ids.length) };
      if (seen.size >= 64) seen.clear(); // scattered ids: a block may hold one wanted row of many
      seen.set(number, block);
    }
    const row = slot % header.rowsPerBlock;
    const id = block.entries.ids[row];
    if (id === null || id === undefined)
      throw file.corrupt(`Expected an entry in slot ${slot} but found none`);
    return {
      id,
      sampleId: block.entries.sampleIds[row] ?? "",
      vector: block.vectors.subarray(row * bytes, (row + 1) * bytes),
    };
  };
}

/** Everything the worker thread does: one open file and one matrix for each collection in use. */

import { NearsightError } from "../../errors.ts";
import { rowLength, type VectorData, vectorProblem } from "../../matrix.ts";
import type { CollectionInfo, Columns, WriteReport } from "../backend.ts";
import { createFile, identityOf, listNames, type OpenedFile, openFile, removeFile } from "./folder.ts";
import type { Header } from "./header.ts";
import { type Kernel, loadKernel } from "./kernel/kernel.ts";
import type { Calls, RowsAnswer, SearchCall, WorkerSetup } from "./protocol.ts";
import { Resident } from "./resident.ts";
import { pageRows, rowsOf } from "./rows.ts";
import { type Allowed, searchResident } from "./search.ts";
import { Selections } from "./selections.ts";
import { deleteEntries, upsertEntries } from "./writes.ts";

interface OpenCollection extends OpenedFile {
  /** Made by the first search. */
  resident: Resident | undefined;
  readonly selections: Selections;
}

/** The handlers of the worker thread. */
export function engine({ folder, simd }: WorkerSetup): Calls & { close(): void } {
  const opened = new Map<string, OpenCollection>();
  let kernel: Kernel | undefined;

  function forget(name: string): void {
    opened.get(name)?.file.close();
    opened.delete(name);
  }

  /** The collection as it is on disk now: another process may have dropped it, or made it anew. */
  function use(name: string): OpenCollection {
    const known = opened.get(name);
    if (known !== undefined && known.identity === identityOf(folder, name)) return known;
    forget(name);
    const collection = { ...openFile(folder, name), resident: undefined, selections: new Selections() };
    opened.set(name, collection);
    return collection;
  }

  function residentOf(collection: OpenCollection, header: Header): Resident {
    kernel ??= loadKernel(!simd);
    collection.resident ??= new Resident(kernel, header);
    try {
      collection.resident.refresh(collection.file, header);
    } catch (error) {
      collection.resident = undefined; // it may be half loaded
      throw error;
    }
    return collection.resident;
  }

  return {
    create: ({ name, header, meta }) => createFile(folder, name, header, meta),
    open: ({ name }): void => void use(name),
    list: ({ prefix }) => listNames(folder, prefix),
    describe: ({ name }) => use(name).file.read(infoOf),
    upsert: ({ name, dimension, ...entries }) => {
      const { file } = use(name);
      checkVectors(name, file.read(infoOf), entries.data, dimension);
      return upsertEntries(file, entries);
    },
    delete: ({ name, ids }): WriteReport => deleteEntries(use(name).file, ids),
    page: ({ name, after }): RowsAnswer => pageRows(use(name).file, after),
    rows: ({ name, ids }): RowsAnswer => {
      const { file, resident } = use(name);
      return rowsOf(file, resident, ids);
    },
    search: (call): Columns[] | undefined => {
      const collection = use(call.name);
      const { file, selections } = collection;
      if (call.selection?.ids !== undefined) selections.put(call.selection.key, call.selection.ids);
      const prepared = file.read((header) => {
        checkVectors(call.name, header, call.queries, call.dimension);
        const queries = queriesOf(call, header);
        const resident = residentOf(collection, header);
        return { queries, resident, allowed: allowedOf(call, collection, resident) };
      });
      if (prepared.allowed === undefined) return undefined;
      const { resident, queries } = prepared;
      return searchResident(resident, queries, prepared.allowed, call).map(({ slots, distances }) => ({
        ids: Array.from(slots, (slot) => resident.ids[slot] ?? ""),
        sampleIds: Array.from(slots, (slot) => resident.sampleIds[slot] ?? ""),
        distances,
      }));
    },
    drop: ({ name }) => {
      forget(name);
      removeFile(folder, name);
    },
    close: () => {
      for (const name of [...opened.keys()]) forget(name);
    },
  };
}

function infoOf({ dimension, metric, vectorType, size }: Header): CollectionInfo {
  return { dimension, metric, vectorType, size };
}

function allowedOf(call: SearchCall, collection: OpenCollection, resident: Resident): Allowed | undefined {
  if (call.selection === undefined) return { mask: resident.live, count: resident.size };
  return collection.selections.get(call.selection.key, collection.file, resident);
}

/** The queries one by one; VECTOR_INVALID for those that have no distance. */
function queriesOf(call: SearchCall, header: Header): VectorData[] {
  const length = rowLength(call.queries, call.dimension);
  return Array.from({ length: call.queries.length / length }, (_, i) => {
    const query = call.queries.subarray(i * length, (i + 1) * length);
    const problem = vectorProblem(query, header.metric === "cosine");
    if (problem === null) return query;
    throw new NearsightError({
      code: "VECTOR_INVALID",
      message: `Expected a vector that has a ${header.metric} distance but query ${call.first + i} ${problem}`,
      hint: "Remove that query, or compute its vector again",
      details: { index: call.name, row: call.first + i },
    });
  });
}

function checkVectors(
  name: string,
  info: Omit<CollectionInfo, "size">,
  data: VectorData,
  dimension: number,
): void {
  const found = data instanceof Uint8Array ? "bits" : "float32";
  if (found !== info.vectorType) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected ${info.vectorType} vectors for index '${name}' but found ${found}`,
      hint:
        info.vectorType === "bits" ? "Give packed bits in a Uint8Array" : "Give numbers in a Float32Array",
      details: { index: name },
    });
  }
  if (dimension === info.dimension) return;
  const unit = info.vectorType === "bits" ? "bits" : "numbers";
  throw new NearsightError({
    code: "DIMENSION_MISMATCH",
    message: `Expected vectors of ${info.dimension} ${unit} for index '${name}' but found ${dimension}`,
    hint: "Use the model the index was made with, or make a new index",
    details: { index: name, expected: info.dimension, found: dimension },
  });
}

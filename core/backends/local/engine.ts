/** Everything the worker thread does: one open file and one matrix for each collection in use. */

import { NearsightError } from "../../errors.ts";
import { rowLength, type VectorData, vectorProblem } from "../../matrix.ts";
import type { CollectionInfo, WriteReport } from "../backend.ts";
import { checkVectors } from "../checks.ts";
import { createFile, identityOf, listNames, type OpenedFile, openFile, removeFile } from "./folder.ts";
import type { Header } from "./header.ts";
import { NeighborWalk } from "./neighbors.ts";
import type { Calls, RowsAnswer, SearchAnswer, SearchCall, WorkerSetup } from "./protocol.ts";
import { Residency } from "./residency.ts";
import type { Resident } from "./resident.ts";
import { pageRows, rowsOf } from "./rows.ts";
import { type Allowed, searchResident } from "./search.ts";
import { Selections } from "./selections.ts";
import { answerOf } from "./slot-names.ts";
import { deleteEntries, upsertEntries } from "./writes.ts";

interface OpenCollection extends OpenedFile {
  readonly selections: Selections;
}

/** The handlers of the worker thread. */
export function engine(setup: WorkerSetup): Calls & { close(): void } {
  const { folder } = setup;
  const opened = new Map<string, OpenCollection>();
  const residency = new Residency(setup);
  const walks = new Map<number, NeighborWalk>();

  function forget(name: string): void {
    opened.get(name)?.file.close();
    opened.delete(name);
    residency.forget(name);
  }

  /** The collection as it is on disk now: another process may have dropped it, or made it anew. */
  function use(name: string): OpenCollection {
    const known = opened.get(name);
    if (known !== undefined && known.identity === identityOf(folder, name)) return known;
    forget(name);
    const collection = { ...openFile(folder, name), selections: new Selections() };
    opened.set(name, collection);
    return collection;
  }

  /** Runs `work` on a collection in memory as its file is now; undefined where the selection's ids are wanted. */
  function searching<Result>(
    call: Pick<SearchCall, "name" | "selection">,
    check: (header: Header) => void,
    work: (resident: Resident, allowed: Allowed) => Result,
  ): Result | undefined {
    const { name, selection } = call;
    const { file, selections } = use(name);
    if (selection?.ids !== undefined) selections.put(selection.key, selection.ids);
    return file.read((header) => {
      check(header);
      const resident = residency.current(name, file, header);
      const allowed =
        selection === undefined
          ? { mask: undefined, count: resident.size }
          : selections.get(selection.key, file, resident);
      return allowed === undefined ? undefined : work(resident, allowed);
    });
  }

  return {
    create: ({ name, header, meta }) => createFile(folder, name, header, meta),
    open: ({ name }): void => void use(name),
    list: ({ prefix }) => listNames(folder, prefix),
    describe: ({ name }) => use(name).file.read(infoOf),
    upsert: ({ name, dimension, ...entries }) => {
      const { file } = use(name);
      checkVectors(name, { data: entries.data, dimension }, file.read(infoOf));
      return upsertEntries(file, entries);
    },
    delete: ({ name, ids }): WriteReport => deleteEntries(use(name).file, ids),
    page: ({ name, after }): RowsAnswer => pageRows(use(name).file, after),
    rows: ({ name, ids }): RowsAnswer => {
      return rowsOf(use(name).file, residency.peek(name), ids);
    },
    search: (call): SearchAnswer | undefined =>
      searching(
        call,
        (header) => checkQueries(call, header),
        (resident, allowed) => {
          const hits = searchResident(resident, queriesOf(call), allowed, call, residency.helpers);
          return answerOf(resident, hits, call.names);
        },
      ),
    neighbors: (call) =>
      searching(
        call,
        () => undefined,
        (resident, allowed) => {
          const walk = walks.get(call.walk) ?? new NeighborWalk(call);
          walks.set(call.walk, walk);
          return walk.next(resident, allowed, residency.helpers);
        },
      ),
    endNeighbors: ({ walk }) => void walks.delete(walk),
    drop: ({ name }) => {
      forget(name);
      removeFile(folder, name);
    },
    close: () => {
      for (const name of [...opened.keys()]) forget(name);
      residency.close();
    },
  };
}

function infoOf({ dimension, metric, vectorType, size }: Header): CollectionInfo {
  return { dimension, metric, vectorType, size };
}

/** The queries one by one. */
function queriesOf({ queries, dimension }: SearchCall): VectorData[] {
  const length = rowLength(queries, dimension);
  return Array.from({ length: queries.length / length }, (_, i) =>
    queries.subarray(i * length, (i + 1) * length),
  );
}

/** VECTOR_INVALID for queries that have no distance. */
function checkQueries(call: SearchCall, header: Header): void {
  checkVectors(call.name, { data: call.queries, dimension: call.dimension }, header);
  queriesOf(call).forEach((query, i) => {
    const problem = vectorProblem(query, header.metric === "cosine");
    if (problem === null) return;
    throw new NearsightError({
      code: "VECTOR_INVALID",
      message: `Expected a vector that has a ${header.metric} distance but query ${call.first + i} ${problem}`,
      hint: "Remove that query, or compute its vector again",
      details: { index: call.name, row: call.first + i },
    });
  });
}

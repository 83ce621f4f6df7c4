/** What the local backend and its worker thread say to each other. */

import type { VectorData } from "../../matrix.ts";
import type { CollectionInfo, Columns, WriteReport } from "../backend.ts";
import type { Header } from "./file.ts";

/** What a worker is started with. */
export interface WorkerSetup {
  readonly folder: string;
  readonly simd: boolean;
}

export interface SearchCall {
  readonly name: string;
  readonly queries: VectorData;
  readonly dimension: number;
  /** Number of the first query among those the user gave, for messages. */
  readonly first: number;
  readonly k: number | null;
  readonly reverse: boolean;
  readonly maxDistance: number;
  /** `ids` only when the worker said it does not know the key. */
  readonly selection: { readonly key: string; readonly ids?: readonly string[] } | undefined;
}

/** Rows of a collection; `data` row after row. */
export interface RowsAnswer {
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
  readonly data: VectorData;
  readonly dimension: number;
  /** Where the next page starts; null after the last. */
  readonly next: number | null;
}

/** Argument and answer of each call. */
export interface Calls {
  create: [{ name: string; header: Header; meta: string }, void];
  open: [{ name: string }, void];
  list: [{ prefix: string }, string[]];
  describe: [{ name: string }, CollectionInfo];
  upsert: [{ name: string; ids: string[]; sampleIds: string[]; data: VectorData; dimension: number }, WriteReport];
  delete: [{ name: string; ids: readonly string[] }, WriteReport];
  page: [{ name: string; after: number }, RowsAnswer];
  rows: [{ name: string; ids: readonly string[] }, RowsAnswer];
  /** Undefined where the selection's ids are wanted. */
  search: [SearchCall, Columns[] | undefined];
  drop: [{ name: string }, void];
}

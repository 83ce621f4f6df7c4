/** What the local backend and its worker thread say to each other. */

import type { VectorData } from "../../matrix.ts";
import type { CollectionInfo, WriteReport } from "../backend.ts";
import type { Header } from "./header.ts";
import type { Hits } from "./rank.ts";

/** What a worker is started with. */
export interface WorkerSetup {
  readonly folder: string;
  readonly simd: boolean;
  readonly memoryLimit: number;
  readonly threads: number;
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
  /** Leaves out the hits up to this one: where an earlier answer ended. */
  readonly after?: { readonly distance: number; readonly id: string } | undefined;
  /** `ids` only when the worker said it does not know the key. */
  readonly selection: { readonly key: string; readonly ids?: readonly string[] } | undefined;
  /** The names of slots that the caller has. */
  readonly names?: KnownNames | undefined;
}

/** Names of slots: of which collection in memory, and in which state of its file. */
export interface KnownNames {
  readonly serial: number;
  readonly version: number;
}

/** The names of slots that changed since what the caller knows, from slot `first` on in each part. */
export interface NamesUpdate extends KnownNames {
  readonly parts: readonly { readonly first: number; readonly entries: PackedEntries }[];
}

/** The hits of each query, with their names or as slots whose names the caller then knows. */
export type SearchAnswer =
  | { readonly packed: readonly PackedHits[] }
  | { readonly hits: readonly Hits[]; readonly names: NamesUpdate };

/** The next part of the neighbours of a collection's entries. */
export interface NeighborsCall extends Pick<SearchCall, "name" | "k" | "maxDistance" | "selection"> {
  /** The walk this part belongs to. */
  readonly walk: number;
}

/** Many hits as they cross threads: one string is moved faster than each id by itself. */
export interface PackedHits {
  readonly entries: PackedEntries;
  readonly distances: Float32Array;
}

export interface PackedEntries {
  readonly ids: PackedStrings;
  /** Undefined where every entry is a sample, whose two ids are equal. */
  readonly sampleIds: PackedStrings | undefined;
}

export interface PackedStrings {
  readonly text: string;
  /** Where each string ends. */
  readonly ends: Uint32Array;
}

export interface NeighborsAnswer {
  readonly entries: PackedEntries;
  readonly starts: Uint32Array;
  readonly neighbors: PackedHits;
  readonly done: boolean;
}

/** Entries to write in one transaction; `data` row after row. */
export interface UpsertCall {
  readonly name: string;
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
  readonly data: VectorData;
  readonly dimension: number;
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

/** What the worker thread does when asked. */
export interface Calls {
  create(argument: { name: string; header: Header; meta: string }): void;
  /** Fails unless there is such a collection. */
  open(argument: { name: string }): void;
  list(argument: { prefix: string }): string[];
  describe(argument: { name: string }): CollectionInfo;
  upsert(argument: UpsertCall): WriteReport;
  delete(argument: { name: string; ids: readonly string[] }): WriteReport;
  /** The entries after a place in the order of insertion, from 0. */
  page(argument: { name: string; after: number }): RowsAnswer;
  rows(argument: { name: string; ids: readonly string[] }): RowsAnswer;
  /** Undefined where the selection's ids are wanted. */
  search(argument: SearchCall): SearchAnswer | undefined;
  /** Undefined where the selection's ids are wanted. */
  neighbors(argument: NeighborsCall): NeighborsAnswer | undefined;
  /** Lets go of a walk that ended, or whose caller did. */
  endNeighbors(argument: { walk: number }): void;
  drop(argument: { name: string }): void;
}

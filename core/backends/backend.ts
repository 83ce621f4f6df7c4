/** The interface every vector backend implements, and the shapes that cross it. */

import type { Matrix, VectorData } from "../matrix.ts";
import type { CollectionHandle } from "./collection-handle.ts";
import type { EntryFilter, FieldValues, FilterField } from "./filter-fields.ts";
import type { Metric } from "./metric.ts";

/** Entries to write or read: `ids[i]` belongs to sample `sampleIds[i]` and has row `i` of `vectors`. */
export interface Batch {
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
  readonly vectors: Matrix<VectorData>;
  /** Values of filter fields, one for each entry: null for one without. Only for a collection made with such fields. */
  readonly fields?: readonly (FieldValues | null)[];
}

/** Hits of one query as columns, nearest first (farthest first if reversed); ties by id. */
export interface Columns {
  readonly ids: readonly string[];
  /** The same array as `ids` where a driver knows that both are equal. */
  readonly sampleIds: readonly string[];
  /** In the exact formula of `core/backends/metric.ts`: lower is closer. */
  readonly distances: Float32Array;
}

/**
 * The entries an operation is limited to. A driver may send the ids in chunks, or keep a bitmap under `key`, which
 * is equal for equal selections.
 */
export interface Selection {
  readonly size: number;
  readonly key: string;
  ids(): AsyncIterable<readonly string[]>;
}

/** What a backend can do, as data; what it claims works at the limit, what it does not claim throws. */
export interface Capabilities {
  readonly metrics: readonly Metric[];
  readonly defaultMetric: Metric;
  readonly vectorTypes: readonly ("float32" | "bits")[];
  /** Largest `k` of one server call, or null; larger ones are served through `scan`. */
  readonly maxK: number | null;
  readonly reverse: boolean;
  readonly radius: boolean;
  readonly exact: boolean;
  /** True where making writes visible costs a call of its own, so that it is better done once for many. Default false. */
  readonly publishes?: boolean;
  /** True where collections can be made with filter fields and have `searchWhere`. Default false. */
  readonly filterFields?: boolean;
}

/** What to make: `dimension` counts numbers, or bits for binary vectors. */
export interface CollectionSpec {
  readonly name: string;
  readonly dimension: number;
  readonly metric: Metric;
  readonly vectorType?: "float32" | "bits";
  /** Options of this backend, such as an index type. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Fields whose values are kept beside the vectors. */
  readonly filterFields?: readonly FilterField[];
  /** Small JSON facts kept with the collection. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

export interface CollectionInfo {
  readonly dimension: number;
  readonly metric: Metric;
  readonly vectorType: "float32" | "bits";
  /** Live entries, exact. */
  readonly size: number;
}

export interface WriteOptions {
  /**
   * `now` (default): once the call resolves, search, fetch and describe see the write, and what this collection
   * wrote `eventually` before it; a write of nothing does for that.
   */
  readonly visible?: "now" | "eventually";
  readonly signal?: AbortSignal | undefined;
}

/** Outcome of a write: entries written, and each refused one with its reason. */
export interface WriteReport {
  readonly written: number;
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
}

export interface SearchOptions {
  /** Number of hits wanted; `null` for the whole ranking. */
  readonly k: number | null;
  /** Farthest first. Default false. */
  readonly reverse?: boolean;
  /** Leaves out hits farther than this, in the metric's distance. */
  readonly maxDistance?: number | undefined;
  readonly within?: Selection | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Receives facts about the call for `view.explain()`: plain JSON, no vectors, no secrets. `exact: false` tells
   * of a call that was approximate.
   */
  readonly onExplain?: ((facts: Readonly<Record<string, unknown>>) => void) | undefined;
}

/** What is wanted of a search that a filter limits. */
export interface FilteredSearchOptions extends Pick<SearchOptions, "maxDistance" | "signal" | "onExplain"> {
  readonly k: number;
  readonly filter: EntryFilter;
}

/** Which neighbours of every entry are wanted. */
export interface NeighborOptions {
  /** At most so many for each entry, the nearest; `null` for all within `maxDistance`. */
  readonly k: number | null;
  /** Leaves out neighbours farther than this, in the metric's distance. */
  readonly maxDistance?: number | undefined;
  /** Limits the entries and their neighbours alike. */
  readonly within?: Selection | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The neighbours of some entries: those of `ids[i]` are hits `starts[i]` to `starts[i + 1]` of `neighbors`,
 * nearest first, ties by id, the entry itself left out.
 */
export interface Neighborhoods {
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
  /** One more number than there are ids. */
  readonly starts: Uint32Array;
  readonly neighbors: Columns;
}

/** One searchable set of entries inside a backend. */
export interface Collection {
  readonly name: string;
  describe(): Promise<CollectionInfo>;
  /** Writes entries, replacing those of the same id and touching no other; the last of doubled ids wins. */
  upsert(batches: AsyncIterable<Batch>, options?: WriteOptions): Promise<WriteReport>;
  /** Removes entries; unknown ids are fine and not counted. */
  delete(ids: AsyncIterable<readonly string[]>, options?: WriteOptions): Promise<WriteReport>;
  /** Stored entries, everything when no selection is given, in batches of bounded size. */
  fetch(select?: Selection): AsyncIterable<Batch>;
  /** One set of columns per query row. Fewer than `k` hits only when fewer exist. */
  search(queries: Matrix<VectorData>, options: SearchOptions): Promise<Columns[]>;
  /**
   * The nearest entries of one query that a filter leaves, of a collection made with `filterFields`. Null where the
   * index gave fewer than there are, so that another way has to be taken.
   */
  searchWhere?(query: Matrix<VectorData>, options: FilteredSearchOptions): Promise<Columns | null>;
  /** All hits of one query in order, page by page, exact. */
  scan(query: Matrix<VectorData>, options: Omit<SearchOptions, "k">): AsyncIterable<Columns>;
  /**
   * Every entry with its neighbours, in parts of bounded size; exact. Left out by a backend that has no way
   * faster than one search for each entry, which the brain then does.
   */
  neighbors?(options: NeighborOptions): AsyncIterable<Neighborhoods>;
  /**
   * What a check-up tells of the collection: plain JSON without secrets. `index` is the kind of index, `state`
   * whether it is finished, `indexedRows` how many entries it covers, `visibility` when writes are seen.
   */
  facts?(): Promise<BackendFacts>;
  /** For users: the server's collection with everything bound that a call needs, printable and without secrets. */
  handle?(): Promise<CollectionHandle>;
  /** Removes the collection with its data; fine if it is gone already. */
  drop(): Promise<void>;
}

/** Facts for a check-up, by name. */
export type BackendFacts = Readonly<
  Record<
    string,
    string | number | boolean | null | Readonly<Record<string, string | number | boolean | null>>
  >
>;

/** A place that keeps vectors and finds the nearest ones. */
export interface Backend<Client = unknown> {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Makes a collection; INDEX_EXISTS if the name is taken, METRIC_NOT_SUPPORTED, INVALID_ARGUMENT. */
  create(spec: CollectionSpec): Promise<Collection>;
  /** Opens a collection; INDEX_NOT_FOUND if there is none of that name. */
  open(name: string): Promise<Collection>;
  list(prefix?: string): Promise<string[]>;
  /** The connected client of the SDK, for users. */
  client(): Promise<Client>;
  /** What a check-up tells of the server: plain JSON without secrets, `version` and `limits` above all. */
  facts?(): Promise<BackendFacts>;
  close(): Promise<void>;
}

/** What a backend needs to know besides its own options. */
export interface BackendPlace {
  /** Folder of the installation's store. */
  readonly home: string;
}

/** Makes a connected backend. */
export interface BackendDriver {
  readonly name: string;
  /** Options that say where the backend is or who asks; they are never stored with a run. */
  readonly connectionOptions: readonly string[];
  /** Options that say what to make. */
  readonly indexOptions: readonly string[];
  connect(place: BackendPlace, options: Readonly<Record<string, unknown>>): Promise<Backend>;
}

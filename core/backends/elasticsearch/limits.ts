/** What an Elasticsearch server takes at once, and how this driver keeps within it. */

/** Most `num_candidates`, and so most hits, of one kNN search (a constant of `KnnSearchBuilder`). */
export const MAX_HITS = 10_000;
/**
 * Most entries a filter may leave for a search to be exact: Lucene compares one by one what is no more than
 * `num_candidates` (`AbstractKnnVectorQuery`).
 */
export const EXACT_ENTRIES = 10_000;
/** Default of `index.max_terms_count`; parts of a view are smaller. */
export const MAX_TERMS = 65_536;
/** `_id` is refused above it (`IdFieldMapper`). */
export const MAX_ID_BYTES = 512;
/** Longest term of Lucene, which a keyword is; longer sample ids are refused. */
export const MAX_SAMPLE_ID_BYTES = 32_766;
/** `MetadataCreateIndexService.MAX_INDEX_NAME_BYTES`. */
export const MAX_NAME_BYTES = 255;
/** `dims` of a dense_vector of numbers; of one of bits eight times as many. */
export const MAX_DIMENSION = 4096;

/**
 * Candidates of an approximate search: so many times k, and at least so many. With 400 the graph misses 2.6 % of the
 * nearest 25 of 20,000 even vectors of 64 numbers, with 1,000 less than 1 %, in nearly the same time.
 */
export const CANDIDATES_PER_HIT = 4;
export const LEAST_CANDIDATES = 1000;
/** Of a search with a condition: so many times as many. */
export const FILTERED_WIDENING = 2;
/** So many times as many hits are asked for where some as near as the last one may be missing. */
export const WIDENING = 4;
/**
 * A quantised index looks at so many times k raw vectors, and at no fewer than an approximate search has candidates.
 * The server's own 3 for bbq finds 88 % of the nearest 1,000 among 20,000 clustered vectors of 64 numbers.
 */
export const OVERSAMPLE = 10;
/** Views of a quantised index up to this size are compared with raw vectors only. */
export const SMALL_VIEW = 1000;

/** Bytes and entries of one bulk; `http.max_content_length` is 100 MB, but small bodies overlap better. */
export const WRITE_BYTES = 2 << 20;
export const WRITE_ROWS = 4000;
/** Bulks under way at once. */
export const WRITES_AT_ONCE = 2;
/** Ids of one bulk of deletions. */
export const DELETE_IDS = 5000;
/** Entries of one page that is read. */
export const READ_ROWS = 1000;
/** Pages that are read at once. */
export const READS_AT_ONCE = 2;
/** Parts of an exact search at once. */
export const PARTS_AT_ONCE = 2;
/** Queries of one multi-search, and most hits of all of them. */
export const SEARCH_QUERIES = 32;
export const SEARCH_HITS = 65_536;
/** Hits per page of a scan. */
export const PAGE_HITS = 1000;
/** How long the server keeps a view of the index between two pages. */
export const KEEP_ALIVE = "2m";
/**
 * Indexes are refreshed by each job that writes, so that the server need not do it every second: each time makes a
 * segment with a graph of its own. It is what `visible: "eventually"` waits for at most.
 */
export const REFRESH_INTERVAL = "30s";
/** `index.version.created` from which vectors may be base64 text; 9.5.3 makes it, 8.19.21 (8,537,000) takes lists only. */
export const BASE64_VERSION = 9_111_000;
/** `index.version.created` below which `_source` always holds the vectors. */
export const SOURCE_VERSION = 9_000_000;

/** How long calls are tried again while the server does not answer, in milliseconds. */
export interface Patience {
  /** A call that reads. */
  readonly read: number;
  /** A call that writes. */
  readonly write: number;
  /** One attempt. */
  readonly attempt: number;
}

export const PATIENCE: Patience = { read: 5000, write: 60_000, attempt: 120_000 };

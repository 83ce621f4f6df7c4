/** What a Milvus server takes at once, and how this driver keeps within it. */

/** Most hits, rows and queries of one call (`quotaAndLimits.limits.topK` and `maxQueryResultWindow`). */
export const MAX_HITS = 16_384;
/** Longest text a VARCHAR field of FiftyOne's schema holds, in bytes; the server's own limit is 65,535. */
export const MAX_ID_BYTES = 64_000;
/** `proxy.maxNameLength`: longer names are refused. */
export const MAX_NAME_LENGTH = 255;
/** `proxy.maxDimension`. */
export const MAX_DIMENSION = 32_768;
/** Largest `ef` of HNSW: a search asks for at most half as many hits as it looks at. */
export const MAX_EF = 32_768;
/** Largest `nprobe` and `nlist` of IVF. */
export const MAX_LISTS = 65_536;
/** `proxy.grpc.serverMaxRecvSize`: messages above it are answered RESOURCE_EXHAUSTED. */
export const MAX_MESSAGE_BYTES = 64 << 20;
/** Segments below it are never indexed but compared one by one (`indexCoord.segment.minSegmentNumRowsToEnableIndex`). */
export const LEAST_INDEXED_ROWS = 1024;

/** Entries of one write: far below the message limit, and long enough that a call costs little beside its vectors. */
export const WRITE_ROWS = 4000;
export const WRITE_BYTES = 4 << 20;
/** Writes under way at once. */
export const WRITES_AT_ONCE = 3;
/** Ids of one condition: the server takes some 30 ms for each 1,000. */
export const CONDITION_IDS = 16_384;
export const CONDITION_BYTES = 8 << 20;
/** Entries of one page that is read; a page stays far below what a server sends at once. */
export const READ_ROWS = 1000;
export const READ_BYTES = 8 << 20;
/** Pages that are read at once. */
export const READS_AT_ONCE = 2;
/** Parts of an exact search at once. */
export const PARTS_AT_ONCE = 2;
/** Hits of all queries of one search call. */
export const SEARCH_HITS = 1 << 18;
/** Queries of one search call; `quotaAndLimits.limits.nq` is the same number as that of hits. */
export const SEARCH_QUERIES = 1000;
/** Views up to this size are searched exactly, by their ids. */
export const SMALL_VIEW = 1000;
/**
 * Hits that a search with a condition looks wide enough for: so many times k, and at least so many. A graph is walked
 * through entries that do not meet it: with `ef` 512, 6 % of the nearest 100 of a tenth of 50,000 random vectors are missed.
 */
export const FILTERED_WIDENING = 4;
export const FILTERED_BREADTH = 1024;
/** Rows written since the last flush from which one is asked for, so that they become an indexed segment. */
export const FLUSH_ROWS = 4096;
/** Hits per page of a scan. */
export const PAGE_HITS = 1000;

/** How long calls are tried again while the server does not answer, in milliseconds. */
export interface Patience {
  /** The first call. */
  readonly connect: number;
  /** Each later one. */
  readonly call: number;
  /** One attempt. */
  readonly attempt: number;
}

export const PATIENCE: Patience = { connect: 10_000, call: 60_000, attempt: 60_000 };
/** A cluster of Zilliz Cloud that was suspended takes minutes to answer. */
export const ZILLIZ_PATIENCE: Patience = { connect: 300_000, call: 60_000, attempt: 60_000 };
/** Loading a collection, building its index. */
export const PREPARE_MS = 600_000;

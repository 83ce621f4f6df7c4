/** Kinds of index a Milvus collection may have: what they are made with, and how they are searched for k hits. */

import { NearsightError } from "../../errors.ts";
import type { Metric } from "../metric.ts";
import { MAX_EF, MAX_HITS, MAX_LISTS } from "./limits.ts";

/** Index options of a collection, checked and filled in. */
export interface IndexSetup {
  readonly indexType: string;
  readonly indexParams: Readonly<Record<string, unknown>>;
  readonly searchParams: Readonly<Record<string, unknown>>;
  readonly consistencyLevel: ConsistencyLevel;
}

export const CONSISTENCY_LEVELS = ["Strong", "Session", "Bounded", "Eventually"] as const;
export type ConsistencyLevel = (typeof CONSISTENCY_LEVELS)[number];

/** Names a parameter that belongs to searching; the server's own names. */
const SEARCH_NAMES: readonly string[] = ["ef", "nprobe", "reorder_k", "search_list", "level"];

const DEFAULT_LISTS = 1024;

/** Parameters by kind of index where none are given. Others of the server's kinds have its own defaults. */
const DEFAULTS: Readonly<Record<string, (dimension: number) => Readonly<Record<string, unknown>>>> = {
  HNSW: () => ({ M: 32, efConstruction: 256 }),
  IVF_FLAT: () => ({ nlist: DEFAULT_LISTS }),
  IVF_SQ8: () => ({ nlist: DEFAULT_LISTS }),
  IVF_PQ: (dimension) => ({ nlist: DEFAULT_LISTS, m: subspaces(dimension), nbits: 8 }),
  SCANN: () => ({ nlist: DEFAULT_LISTS, with_raw_data: true }),
  BIN_IVF_FLAT: () => ({ nlist: 128 }),
};

/** Checks the index options of a spec; INVALID_ARGUMENT. */
export function indexOptionsOf(
  { indexType, indexParams, searchParams, consistencyLevel, ...others }: Readonly<Record<string, unknown>>,
  dimension: number,
  vectorType: "float32" | "bits",
): IndexSetup {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw refused(`Expected index options of Milvus (${OPTION_NAMES.join(", ")}) but found '${unknown}'`);
  }
  const kind = kindOf(indexType, vectorType);
  const given = objectOf("indexParams", indexParams);
  const ofSearch = Object.entries(given).filter(([name]) => SEARCH_NAMES.includes(name));
  const ofIndex = Object.entries(given).filter(([name]) => !SEARCH_NAMES.includes(name));
  return {
    indexType: kind,
    indexParams: { ...DEFAULTS[kind]?.(dimension), ...Object.fromEntries(ofIndex) },
    searchParams: { ...Object.fromEntries(ofSearch), ...objectOf("searchParams", searchParams) },
    consistencyLevel: levelOf(consistencyLevel),
  };
}

const OPTION_NAMES: readonly string[] = ["indexType", "indexParams", "searchParams", "consistencyLevel"];

/**
 * Search parameters for `k` hits, those given by the user over those chosen here. The more is looked at the
 * fewer hits are missed: twice as much as is asked for, and never little. `breadth` is for searches that need a wider
 * look than their `k` does.
 */
export function searchParamsFor(
  indexType: string,
  { nlist }: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
  k: number,
  breadth = k,
): Readonly<Record<string, unknown>> {
  const chosen = chosenParams(indexType, Number(nlist ?? DEFAULT_LISTS), breadth);
  const all = { ...chosen, ...given };
  // The server refuses to look at less than it shall give.
  if (typeof all.ef === "number" && all.ef < k) return { ...all, ef: k };
  return all;
}

/**
 * A radius beyond every distance. Entries that are not indexed yet lie in a provisional IVF index of the server, of
 * which a search looks at an eighth whatever it asks for; a search within a radius looks at all of it.
 */
export function allWithin(indexType: string, metric: Metric): Readonly<Record<string, unknown>> {
  const radius = BEYOND[metric];
  return radius === undefined || !RANGED_TYPES.includes(indexType) ? {} : { radius };
}

/** Cosines are never below -1; bits have no provisional index. */
const BEYOND: Partial<Readonly<Record<Metric, number>>> = { cosine: -2, dotproduct: -1e30, euclidean: 1e30 };
const RANGED_TYPES: readonly string[] = ["HNSW", "FLAT", "IVF_FLAT", "IVF_SQ8", "AUTOINDEX"];

const LEAST_EF = 512;
/** SCANN compares so many by their vectors; among 20,480 random ones 200 miss a tenth of the nearest 25. */
const LEAST_REORDERED = 2000;

/**
 * Kinds that compare codes and give their distances: SQ of a byte for each number, the others of a few bits. SCANN
 * is none of them, for it compares what it found once more by the vectors.
 */
const SCALAR_CODES = /_SQ/;
const SHORT_CODES = /_(?:PQ|PRQ|RABITQ)/;

/** True where distances of hits are those of codes. */
export function isQuantised(indexType: string): boolean {
  return SCALAR_CODES.test(indexType) || SHORT_CODES.test(indexType);
}

/** Hits to ask for so that the nearest `k` by their vectors are most likely among the nearest by codes. */
export function candidates(indexType: string, k: number): number {
  if (!isQuantised(indexType)) return k;
  return Math.max(LEAST_CANDIDATES, (SHORT_CODES.test(indexType) ? 10 : 2) * k);
}

const LEAST_CANDIDATES = 200;

function chosenParams(indexType: string, nlist: number, k: number): Readonly<Record<string, unknown>> {
  if (indexType.startsWith("HNSW") || indexType === "AUTOINDEX") {
    return { ef: Math.min(MAX_EF, Math.max(LEAST_EF, 2 * k)) };
  }
  if (indexType.includes("IVF") || indexType === "SCANN") {
    const nprobe = Math.min(MAX_LISTS, Math.max(1, Math.ceil(nlist / 2)));
    return indexType === "SCANN"
      ? { nprobe, reorder_k: Math.min(MAX_HITS, Math.max(LEAST_REORDERED, 4 * k)) }
      : { nprobe };
  }
  return indexType === "DISKANN" ? { search_list: Math.max(100, 2 * k) } : {};
}

/** The most parts of PQ that divide a vector into at least four numbers each. */
function subspaces(dimension: number): number {
  for (let parts = Math.floor(dimension / 4); parts > 1; parts--) if (dimension % parts === 0) return parts;
  return 1;
}

function kindOf(indexType: unknown, vectorType: "float32" | "bits"): string {
  const isBits = vectorType === "bits";
  const kind = indexType ?? (isBits ? "BIN_FLAT" : "HNSW");
  if (typeof kind !== "string" || !/^[A-Za-z][A-Za-z0-9_]*$/.test(kind)) {
    throw refused(`Expected indexType to be a name such as HNSW but found ${JSON.stringify(kind)}`);
  }
  const name = kind.toUpperCase();
  if (name.startsWith("BIN_") === isBits || name === "AUTOINDEX") return name;
  throw refused(
    isBits
      ? `Expected an indexType for bits (BIN_FLAT, BIN_IVF_FLAT) but found '${name}'`
      : `Expected an indexType for float32 vectors such as HNSW but found '${name}'`,
  );
}

function levelOf(level: unknown): ConsistencyLevel {
  const found = CONSISTENCY_LEVELS.find((name) => name === (level ?? "Session"));
  if (found !== undefined) return found;
  throw refused(
    `Expected consistencyLevel to be ${CONSISTENCY_LEVELS.join(", ")} but found ${JSON.stringify(level)}`,
  );
}

function objectOf(option: string, value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw refused(`Expected ${option} to be an object such as { "M": 16 } but found ${JSON.stringify(value)}`);
}

function refused(message: string): NearsightError {
  return new NearsightError({ code: "INVALID_ARGUMENT", message, hint: "Change that option of the index" });
}

/** The methods that add a stage: each returns a new view at once and reads nothing. */

import { randomInt } from "node:crypto";
import type { Filter } from "../filter.ts";
import type { SortBySimilarityStage, Stage } from "../stages.ts";
import type { ConnectionOptions, SortBySimilarityOptions } from "./brain-port.ts";
import { plainFilter } from "./field.ts";
import type { Patch, Sample } from "./sample.ts";
import { type SimilarityInput, toSimilarityQuery } from "./similarity-port.ts";
import type { DatasetView } from "./view.ts";

/** Seeds that are not given are drawn below this. */
const SEEDS = 2 ** 31;

/** Rows to name: ids, or samples (patches on a patches view). */
export type RowsInput = string | { readonly id: string } | Iterable<string | { readonly id: string }>;

export abstract class StageMethods<Row extends Sample | Patch = Sample> {
  /** The view after one more stage, given as JSON; the other methods build it for you. */
  abstract addStage<Next extends Sample | Patch = Row>(stage: Stage): DatasetView<Next>;

  /** The view after a search stage; what it connects with stays outside the stages. */
  protected abstract addSearch(
    stage: SortBySimilarityStage,
    connection: ConnectionOptions | undefined,
  ): DatasetView<Row>;

  /**
   * Rows the filter holds for.
   *
   * @example
   * dataset.match(F("uniqueness").gt(0.5).and(F("tags").contains("train")));
   */
  match(filter: Filter): DatasetView<Row> {
    return this.addStage({ stage: "match", filter: plainFilter(filter) });
  }

  /** Rows with any of the tags; with all of them; or (`not`) the others. */
  matchTags(
    tags: string | readonly string[],
    options: { all?: boolean; not?: boolean } = {},
  ): DatasetView<Row> {
    return this.addStage({
      stage: "matchTags",
      tags: typeof tags === "string" ? [tags] : [...tags],
      ...options,
    });
  }

  /** Keeps the labels the filter holds for, and (`onlyMatches`, default true) samples that have any. */
  filterLabels(field: string, filter: Filter, options: { onlyMatches?: boolean } = {}): DatasetView<Row> {
    return this.addStage({ stage: "filterLabels", field, filter: plainFilter(filter), ...options });
  }

  /** Keeps the labels with these ids, and the samples that have any. */
  selectLabels(field: string, ids: readonly string[]): DatasetView<Row> {
    return this.addStage({ stage: "selectLabels", field, ids: [...ids] });
  }

  /** Only these rows; with `ordered` in the order given. Ids that are not in the view are left out. */
  select(rows: RowsInput, options: { ordered?: boolean } = {}): DatasetView<Row> {
    return this.addStage({ stage: "select", ids: toIds(rows), ...options });
  }

  /** All but these rows. */
  exclude(rows: RowsInput): DatasetView<Row> {
    return this.addStage({ stage: "exclude", ids: toIds(rows) });
  }

  /** Rows where the field is set, or (`not`) where it is not. */
  exists(field: string, options: { not?: boolean } = {}): DatasetView<Row> {
    return this.addStage({ stage: "exists", field, ...options });
  }

  /** Sorts by a field: missing values first, last if reversed; ties keep their order. */
  sortBy(field: string, options: { reverse?: boolean } = {}): DatasetView<Row> {
    return this.addStage({ stage: "sortBy", field, ...options });
  }

  /** All rows at random; the same order for the same seed. Default seed: a new one, kept in the stage. */
  shuffle(options: { seed?: number } = {}): DatasetView<Row> {
    return this.addStage({ stage: "shuffle", seed: options.seed ?? randomInt(SEEDS) });
  }

  /** `size` rows at random, in random order; the same for the same seed. */
  take(size: number, options: { seed?: number } = {}): DatasetView<Row> {
    return this.addStage({ stage: "take", size, seed: options.seed ?? randomInt(SEEDS) });
  }

  /** The first rows. */
  limit(count: number): DatasetView<Row> {
    return this.addStage({ stage: "limit", count });
  }

  /** All but the first rows. */
  skip(count: number): DatasetView<Row> {
    return this.addStage({ stage: "skip", count });
  }

  /** One row per object of a Detections field. */
  toPatches(field: string): DatasetView<Patch> {
    return this.addStage<Patch>({ stage: "toPatches", field });
  }

  /**
   * Sorts by similarity to ids, vectors, prompts or images; the search runs when the view is first read.
   * Then throws RUN_NOT_FOUND, RUN_AMBIGUOUS, ID_NOT_FOUND, PROMPTS_UNSUPPORTED or DIMENSION_MISMATCH, and
   * AUTHENTICATION_FAILED on a server that asks for credentials which `connection` or the configuration lack.
   *
   * @example
   * const view = dataset.sortBySimilarity("a red car", { k: 10, brainKey: "images" });
   */
  sortBySimilarity(query: SimilarityInput, options: SortBySimilarityOptions = {}): DatasetView<Row> {
    const { connection, ...stage } = options;
    return this.addSearch(
      { stage: "sortBySimilarity", query: toSimilarityQuery(query), ...defined(stage) },
      connection,
    );
  }
}

/** The ids named, in their order. */
export function toIds(rows: RowsInput): string[] {
  if (typeof rows === "string") return [rows];
  if (Symbol.iterator in rows) return Array.from(rows, idOf);
  return [rows.id];
}

function idOf(row: string | { readonly id: string }): string {
  return typeof row === "string" ? row : row.id;
}

/** Without the options that are undefined, so that the stage stays plain JSON. */
function defined<Options extends object>(options: Options): Defined<Options> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Defined<Options>;
}

type Defined<Options> = { [Name in keyof Options]: Exclude<Options[Name], undefined> };

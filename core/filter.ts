/** The syntax tree of filters: plain JSON, shared by views, saved views, the command line and backends. */

/** A value a filter compares with. */
export type FilterValue = string | number | boolean | null;

/** Comparisons of one field with one value. */
export const COMPARISONS = ["eq", "ne", "lt", "lte", "gt", "gte"] as const;
export type Comparison = (typeof COMPARISONS)[number];

/**
 * A condition on a sample, or on one label inside `labels` and `filterLabels`.
 *
 * - `compare`: a missing or null field is never less, greater or equal to a value; `ne` holds for it.
 * - `in`: one of `values`. `exists`: present and not null. `contains`: a list field (tags) holds the value.
 * - `startsWith`, `matches` (part of the text, case ignored) on text fields.
 * - `labels`: at least one label of a Detections or Classification field satisfies `where`.
 *
 * Field paths use dots: `"uniqueness"`, `"metadata.width"`, `"label"`, `"confidence"`, `"tags"`, `"id"`.
 */
export type Filter =
  | { op: "compare"; field: string; comparison: Comparison; value: FilterValue }
  | { op: "in"; field: string; values: readonly FilterValue[] }
  | { op: "exists"; field: string }
  | { op: "contains"; field: string; value: FilterValue }
  | { op: "startsWith"; field: string; value: string }
  | { op: "matches"; field: string; value: string }
  | { op: "labels"; field: string; where: Filter }
  | { op: "and"; filters: readonly Filter[] }
  | { op: "or"; filters: readonly Filter[] }
  | { op: "not"; filter: Filter };

/** Filters nested deeper than this are refused, so that hostile input cannot exhaust a parser's stack. */
export const MAX_FILTER_DEPTH = 32;

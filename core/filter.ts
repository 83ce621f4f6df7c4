/** The syntax tree of filters: plain JSON, shared by views, saved views, the command line and backends. */

import { z } from "zod";

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

// Databases keep UTF-8, in which half a surrogate pair would become, and then equal, another character.
const text = z.string().refine((value) => value.isWellFormed(), "Half of a surrogate pair");
const value = z.union([text, z.number().finite(), z.boolean(), z.null()]);
const field = text.min(1).max(256);

/** Checks a filter that comes from outside (JSON). */
export const filterSchema: z.ZodType<Filter> = z.lazy(() =>
  z.discriminatedUnion("op", [
    z.strictObject({ op: z.literal("compare"), field, comparison: z.enum(COMPARISONS), value }),
    z.strictObject({ op: z.literal("in"), field, values: z.array(value) }),
    z.strictObject({ op: z.literal("exists"), field }),
    z.strictObject({ op: z.literal("contains"), field, value }),
    z.strictObject({ op: z.literal("startsWith"), field, value: text }),
    z.strictObject({ op: z.literal("matches"), field, value: text }),
    z.strictObject({ op: z.literal("labels"), field, where: filterSchema }),
    z.strictObject({ op: z.literal("and"), filters: z.array(filterSchema) }),
    z.strictObject({ op: z.literal("or"), filters: z.array(filterSchema) }),
    z.strictObject({ op: z.literal("not"), filter: filterSchema }),
  ]),
);

/** The schema of filters that come from outside. */

import * as z from "zod";
import { COMPARISONS, type Filter } from "../filter.ts";
import { once } from "../once.ts";

// Databases keep UTF-8, in which half a surrogate pair would become, and then equal, another character.
export const wellFormedText = () =>
  z.string().refine((value) => value.isWellFormed(), "Half of a surrogate pair");
export const fieldPath = () => wellFormedText().min(1).max(256);

/** Checks a filter that comes from outside (JSON). */
export const filterSchema = once((): z.ZodType<Filter> => z.lazy(conditions));

const conditions = once(() => {
  const [field, filter] = [fieldPath(), filterSchema()];
  const value = z.union([wellFormedText(), z.number().finite(), z.boolean(), z.null()]);
  return z.discriminatedUnion("op", [
    z.strictObject({ op: z.literal("compare"), field, comparison: z.enum(COMPARISONS), value }),
    z.strictObject({ op: z.literal("in"), field, values: z.array(value) }),
    z.strictObject({ op: z.literal("exists"), field }),
    z.strictObject({ op: z.literal("contains"), field, value }),
    z.strictObject({ op: z.literal("startsWith"), field, value: wellFormedText() }),
    z.strictObject({ op: z.literal("matches"), field, value: wellFormedText() }),
    z.strictObject({ op: z.literal("labels"), field, where: filter }),
    z.strictObject({ op: z.literal("and"), filters: z.array(filter) }),
    z.strictObject({ op: z.literal("or"), filters: z.array(filter) }),
    z.strictObject({ op: z.literal("not"), filter }),
  ]);
});

/** The schema of view stages that come from outside. Making it takes longer than checking thousands of stages. */

import * as z from "zod";
import { once } from "../once.ts";
import { AGGREGATIONS, type SimilarityQuery, type Stage } from "../stages.ts";
import { fieldPath, filterSchema, wellFormedText } from "./filter-schema.ts";

/** Checks one stage that comes from outside. */
export const stageSchema = once((): z.ZodType<Stage> => {
  const [field, ids] = [fieldPath(), z.array(wellFormedText())];
  const flag = z.boolean().optional();
  const count = z.number().int().min(0);
  const seed = z.number().int();
  return z.discriminatedUnion("stage", [
    z.strictObject({ stage: z.literal("match"), filter: filterSchema() }),
    z.strictObject({ stage: z.literal("matchTags"), tags: z.array(wellFormedText()), all: flag, not: flag }),
    z.strictObject({ stage: z.literal("filterLabels"), field, filter: filterSchema(), onlyMatches: flag }),
    z.strictObject({ stage: z.literal("selectLabels"), field, ids }),
    z.strictObject({ stage: z.literal("select"), ids, ordered: flag }),
    z.strictObject({ stage: z.literal("exclude"), ids }),
    z.strictObject({ stage: z.literal("exists"), field, not: flag }),
    z.strictObject({ stage: z.literal("sortBy"), field, reverse: flag }),
    z.strictObject({ stage: z.literal("shuffle"), seed }),
    z.strictObject({ stage: z.literal("take"), size: count, seed }),
    z.strictObject({ stage: z.literal("limit"), count }),
    z.strictObject({ stage: z.literal("skip"), count }),
    z.strictObject({ stage: z.literal("toPatches"), field }),
    z.strictObject({
      stage: z.literal("sortBySimilarity"),
      query: similarityQuerySchema(),
      k: z.number().int().min(1).optional(),
      reverse: flag,
      maxDistance: z.number().finite().optional(),
      aggregation: z.enum(AGGREGATIONS).optional(),
      distField: field.refine((name) => name !== "__proto__", "A name with a meaning of its own").optional(),
      brainKey: wellFormedText().min(1).optional(),
    }),
  ]) as z.ZodType<Stage>;
});

/** Checks a tagged query. */
function similarityQuerySchema(): z.ZodType<SimilarityQuery> {
  const vector = z.array(z.number().finite()).min(1);
  const simpleFields = [
    z.strictObject({ id: z.string() }),
    z.strictObject({ ids: z.array(wellFormedText()).min(1) }),
    z.strictObject({ vector }),
    z.strictObject({ vectors: z.array(vector).min(1) }),
    z.strictObject({ prompt: z.string() }),
    z.strictObject({ prompts: z.array(z.string()).min(1) }),
    z.strictObject({ image: z.union([z.string(), z.instanceof(Uint8Array)]) }),
  ] as const;
  const weight = z.number().finite().optional();
  const simple = z.union(simpleFields);
  const term = z.union([
    ...simpleFields.map((one) => one.extend({ weight })),
    z.strictObject({ not: simple, weight }),
  ]);
  return z.union([
    simple,
    z.strictObject({ combine: z.array(term).min(1), by: z.enum(["mean", "rank"]).optional() }),
  ]) as z.ZodType<SimilarityQuery>;
}

/** The schemas of view stages that come from outside. Making them all takes longer than checking thousands of stages. */

import * as z from "zod";
import { once } from "../once.ts";
import { AGGREGATIONS, type SimilarityQuery, type Stage } from "../stages.ts";
import { fieldPath, filterSchema, wellFormedText } from "./filter-schema.ts";

const flag = () => z.boolean().optional();
const count = () => z.number().int().min(0);
const seed = () => z.number().int();
const ids = () => z.array(wellFormedText());

function stageOf<Name extends Stage["stage"], Shape extends z.ZodRawShape>(name: Name, shape: () => Shape) {
  return once(() => z.strictObject({ stage: z.literal(name), ...shape() }));
}

const STAGES = {
  match: stageOf("match", () => ({ filter: filterSchema() })),
  matchTags: stageOf("matchTags", () => ({ tags: ids(), all: flag(), not: flag() })),
  filterLabels: stageOf("filterLabels", () => ({
    field: fieldPath(),
    filter: filterSchema(),
    onlyMatches: flag(),
  })),
  selectLabels: stageOf("selectLabels", () => ({ field: fieldPath(), ids: ids() })),
  select: stageOf("select", () => ({ ids: ids(), ordered: flag() })),
  exclude: stageOf("exclude", () => ({ ids: ids() })),
  exists: stageOf("exists", () => ({ field: fieldPath(), not: flag() })),
  sortBy: stageOf("sortBy", () => ({ field: fieldPath(), reverse: flag() })),
  shuffle: stageOf("shuffle", () => ({ seed: seed() })),
  take: stageOf("take", () => ({ size: count(), seed: seed() })),
  limit: stageOf("limit", () => ({ count: count() })),
  skip: stageOf("skip", () => ({ count: count() })),
  toPatches: stageOf("toPatches", () => ({ field: fieldPath() })),
  sortBySimilarity: stageOf("sortBySimilarity", () => ({
    query: similarityQuerySchema(),
    k: z.number().int().min(1).optional(),
    reverse: flag(),
    maxDistance: z.number().finite().optional(),
    aggregation: z.enum(AGGREGATIONS).optional(),
    distField: fieldPath()
      .refine((name) => name !== "__proto__", "A name with a meaning of its own")
      .optional(),
    brainKey: wellFormedText().min(1).optional(),
  })),
} as const satisfies Record<Stage["stage"], () => z.ZodType>;

/** Checks any stage. */
export const anyStageSchema = once((): z.ZodType<Stage> => {
  const { match, ...others } = STAGES;
  const schemas = [match(), ...Object.values(others).map((schema) => schema())] as const;
  return z.discriminatedUnion("stage", schemas) as z.ZodType<Stage>;
});

/** Checks a stage of this name: one kind is made at its first use, all of them only where the name is no stage's. */
export function stageSchema(name: unknown): z.ZodType<Stage> {
  if (typeof name !== "string" || !Object.hasOwn(STAGES, name)) return anyStageSchema();
  return STAGES[name as Stage["stage"]]() as z.ZodType<Stage>;
}

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

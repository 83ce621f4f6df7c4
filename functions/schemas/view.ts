/** Views in requests: the stage lists of the library, checked by its own schema. */

import { z } from "@hono/zod-openapi";
import { type Dataset, type SampleCollection, type Stage, viewJsonSchema } from "../../core/index.ts";
import { assertStages } from "../access/query-images.ts";
import { datasetOf, type RequestContext } from "../router.ts";
import { querySchema } from "./query.ts";

const MAX_STAGES = 100;

/** An inline view; its stages are checked by the data set, which says what is wrong with them. */
export const inlineViewSchema = z
  .strictObject({
    version: z.number().int().optional(),
    stages: z
      .array(
        z.looseObject({ stage: z.string() }).refine(takesItsQuery, "Expected a query as a search takes it"),
      )
      .max(MAX_STAGES),
  })
  .openapi("View", describedView());

/** The library's own schema; what it refers to in itself lies deeper in the document. */
function describedView(): object {
  const text = JSON.stringify(viewJsonSchema());
  return JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/View/$defs/')) as object;
}

/** A search in a view may look for no more than a search by itself. */
function takesItsQuery({ stage, query }: { stage: string; query?: unknown }): boolean {
  return stage !== "sortBySimilarity" || querySchema.safeParse(query).success;
}

/** A view's stages as JSON. */
export function viewJson({ stages }: SampleCollection): z.infer<typeof inlineViewSchema> {
  return { stages: stages as unknown as z.infer<typeof inlineViewSchema>["stages"] };
}

/** A view: inline, or the name of a saved one. Left out: the whole data set. */
export const viewSchema = z
  .union([inlineViewSchema, z.strictObject({ saved: z.string().min(1) })])
  .optional()
  .openapi({ description: "An inline view, or the name of a saved one. Default: the whole data set." });

export type ViewInput = z.infer<typeof viewSchema>;

/** INVALID_ARGUMENT, INVALID_FILTER, NOT_ALLOWED, ID_NOT_FOUND for a saved view that is not there. */
export async function viewOf(
  context: RequestContext,
  dataset: Dataset,
  view: ViewInput,
): Promise<SampleCollection> {
  if (view === undefined) return dataset;
  if ("saved" in view) return dataset.loadView(view.saved);
  const given = view as { version?: number; stages: Stage[] };
  await assertStages(context.get("allowed"), given.stages);
  return dataset.view(given);
}

/** The view of a data set that a request names; DATASET_NOT_FOUND too. */
export async function viewIn(
  context: RequestContext,
  dataset: string,
  view: ViewInput,
): Promise<SampleCollection> {
  return viewOf(context, await datasetOf(context, dataset), view);
}

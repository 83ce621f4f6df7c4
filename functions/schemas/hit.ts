/** One result of a search. */

import { z } from "@hono/zod-openapi";

export const hitSchema = z
  .object({
    id: z.string(),
    sampleId: z.string(),
    rank: z.number().int().openapi({ description: "From 1." }),
    score: z.number().openapi({ description: "Higher is more similar." }),
    distance: z.number().openapi({ description: "Lower is more similar." }),
  })
  .openapi("Hit");

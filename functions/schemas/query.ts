/** What to search for, over HTTP: the tagged forms only, and images as data or at allowed addresses. */

import { z } from "@hono/zod-openapi";

const vector = z.array(z.number()).min(1);
const image = z
  .string()
  .regex(/^(data:image\/[\w.+-]+;base64,|https:\/\/)/, "Expected a data URL of an image, or an https address")
  .openapi({ description: "`data:image/jpeg;base64,…`, or an https address that the service allows." });

const simple = [
  z.strictObject({ id: z.string() }),
  z.strictObject({ ids: z.array(z.string()).min(1) }),
  z.strictObject({ vector }),
  z.strictObject({ vectors: z.array(vector).min(1) }),
  z.strictObject({ prompt: z.string() }),
  z.strictObject({ prompts: z.array(z.string()).min(1) }),
  z.strictObject({ image }),
] as const;

const weight = z.number().optional();
const term = z.union([
  ...simple.map((one) => one.extend({ weight })),
  z.strictObject({ not: z.union(simple), weight }),
]);

/** One thing, several of one kind, or a mix of weighted terms. */
export const querySchema = z
  .union([
    ...simple,
    z.strictObject({ combine: z.array(term).min(1), by: z.enum(["mean", "rank"]).optional() }),
  ])
  .openapi("Query");

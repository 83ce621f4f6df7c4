/** What to search for, over HTTP: the tagged forms only, and images as data or at allowed addresses. */

import { z } from "@hono/zod-openapi";

/** Longer than any model's vectors, and than what backends take. */
const MAX_DIMENSION = 65_536;
const MAX_IDS = 10_000;
/** Each is embedded, or searched with. */
const MAX_PARTS = 100;
/** Models read some hundred characters of it at most. */
const MAX_PROMPT = 20_000;

const vector = z.array(z.number()).min(1).max(MAX_DIMENSION);
const prompt = z.string().max(MAX_PROMPT);
const image = z
  .string()
  .regex(/^(data:image\/[\w.+-]+;base64,|https:\/\/)/, "Expected a data URL of an image, or an https address")
  .openapi({ description: "`data:image/jpeg;base64,…`, or an https address that the service allows." });

const simple = [
  z.strictObject({ id: z.string() }),
  z.strictObject({ ids: z.array(z.string()).min(1).max(MAX_IDS) }),
  z.strictObject({ vector }),
  z.strictObject({ vectors: z.array(vector).min(1).max(MAX_PARTS) }),
  z.strictObject({ prompt }),
  z.strictObject({ prompts: z.array(prompt).min(1).max(MAX_PARTS) }),
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
    z.strictObject({ combine: z.array(term).min(1).max(MAX_PARTS), by: z.enum(["mean", "rank"]).optional() }),
  ])
  .openapi("Query");

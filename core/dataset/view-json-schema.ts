/** The JSON Schema of views. */

import * as z from "zod";
import { anyStageSchema } from "./stage-schema.ts";

/**
 * The JSON Schema of a view, as `view.toJSON()` gives it and as requests carry it: for API documents and editors.
 * Images are texts there.
 *
 * @example
 * viewJsonSchema()["type"]; // "object"
 */
export function viewJsonSchema(): Readonly<Record<string, unknown>> {
  const stages = z.array(anyStageSchema());
  const view = z.strictObject({ version: z.number().int().min(1).optional(), stages });
  return z.toJSONSchema(view, { unrepresentable: "any", io: "input" });
}

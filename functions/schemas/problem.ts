/** Errors as RFC 9457 has them, `application/problem+json`. */

import { z } from "@hono/zod-openapi";

export const problemSchema = z
  .object({
    type: z.string().openapi({ example: "urn:nearsight:error:DATASET_NOT_FOUND" }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().openapi({ description: "What failed, what was expected, what was found." }),
    code: z.string().openapi({ description: "A stable word to switch on; docs/errors.md lists them." }),
    hint: z.string().optional().openapi({ description: "One thing to do about it." }),
    retryable: z.boolean().openapi({ description: "Whether the same call may succeed later." }),
    details: z.record(z.string(), z.unknown()),
  })
  .openapi("Problem");

const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});

/** What any guarded route may answer besides its own. */
export const PROBLEM_RESPONSES = {
  "4XX": problem("The request cannot be met as it is; `code` and `hint` say why."),
  "5XX": problem("The service, its store or its backend failed."),
} as const;

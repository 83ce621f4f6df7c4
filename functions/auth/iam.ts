/** Callers that AWS has checked at a function URL with IAM. */

import { z } from "@hono/zod-openapi";
import { type Authenticate, SCOPES } from "./caller.ts";

/** What a user or role may do. */
export const iamCallerSchema = z.strictObject({
  /** Of a user, or of a role as `arn:aws:sts::ACCOUNT:assumed-role/ROLE`: all its sessions are this caller. */
  arn: z.string().startsWith("arn:"),
  scope: z.enum(SCOPES),
});

export type IamCaller = z.infer<typeof iamCallerSchema>;

/** What hono's handler for Lambda takes over from the event; the caller's headers are elsewhere in it. */
const platformSchema = z.object({
  requestContext: z.object({ authorizer: z.object({ iam: z.object({ userArn: z.string().min(1) }) }) }),
});

/** Callers by `requestContext.authorizer.iam` of the event. Those whom nobody has listed may do nothing. */
export function byIam(callers: readonly IamCaller[]): Authenticate {
  return async (_request, platform) => {
    const { data } = platformSchema.safeParse(platform);
    if (data === undefined) return null;
    const { userArn } = data.requestContext.authorizer.iam;
    const known = callers.find(({ arn }) => userArn === arn || userArn.startsWith(`${arn}/`));
    return known === undefined ? { id: userArn, scope: null } : { id: known.arn, scope: known.scope };
  };
}

/** What every group of routes is made of: a router whose requests are checked by the schemas that document them. */

import { createRoute, OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import { type Dataset, NearsightError } from "../core/index.ts";
import type { Caller, Scope } from "./auth/caller.ts";
import { needs } from "./auth/require.ts";
import { NDJSON_CONTENT } from "./ndjson.ts";
import { PROBLEM_RESPONSES } from "./schemas/problem.ts";
import type { Services } from "./services.ts";

/** What handlers find in the context of a request. */
export interface ApiEnv {
  Variables: Services & {
    requestId: string;
    caller: Caller;
    /** Fires when the caller is gone, or has waited as long as it may. */
    signal: AbortSignal;
  };
}

export type Router = OpenAPIHono<ApiEnv>;

/** An empty router; a request that is not as its route says is INVALID_ARGUMENT. */
export function createRouter(): Router {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidRequest(result.error, result.target);
    },
  });
}

function invalidRequest(error: z.ZodError, target: string): NearsightError {
  const [issue] = error.issues;
  const path = issue?.path.join(".") ?? "";
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected another ${path === "" ? target : `${path} in the ${target}`}: ${issue?.message ?? "invalid"}`,
    hint: "See /openapi.json for what the route takes",
    details: { in: target, path },
  });
}

/** A route with what all have alike: who may call it, and how its errors look. */
export function route<Path extends string, Route extends Omit<RouteConfig, "path"> & { path: Path }>(
  scope: Scope,
  config: Route,
) {
  const described = {
    ...config,
    middleware: needs(scope),
    security: [{ apiKey: [scope] }],
    responses: { ...config.responses, ...PROBLEM_RESPONSES },
  };
  // Handlers throw errors and do not return them, so that their types leave these answers out.
  return createRoute<Path, Route>(described as Route);
}

/** JSON of a schema, as a response or a body. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, required: true, content: { "application/json": { schema } } } as const;
}

/** JSON of a schema, or its rows as lines to those who ask for them. */
export function jsonOrLines<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema }, ...NDJSON_CONTENT } } as const;
}

/** The data set that a path names. */
export const datasetPath = z.object({
  dataset: z.string().openapi({ param: { name: "dataset", in: "path" }, example: "quickstart" }),
});

/** The brain run that a path names. */
export const runPath = datasetPath.extend({
  brainKey: z.string().openapi({ param: { name: "brainKey", in: "path" }, example: "images" }),
});

/** What helpers of routes need of the context of a request. */
export interface RequestContext {
  get<Name extends keyof ApiEnv["Variables"]>(name: Name): ApiEnv["Variables"][Name];
}

/** DATASET_NOT_FOUND */
export function datasetOf(context: RequestContext, name: string): Promise<Dataset> {
  return context.get("nearsight").loadDataset(name);
}

/** The whole API as one application: what `npm run dev` serves, and what the functions serve parts of. */

import { requestId } from "hono/request-id";
import { type Nearsight, NearsightError, VERSION } from "../core/index.ts";
import { type AllowListOptions, allowList } from "./access/allow-list.ts";
import type { Authenticate } from "./auth/caller.ts";
import { requireCaller } from "./auth/require.ts";
import type { Builds } from "./builds.ts";
import { cursors } from "./cursor.ts";
import { allowOrigins, guardBrowsers } from "./headers.ts";
import { limitBody } from "./limits/body-limit.ts";
import { keepDeadline } from "./limits/deadline.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits/limits.ts";
import { shedLoad } from "./limits/load.ts";
import { limitRate } from "./limits/rate-limit.ts";
import { problem } from "./problem.ts";
import { referencePage } from "./reference.ts";
import { createRouter, type Router } from "./router.ts";
import { embeddings } from "./routes/compute/embeddings.ts";
import { builds } from "./routes/compute/runs.ts";
import { datasets } from "./routes/manage/datasets.ts";
import { entries } from "./routes/manage/entries.ts";
import { runs } from "./routes/manage/runs.ts";
import { samples } from "./routes/manage/samples.ts";
import { serviceRoutes } from "./routes/manage/service.ts";
import { values } from "./routes/manage/values.ts";
import { savedViews } from "./routes/manage/views.ts";
import { comparisons } from "./routes/query/duplicates.ts";
import { readRows } from "./routes/query/rows.ts";
import { searches } from "./routes/query/search.ts";
import { newSecret } from "./signing.ts";

/** What an application is made of. */
export interface AppOptions {
  readonly nearsight: Nearsight;
  readonly builds: Builds;
  readonly authenticate: Authenticate;
  /** What callers may name. Default: the default model, and no media of the server or the web. */
  readonly allow?: AllowListOptions;
  /** Origins whose pages may call. Default: none but the application's own. */
  readonly origins?: readonly string[];
  /** Default: `DEFAULT_LIMITS`. */
  readonly limits?: Partial<Limits>;
  /** What cursors and links are signed with; several servers of one service need the same. Default: a new one. */
  readonly secret?: string;
}

/** Groups of routes, by the function that serves them. */
export const GROUPS = {
  compute: [builds, embeddings],
  query: [readRows, searches, comparisons],
  manage: [serviceRoutes, datasets, samples, values, savedViews, runs, entries],
} as const satisfies Record<string, readonly Router[]>;

export type Group = keyof typeof GROUPS;

const ABOUT = {
  openapi: "3.1.0",
  info: { title: "nearsight", version: VERSION, description: "Vision similarity search." },
} as const;

/** An application with these groups of routes. */
export function createApp(
  {
    nearsight,
    builds: running,
    authenticate,
    allow = {},
    origins = [],
    limits: given = {},
    secret = newSecret(),
  }: AppOptions,
  groups = allGroups(),
): Router {
  const allowed = allowList(allow);
  const pages = cursors(secret);
  const limits = { ...DEFAULT_LIMITS, ...given };
  const app = createRouter();
  app.onError((error, context) => problem(context, error));
  app.notFound((context) => problem(context, noRoute(context.req.method, context.req.path)));
  app.use(requestId(), guardBrowsers());
  if (origins.length > 0) app.use(allowOrigins(origins));
  app.use(async (context, next) => {
    context.set("nearsight", nearsight);
    context.set("builds", running);
    context.set("allowed", allowed);
    context.set("cursors", pages);
    await next();
  });
  app.use(requireCaller(authenticate));
  app.get("/health", (context) => context.json({ status: "ok", version: VERSION }));
  app.doc31("/openapi.json", ABOUT);
  app.get("/docs", (context) => context.html(referencePage(app.getOpenAPI31Document(ABOUT))));
  app.use(limitRate(limits), limitBody(limits.bodyBytes), keepDeadline(limits), shedLoad(limits));
  for (const router of groups.flatMap((group) => GROUPS[group] as readonly Router[])) app.route("/", router);
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", { type: "http", scheme: "bearer" });
  return app;
}

function allGroups(): readonly Group[] {
  return Object.keys(GROUPS) as Group[];
}

function noRoute(method: string, path: string): NearsightError {
  return new NearsightError({
    code: "ROUTE_NOT_FOUND",
    message: `There is no route ${method} ${path}`,
    hint: "See /openapi.json for the routes there are",
  });
}

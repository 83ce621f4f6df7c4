/** The whole API as one application: what `npm run dev` serves, and what the functions serve parts of. */

import type { Context, MiddlewareHandler } from "hono";
import { requestId } from "hono/request-id";
import { isNearsightError, NearsightError, VERSION } from "../core/index.ts";
import { type Authenticate, anyOf } from "./auth/caller.ts";
import { requireCaller } from "./auth/require.ts";
import { failureOf, type ReportFailure } from "./failures.ts";
import { allowOrigins, guardBrowsers } from "./headers.ts";
import { limitBody } from "./limits/body-limit.ts";
import { keepDeadline } from "./limits/deadline.ts";
import { shedLoad } from "./limits/load.ts";
import { limitRate } from "./limits/rate-limit.ts";
import { problem } from "./problem.ts";
import { referencePage } from "./reference.ts";
import { type ApiEnv, createRouter, type Router } from "./router.ts";
import { embeddings } from "./routes/compute/embeddings.ts";
import { builds } from "./routes/compute/runs.ts";
import { uploads } from "./routes/compute/uploads.ts";
import { datasets } from "./routes/manage/datasets.ts";
import { entries } from "./routes/manage/entries.ts";
import { health } from "./routes/manage/health.ts";
import { runs } from "./routes/manage/runs.ts";
import { samples } from "./routes/manage/samples.ts";
import { serviceRoutes } from "./routes/manage/service.ts";
import { values } from "./routes/manage/values.ts";
import { savedViews } from "./routes/manage/views.ts";
import { comparisons } from "./routes/query/duplicates.ts";
import { media } from "./routes/query/media.ts";
import { readRows } from "./routes/query/rows.ts";
import { searches } from "./routes/query/search.ts";
import { createServices, provide, type ServiceOptions } from "./services.ts";

/** What an application is made of. */
export interface AppOptions extends ServiceOptions {
  readonly authenticate: Authenticate;
  /** Origins whose pages may call. Default: none but the application's own. */
  readonly origins?: readonly string[];
  /** What surrounds every request, the outermost first. */
  readonly around?: readonly MiddlewareHandler<ApiEnv>[];
  /** Hears of requests that failed by a fault of the service, its store or its backend. Default: nobody. */
  readonly report?: ReportFailure;
}

/** Groups of routes, by the function that serves them. */
export const GROUPS = {
  compute: [builds, embeddings, uploads],
  query: [readRows, searches, comparisons, media],
  manage: [serviceRoutes, datasets, samples, values, savedViews, runs, entries, health],
} as const satisfies Record<string, readonly Router[]>;

export type Group = keyof typeof GROUPS;

const ABOUT = {
  openapi: "3.1.0",
  info: { title: "nearsight", version: VERSION, description: "Vision similarity search." },
} as const;

/** An application with these groups of routes. */
export function createApp(options: AppOptions, groups = allGroups()): Router {
  const { authenticate, origins = [], around = [], report } = options;
  const services = createServices(options);
  const { limits, metrics, urls } = services;
  const app = createRouter();
  app.onError((error, context) => answerTo(error, context, report));
  app.notFound((context) => problem(context, noRoute(context.req.method, context.req.path)));
  for (const surround of around) app.use(surround);
  app.use(metrics.observe, requestId(), guardBrowsers());
  if (origins.length > 0) app.use(allowOrigins(origins));
  app.use(provide(services), requireCaller(anyOf(urls.authenticate, authenticate)));
  app.get("/health", (context) => context.json({ status: "ok", version: VERSION }));
  app.doc31("/openapi.json", ABOUT);
  app.get("/docs", (context) => context.html(referencePage(app.getOpenAPI31Document(ABOUT))));
  app.use(limitRate(limits), keepDeadline(limits), limitBody(limits), shedLoad(limits));
  for (const router of groups.flatMap((group) => GROUPS[group] as readonly Router[])) app.route("/", router);
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", { type: "http", scheme: "bearer" });
  return app;
}

function answerTo(error: unknown, context: Context<ApiEnv>, report: ReportFailure | undefined): Response {
  const answer = problem(context, error);
  // What is turned away is counted by the metrics: a log of it would be one more thing to be overrun.
  const isFailure = answer.status >= 500 && !isNearsightError(error, "OVERLOADED");
  if (isFailure) report?.(failureOf(context, error));
  return answer;
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

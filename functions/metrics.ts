/** What the service has done, as Prometheus reads it: requests by route and status, their times, builds under way. */

import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { Gauge, Histogram, Registry } from "prom-client";
import type { Builds } from "./builds.ts";
import type { ApiEnv } from "./router.ts";

/** Seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Of this process; routes are told by their patterns, so that names of data sets neither show nor pile up. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** Counts and times every request. */
  readonly observe: ReturnType<typeof createMiddleware<ApiEnv>>;
}

export function createMetrics(builds: Builds): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const seconds = new Histogram({
    name: "nearsight_http_request_duration_seconds",
    help: "Time until a request was answered, in seconds",
    labelNames: ["method", "route", "status"],
    buckets: BUCKETS,
    registers,
  });
  const inFlight = new Gauge({
    name: "nearsight_http_requests_in_flight",
    help: "Requests that are being answered",
    registers,
  });
  new Gauge({
    name: "nearsight_builds_running",
    help: "Indexes that are being built",
    registers,
    collect() {
      this.set(builds.running);
    },
  });
  const observe = createMiddleware<ApiEnv>(async (context, next) => {
    inFlight.inc();
    const end = seconds.startTimer({ method: context.req.method });
    try {
      await next();
    } finally {
      inFlight.dec();
      end({ route: routePath(context, -1), status: context.res.status });
    }
  });
  return { contentType: registry.contentType, text: () => registry.metrics(), observe };
}

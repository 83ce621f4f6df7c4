/** What routes work with, made once for an application and found in the context of each request. */

import { createMiddleware } from "hono/factory";
import type { Nearsight } from "../core/index.ts";
import { type AllowList, type AllowListOptions, allowList } from "./access/allow-list.ts";
import type { Builds } from "./builds.ts";
import { type Cursors, cursors } from "./cursor.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits/limits.ts";
import type { ObjectLinks, UploadPlace } from "./media/object-store.ts";
import { type SignedUrls, signedUrls } from "./media/signed-urls.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { ApiEnv } from "./router.ts";
import { newSecret } from "./signing.ts";

export interface ServiceOptions {
  readonly nearsight: Nearsight;
  readonly builds: Builds;
  /** What callers may name. Default: the default model, and no media of the server or the web. */
  readonly allow?: AllowListOptions;
  /** Default: `DEFAULT_LIMITS`. */
  readonly limits?: Partial<Limits>;
  /** What cursors and links are signed with; several servers of one service need the same. Default: a new one. */
  readonly secret?: string;
  /** Where uploads go. Default: there are none. */
  readonly uploads?: UploadPlace;
  /** Gives links to objects of buckets. Default: callers get none. */
  readonly objects?: ObjectLinks;
}

export interface Services {
  readonly nearsight: Nearsight;
  readonly builds: Builds;
  readonly allowed: AllowList;
  readonly limits: Limits;
  readonly cursors: Cursors;
  readonly urls: SignedUrls;
  readonly metrics: Metrics;
  readonly uploads: UploadPlace | undefined;
  readonly objects: ObjectLinks | undefined;
}

/** CONFIG_INVALID */
export function createServices(options: ServiceOptions): Services {
  const { nearsight, builds, allow = {}, limits, secret = newSecret(), uploads, objects } = options;
  return {
    nearsight,
    builds,
    allowed: allowList(allow),
    limits: { ...DEFAULT_LIMITS, ...limits },
    cursors: cursors(secret),
    urls: signedUrls(secret),
    metrics: createMetrics(builds),
    uploads,
    objects,
  };
}

/** Puts them into the context. */
export function provide(services: Services) {
  const entries = Object.entries(services) as [keyof Services, never][];
  return createMiddleware<ApiEnv>(async (context, next) => {
    for (const [name, service] of entries) context.set(name, service);
    await next();
  });
}

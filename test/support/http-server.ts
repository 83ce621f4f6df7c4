/** The whole HTTP API on a free port of this machine, as `npm run dev` serves it. */

import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import type { Nearsight } from "../../core/index.ts";
import { createApp } from "../../functions/app.ts";
import { byApiKey, createApiKey } from "../../functions/auth/api-keys.ts";
import type { Scope } from "../../functions/auth/caller.ts";
import { Builds } from "../../functions/builds.ts";

export interface HttpServer {
  readonly url: string;
  /** A key for each scope. */
  readonly keys: Readonly<Record<Scope, string>>;
  close(): Promise<void>;
}

/** What stands before the server, as a gateway does: an answer of its own, or null to let a request through. */
export type Gateway = (request: Request) => Promise<Response | null>;

/** Callers of the tests may name any file, the addresses that tests use, and the models of the walk-through. */
const ALLOWED = {
  media: ["/", "https://example.org/", "s3://bucket/"],
  models: ["clip-vit-base32-torch", "colours", "none"],
};

/** As slow as a machine is that runs other tests too. */
const LIMITS = { requestsPerMinute: 1_000_000, timeoutMs: 300_000 };

/** Serves an installation; it stays open when the server closes. */
export async function serveNearsight(
  nearsight: Nearsight,
  gateway: Gateway = async () => null,
): Promise<HttpServer> {
  const made = {
    read: createApiKey("r", "read"),
    write: createApiKey("w", "write"),
    manage: createApiKey("m", "manage"),
  };
  const builds = new Builds();
  const app = createApp({
    nearsight,
    builds,
    allow: ALLOWED,
    limits: LIMITS,
    authenticate: byApiKey(Object.values(made).map(({ record }) => record)),
  });
  const fetch = async (request: Request) => (await gateway(request)) ?? app.fetch(request);
  const { promise, resolve } = Promise.withResolvers<AddressInfo>();
  const server: ServerType = serve({ fetch, hostname: "127.0.0.1", port: 0 }, resolve);
  const { port } = await promise;
  return {
    url: `http://127.0.0.1:${port}`,
    keys: { read: made.read.key, write: made.write.key, manage: made.manage.key },
    async close() {
      await builds.close();
      const ended = Promise.withResolvers<void>();
      server.close(() => ended.resolve());
      if ("closeAllConnections" in server) server.closeAllConnections();
      await ended.promise;
    },
  };
}

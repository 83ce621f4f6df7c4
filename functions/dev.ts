/** Serves the whole API on this machine, for `npm run dev`: 127.0.0.1 only, with a key made for this run. */

import { serve } from "@hono/node-server";
import { open } from "../core/index.ts";
import { createApp } from "./app.ts";
import { byApiKey, createApiKey } from "./auth/api-keys.ts";
import { Builds } from "./builds.ts";
import { settings } from "./settings.ts";

const { port } = settings();
const nearsight = await open();
const { key, record } = createApiKey("dev", "manage");
const builds = new Builds();
const app = createApp({ nearsight, builds, authenticate: byApiKey([record]) });

const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, ({ port: bound }) => {
  const url = `http://127.0.0.1:${bound}`;
  console.log(`nearsight serves ${nearsight.config.home} at ${url}`);
  console.log(`API key of this run: ${key}`);
  console.log(`\n  curl ${url}/datasets -H 'Authorization: Bearer ${key}'`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    server.close();
    void builds.close().then(() => nearsight.close());
  });
}

/** Serves the whole API on this machine, for `npm run dev`: 127.0.0.1 only, with a key made for this run. */

import { join } from "node:path";
import { serve } from "@hono/node-server";
import { mediaRoots, open, webSource } from "../core/index.ts";
import { createApp } from "./app.ts";
import { createApiKey } from "./auth/api-keys.ts";
import { authentication } from "./auth/authentication.ts";
import { Builds } from "./builds.ts";
import { localUploads } from "./media/local-uploads.ts";
import { settings } from "./settings.ts";

const found = settings();
const nearsight = await open({
  mediaSources: [webSource({ roots: mediaRoots(found.allow.media), networks: found.mediaNetworks })],
});
const { home } = nearsight.config;
const uploadFolder = join(home, "uploads");
const { key, record } = createApiKey("dev", "manage");
const builds = new Builds();
const app = createApp({
  nearsight,
  builds,
  authenticate: authentication(found, record),
  // Pictures of the package's own data sets lie in `zoo`.
  allow: { ...found.allow, media: [...found.allow.media, join(home, "zoo"), uploadFolder] },
  uploads: localUploads(uploadFolder),
  origins: found.origins,
  limits: found.limits,
  secret: found.secret,
  report: (failure) => console.error(failure),
});

const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: found.port }, ({ port }) => {
  const url = `http://127.0.0.1:${port}`;
  console.log(`nearsight serves ${home} at ${url}`);
  console.log(`API key of this run: ${key}`);
  console.log(`\n  curl ${url}/datasets -H 'Authorization: Bearer ${key}'`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    server.close();
    void builds.close().then(() => nearsight.close());
  });
}

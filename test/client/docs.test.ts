/** Runs the blocks of docs/client.md against a server. */

import { resolve } from "node:path";
import { afterAll } from "vitest";
import { testBlocks } from "../support/doc-blocks.ts";
import { serveNearsight } from "../support/http-server.ts";
import { temporaryNearsight } from "../support/temporary.ts";

const server = await serveNearsight(await temporaryNearsight());
afterAll(() => server.close());

testBlocks([resolve(import.meta.dirname, "../../docs/client.md")], {
  NEARSIGHT_URL: server.url,
  NEARSIGHT_API_KEY: server.keys.manage,
});

/** Runs the code blocks of the page on buckets, with a bucket of pictures. */

import { join, resolve } from "node:path";
import { afterAll } from "vitest";
import { settingsOf, startBucketServer } from "../support/bucket-server.ts";
import { testBlocks } from "../support/doc-blocks.ts";
import { picture } from "../support/synced.ts";

const server = await startBucketServer("photos");
afterAll(() => server.close());
server.put("2026/cat.jpg", picture("red"));
server.put("2026/dog.jpg", picture("green"));

const { endpoint, accessKeyId, secretAccessKey } = settingsOf(server);
testBlocks([join(resolve(import.meta.dirname, "../.."), "docs/sync.md")], {
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
});

/** Contract: Milvus, on a real server. */

import { afterAll } from "vitest";
import { MAX_DIMENSION, MAX_ID_BYTES, MAX_MESSAGE_BYTES } from "../../core/backends/milvus/limits.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { testBackend } from "../contract/backend-contract.ts";
import { waitForIndex } from "../support/milvus-index.ts";
import { milvusServer } from "../support/servers.ts";

const observer = milvusBackend(milvusServer());

testBackend("milvus", {
  open: () => milvusBackend(milvusServer()),
  limits: { dimension: MAX_DIMENSION, idBytes: MAX_ID_BYTES, batchBytes: MAX_MESSAGE_BYTES },
  indexed: (collection, entries) => waitForIndex(observer, collection, entries),
});

afterAll(() => observer.close());

/** What the brain promises, on Milvus. */

import type { MilvusClient } from "@zilliz/milvus2-sdk-node";
import { milvus } from "../../core/backends/milvus/milvus.ts";
import { testBrainOn } from "../support/brain-on-server.ts";
import { milvusServer } from "../support/servers.ts";

testBrainOn({
  driver: milvus,
  connection: { uri: milvusServer().uri },
  async lose(client, name, id) {
    // What was deleted is seen at once by searches of the level Strong alone; the next write waits for it.
    await (client as MilvusClient).delete({ collection_name: name, ids: [id] });
    await (client as MilvusClient).flushSync({ collection_names: [name] });
  },
});

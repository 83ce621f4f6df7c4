/** What the brain promises, on Elasticsearch. */

import type { Client } from "@elastic/elasticsearch";
import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { testBrainOn } from "../support/brain-on-server.ts";
import { elasticsearchServer } from "../support/servers.ts";

testBrainOn({
  driver: elasticsearch,
  connection: { hosts: elasticsearchServer().hosts },
  async lose(client, index, id) {
    await (client as Client).delete({ index, id, refresh: true });
  },
});

/** Credentials that come later, on an Elasticsearch with users. */

import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { testCredentialsOn } from "../support/credentials-on-server.ts";
import { startServer } from "../support/servers.ts";

testCredentialsOn({
  driver: elasticsearch,
  option: "password",
  async connect() {
    const { hosts, username = "", password = "" } = await startServer("elasticsearch", "users");
    return { place: { hosts }, credentials: { username, password } };
  },
});

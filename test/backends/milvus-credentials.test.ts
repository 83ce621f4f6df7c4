/** Credentials that come later, on a Milvus with users. */

import type { MilvusClient } from "@zilliz/milvus2-sdk-node";
import { milvus, milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { testCredentialsOn } from "../support/credentials-on-server.ts";
import { startServer } from "../support/servers.ts";

/** The password of the server's first user is a word of its messages, so another one is made. */
const OWN = { user: "nearsight_late", password: "canary-4e11" };

testCredentialsOn({
  driver: milvus,
  option: "password",
  async connect() {
    const address = await startServer("milvus", "users");
    const backend = milvusBackend(address);
    const client: MilvusClient = await backend.client();
    await client.createUser({ username: OWN.user, password: OWN.password });
    await client.addUserToRole({ username: OWN.user, roleName: "admin" });
    await backend.close();
    return { place: { uri: address.uri }, credentials: OWN };
  },
});

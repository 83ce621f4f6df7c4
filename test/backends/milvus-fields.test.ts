/** What filter fields promise, on Milvus. */

import { milvus } from "../../core/backends/milvus/milvus.ts";
import { testFilterFieldsOn } from "../support/filter-fields-on-server.ts";
import { milvusServer } from "../support/servers.ts";

testFilterFieldsOn({ driver: milvus, connection: { uri: milvusServer().uri } });

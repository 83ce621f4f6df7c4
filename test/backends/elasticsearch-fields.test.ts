/** What filter fields promise, on Elasticsearch. */

import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { testFilterFieldsOn } from "../support/filter-fields-on-server.ts";
import { elasticsearchServer } from "../support/servers.ts";

testFilterFieldsOn({ driver: elasticsearch, connection: { hosts: [...elasticsearchServer().hosts] } });

/** Searches by ids and vectors on Elasticsearch, without a model. */

import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { httpFunction } from "../lambda/http.ts";

export const { handler, stream } = httpFunction({ role: "query", backend: elasticsearch, groups: ["query"] });

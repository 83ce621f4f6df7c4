/** Data sets, samples, views and runs on Elasticsearch. */

import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { httpFunction } from "../lambda/http.ts";

export const { handler, stream } = httpFunction({
  role: "manage",
  backend: elasticsearch,
  groups: ["manage"],
});

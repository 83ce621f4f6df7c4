/** Compares buckets with data sets and indexes on Elasticsearch, and repairs what differs, as a schedule asks for it. */

import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { bucketModel } from "../lambda/model.ts";
import { reindexing } from "../lambda/reindexing.ts";

export const { repair: handler } = reindexing({
  role: "sync",
  backend: elasticsearch,
  loadModel: bucketModel,
});

/** Keeps data sets and indexes on Elasticsearch in step with buckets: as SQS tells of their objects, and as a schedule asks. */

import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { bucketModel } from "../lambda/model.ts";
import { reindexing } from "../lambda/reindexing.ts";

export const { handler, repair } = reindexing({
  role: "reindex",
  backend: elasticsearch,
  loadModel: bucketModel,
});

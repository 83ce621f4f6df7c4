/** Does parts of builds on Elasticsearch as SQS hands them out. */

import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { builder } from "../lambda/builder.ts";
import { bucketModel } from "../lambda/model.ts";

export const { handler, deadLetters } = builder({
  role: "build",
  backend: elasticsearch,
  loadModel: bucketModel,
});

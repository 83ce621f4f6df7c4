/** Searches on Elasticsearch, by prompts and pictures too. */

import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { httpFunction } from "../lambda/http.ts";
import { bucketModel } from "../lambda/model.ts";
import { bucketObjects } from "../lambda/objects.ts";

export const { handler, stream } = httpFunction({
  role: "query",
  backend: elasticsearch,
  loadModel: bucketModel,
  objects: bucketObjects,
  groups: ["query"],
});

/** Starts, stops and resumes builds of indexes on Elasticsearch. */

import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { queuedBuilds } from "../lambda/build-queue.ts";
import { httpFunction } from "../lambda/http.ts";
import { bucketModel } from "../lambda/model.ts";
import { bucketObjects } from "../lambda/objects.ts";

export const { handler, stream } = httpFunction({
  role: "compute",
  backend: elasticsearch,
  loadModel: bucketModel,
  objects: bucketObjects,
  groups: ["compute"],
  builds: queuedBuilds,
});

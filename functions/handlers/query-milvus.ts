/** Searches on Milvus, by prompts and pictures too. */

import { milvus } from "../../core/backends/milvus/milvus.ts";
import { httpFunction } from "../lambda/http.ts";
import { bucketModel } from "../lambda/model.ts";
import { bucketObjects } from "../lambda/objects.ts";

export const { handler, stream } = httpFunction({
  role: "query",
  backend: milvus,
  loadModel: bucketModel,
  objects: bucketObjects,
  groups: ["query"],
});

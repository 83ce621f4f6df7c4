/** Compares buckets with data sets and indexes on Milvus, and repairs what differs, as a schedule asks for it. */

import { milvus } from "../../core/backends/milvus/milvus.ts";
import { bucketModel } from "../lambda/model.ts";
import { reindexing } from "../lambda/reindexing.ts";

export const { repair: handler } = reindexing({ role: "sync", backend: milvus, loadModel: bucketModel });

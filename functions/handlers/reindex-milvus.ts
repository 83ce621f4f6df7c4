/** Keeps data sets and indexes on Milvus in step with buckets: as SQS tells of their objects, and as a schedule asks. */

import { milvus } from "../../core/backends/milvus/milvus.ts";
import { bucketModel } from "../lambda/model.ts";
import { reindexing } from "../lambda/reindexing.ts";

export const { handler, repair } = reindexing({ role: "reindex", backend: milvus, loadModel: bucketModel });

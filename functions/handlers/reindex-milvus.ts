/** Brings data sets and indexes on Milvus in step with objects that came, changed or went, as SQS tells of them. */

import { milvus } from "../../core/backends/milvus/milvus.ts";
import { bucketModel } from "../lambda/model.ts";
import { reindexing } from "../lambda/reindexing.ts";

export const { handler } = reindexing({ role: "reindex", backend: milvus, loadModel: bucketModel });

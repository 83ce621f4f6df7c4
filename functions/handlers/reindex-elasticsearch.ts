/** Brings data sets and indexes on Elasticsearch in step with objects that came, changed or went, as SQS tells of them. */

import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { bucketModel } from "../lambda/model.ts";
import { reindexing } from "../lambda/reindexing.ts";

export const { handler } = reindexing({ role: "reindex", backend: elasticsearch, loadModel: bucketModel });

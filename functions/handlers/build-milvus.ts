/** Does parts of builds on Milvus as SQS hands them out. */

import { milvus } from "../../core/backends/milvus/milvus.ts";
import { builder } from "../lambda/builder.ts";
import { bucketModel } from "../lambda/model.ts";

export const { handler, deadLetters } = builder({ role: "build", backend: milvus, loadModel: bucketModel });

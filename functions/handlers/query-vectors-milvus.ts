/** Searches by ids and vectors on Milvus, without a model. */

import { milvus } from "../../core/backends/milvus/milvus.ts";
import { httpFunction } from "../lambda/http.ts";

export const { handler, stream } = httpFunction({ role: "query", backend: milvus, groups: ["query"] });

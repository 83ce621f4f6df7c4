/** Data sets, samples, views and runs on Milvus. */

import { milvus } from "../../core/backends/milvus/milvus.ts";
import { httpFunction } from "../lambda/http.ts";

export const { handler, stream } = httpFunction({ role: "manage", backend: milvus, groups: ["manage"] });

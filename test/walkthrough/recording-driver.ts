/** A backend under a server's name that keeps its vectors in files and remembers how it was connected. */

import { BACKEND_SETTINGS } from "../../core/backend-settings.ts";
import { type BackendDriver, type CollectionSpec, local } from "../../core/index.ts";

export interface RecordingDriver extends BackendDriver {
  /** The options of each connection. */
  readonly connections: Readonly<Record<string, unknown>>[];
  /** What it was asked to make. */
  readonly created: CollectionSpec[];
}

/** Settings of a server that say what to make; the others say where the server is and who asks. */
const INDEX_OPTIONS = new Set([
  ...["metric", "collectionName", "indexName"],
  ...["consistencyLevel", "indexType", "indexParams", "indexOptions"],
]);

export function recordingDriver(name: "milvus" | "elasticsearch"): RecordingDriver {
  const settings = Object.keys(BACKEND_SETTINGS[name] ?? {});
  const connections: Readonly<Record<string, unknown>>[] = [];
  const created: CollectionSpec[] = [];
  return {
    name,
    connections,
    created,
    connectionOptions: settings.filter((setting) => !INDEX_OPTIONS.has(setting)),
    indexOptions: settings.filter((setting) => INDEX_OPTIONS.has(setting)),
    async connect(place, options) {
      connections.push(options);
      const files = await local.connect(place, {});
      return {
        ...files,
        name,
        create(spec) {
          created.push(spec);
          return files.create({ ...spec, params: {} });
        },
      };
    },
  };
}

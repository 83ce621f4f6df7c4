/** Following buckets and folders: what `core/dataset` calls. Its code is loaded when it is first used. */

import type { SyncPort } from "../dataset/sync-port.ts";
import type { SyncContext } from "./context.ts";

/** The port that data sets follow buckets and folders through. */
export function createSync(context: SyncContext): SyncPort {
  return {
    async reconcile(dataset, uri, options) {
      const { reconcile } = await import("./reconcile.ts");
      return reconcile(context, dataset, uri, options);
    },
    async sync(dataset, address, options) {
      const { sync } = await import("./sync.ts");
      return sync(context, dataset, address, options);
    },
  };
}

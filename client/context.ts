/** What the parts of a connection share. */

import type { DatasetPath } from "./datasets.ts";
import type { Http } from "./http.ts";

export interface RemoteContext {
  readonly http: Http;
  readonly pathOf: DatasetPath;
}

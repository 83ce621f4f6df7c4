/** The backends every page's twins run against. A page's own backend joins as a row once its driver is there. */

import { readdirSync } from "node:fs";
import { nameOfFile } from "../../core/backends/local/names.ts";

export interface WalkthroughBackend {
  /** What the twins write where the page says `backend=`. */
  readonly backend: string;
  /** Connection options, spread into the calls that connect. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The option that names an existing collection. */
  readonly nameOption: "collectionName" | "indexName";
  /** Names of collections, as the client of the backend's SDK lists them. */
  listCollections(client: unknown): Promise<readonly string[]>;
}

export const BACKENDS: readonly WalkthroughBackend[] = [
  {
    backend: "local",
    options: {},
    nameOption: "collectionName",
    async listCollections(client) {
      const { folder } = client as { folder: string };
      return readdirSync(folder).flatMap((file) => nameOfFile(file) ?? []);
    },
  },
];

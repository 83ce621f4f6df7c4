/** The backends every page's twins run against: the embedded one, or the server of the project that runs them. */

import { readdirSync } from "node:fs";
import type { Client } from "@elastic/elasticsearch";
import type { MilvusClient } from "@zilliz/milvus2-sdk-node";
import { beforeAll, inject } from "vitest";
import type { Backend } from "../../core/backends/backend.ts";
import { elasticsearchBackend } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { nameOfFile } from "../../core/backends/local/names.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { isNearsightError } from "../../core/index.ts";
import { elasticsearchServer, milvusServer } from "../support/servers.ts";

export interface WalkthroughBackend {
  /** What the twins write where the page says `backend=`. */
  readonly backend: string;
  /** Connection options, spread into the calls that connect. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The option that names an existing collection. */
  readonly nameOption: "collectionName" | "indexName";
  /** A page's name of a collection, as this backend allows it: Milvus takes no hyphens. */
  nameOf(name: string): string;
  /** Names of collections, as the client of the backend's SDK lists them. */
  listCollections(client: unknown): Promise<readonly string[]>;
  /** Whether an index gives its collection out, bound and printable. */
  readonly hasCollection: boolean;
  /** The backend itself, to tidy up with; null where all is in the home folder. */
  connect(): Backend | null;
}

const LOCAL: WalkthroughBackend = {
  backend: "local",
  options: {},
  nameOption: "collectionName",
  nameOf: (name) => name,
  async listCollections(client) {
    const { folder } = client as { folder: string };
    return readdirSync(folder).flatMap((file) => nameOfFile(file) ?? []);
  },
  hasCollection: false,
  connect: () => null,
};

function milvus(): WalkthroughBackend {
  const { uri } = milvusServer();
  return {
    backend: "milvus",
    options: { uri },
    nameOption: "collectionName",
    nameOf: (name) => name.replaceAll("-", "_"),
    async listCollections(client) {
      const { data } = await (client as MilvusClient).showCollections();
      return data.map(({ name }) => name);
    },
    hasCollection: true,
    connect: () => milvusBackend({ uri }),
  };
}

function elasticsearch(): WalkthroughBackend {
  const { hosts } = elasticsearchServer();
  return {
    backend: "elasticsearch",
    options: { hosts },
    nameOption: "indexName",
    nameOf: (name) => name,
    listCollections: async (client) => Object.keys(await (client as Client).indices.get({ index: "*" })),
    hasCollection: false,
    connect: () => elasticsearchBackend({ hosts }),
  };
}

function ofProject(): WalkthroughBackend {
  const name = inject("server")?.name;
  if (name === undefined) return LOCAL;
  return name.startsWith("milvus") ? milvus() : elasticsearch();
}

export const BACKENDS: readonly WalkthroughBackend[] = [ofProject()];

/** Removes what an earlier run that was cut off left on the server under the names a page uses. */
export function useFreeNames(...names: readonly string[]): void {
  beforeAll(async () => {
    for (const { connect, nameOf } of BACKENDS) {
      const backend = connect();
      for (const name of backend === null ? [] : names) {
        try {
          await (await backend?.open(nameOf(name)))?.drop();
        } catch (error) {
          if (!isNearsightError(error, "INDEX_NOT_FOUND")) throw error;
        }
      }
      await backend?.close();
    }
  });
}

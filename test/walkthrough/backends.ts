/** What every page's twins run against: the embedded backend, opened and over HTTP, or the server of the project. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "@elastic/elasticsearch";
import type { MilvusClient } from "@zilliz/milvus2-sdk-node";
import { beforeAll, inject, onTestFinished } from "vitest";
import { connect } from "../../client/index.ts";
import type { Backend } from "../../core/backends/backend.ts";
import { elasticsearchBackend } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { nameOfFile } from "../../core/backends/local/names.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import {
  defaultInstance,
  isNearsightError,
  loadZooDataset,
  loadZooModel,
  type Nearsight,
  type SimilarityIndex,
} from "../../core/index.ts";
import { serveNearsight } from "../support/http-server.ts";
import { elasticsearchServer, milvusServer } from "../support/servers.ts";

/** The functions of the pages that find things by name. */
type Library = Pick<Nearsight, "loadZooDataset" | "loadZooModel">;

export interface WalkthroughBackend {
  /** As the tests are named after it. */
  readonly name: string;
  /** What the twins write where the page says `backend=`. */
  readonly backend: string;
  /** Connection options, spread into the calls that connect. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The option that names an existing collection. */
  readonly nameOption: "collectionName" | "indexName";
  /** A page's name of a collection, as this backend allows it: Milvus takes no hyphens. */
  nameOf(name: string): string;
  /** Where the page's data sets and models come from. */
  readonly library: Library;
  /** Names of collections, as the client of the backend's SDK lists them. */
  listCollections(index: SimilarityIndex): Promise<readonly string[]>;
  /** Whether an index gives out the client of the backend's SDK. */
  readonly hasClient: boolean;
  /** Whether an index gives its collection out, bound and printable. */
  readonly hasCollection: boolean;
  /** The backend itself, to tidy up with; null where all is in the home folder. */
  connect(): Backend | null;
}

const OPENED: Library = { loadZooDataset, loadZooModel };

const LOCAL: WalkthroughBackend = {
  name: "local",
  library: OPENED,
  backend: "local",
  options: {},
  nameOption: "collectionName",
  nameOf: (name) => name,
  async listCollections(index) {
    const { folder } = (await index.client()) as { folder: string };
    return collectionsIn(folder);
  },
  hasClient: true,
  hasCollection: false,
  connect: () => null,
};

function collectionsIn(folder: string): string[] {
  return readdirSync(folder).flatMap((file) => nameOfFile(file) ?? []);
}

/** The same installation through `connect`. */
const OVER_HTTP: WalkthroughBackend = {
  ...LOCAL,
  name: "local, over HTTP",
  library: {
    loadZooDataset: async (...asked) => (await connected()).loadZooDataset(...asked),
    loadZooModel: async (...asked) => (await connected()).loadZooModel(...asked),
  },
  listCollections: async () => collectionsIn(join((await defaultInstance()).config.home, "indexes")),
  hasClient: false,
};

let connection: Promise<Nearsight> | undefined;

/** A connection to a server of the default instance, for one test. */
function connected(): Promise<Nearsight> {
  connection ??= serveDefaultInstance();
  return connection;
}

async function serveDefaultInstance(): Promise<Nearsight> {
  const server = await serveNearsight(await defaultInstance());
  const ns = await connect(server.url, { apiKey: server.keys.manage });
  onTestFinished(async () => {
    connection = undefined;
    await ns.close();
    await server.close();
  });
  return ns;
}

function milvus(): WalkthroughBackend {
  const { uri } = milvusServer();
  return {
    name: "milvus",
    library: OPENED,
    backend: "milvus",
    options: { uri },
    nameOption: "collectionName",
    nameOf: (name) => name.replaceAll("-", "_"),
    async listCollections(index) {
      const { data } = await ((await index.client()) as MilvusClient).showCollections();
      return data.map(({ name }) => name);
    },
    hasClient: true,
    hasCollection: true,
    connect: () => milvusBackend({ uri }),
  };
}

function elasticsearch(): WalkthroughBackend {
  const { hosts } = elasticsearchServer();
  return {
    name: "elasticsearch",
    library: OPENED,
    backend: "elasticsearch",
    options: { hosts },
    nameOption: "indexName",
    nameOf: (name) => name,
    async listCollections(index) {
      return Object.keys(await ((await index.client()) as Client).indices.get({ index: "*" }));
    },
    hasClient: true,
    hasCollection: false,
    connect: () => elasticsearchBackend({ hosts }),
  };
}

function ofProject(): readonly WalkthroughBackend[] {
  const name = inject("server")?.name;
  if (name === undefined) return [LOCAL, OVER_HTTP];
  return [name.startsWith("milvus") ? milvus() : elasticsearch()];
}

export const BACKENDS = ofProject();

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

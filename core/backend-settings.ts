/** The options of each backend and visualization method by declared type, with FiftyOne's names, as plain data. */

/** How a setting's text is read: never guessed from the text itself. */
export type SettingType = "string" | "number" | "boolean" | "list" | "json";

export interface SettingSpec {
  readonly type: SettingType;
  /** What it means, for the documentation. */
  readonly about: string;
  /** What holds where it is left out, in the documentation's words. */
  readonly default?: string;
  /** Masked wherever settings are printed. */
  readonly secret?: boolean;
  /** Says what to make, as opposed to where the backend is and who asks: it is kept with the run. */
  readonly ofIndex?: boolean;
}

type Settings = Readonly<Record<string, SettingSpec>>;

const CERTIFICATES =
  "path of a PEM file with the authorities that the server's certificate is checked against";

const NAME: SettingSpec = {
  type: "string",
  ofIndex: true,
  about: "an existing one to open, or the name of the new one",
};

const metric = (about: string, fallback: string): SettingSpec => ({
  type: "string",
  ofIndex: true,
  about,
  default: fallback,
});

const LOCAL: Settings = {
  metric: metric("`cosine`, `dotproduct`, `euclidean`; `jaccard`, `hamming` for bits", "cosine"),
  collectionName: NAME,
  memoryLimit: {
    type: "number",
    about: "bytes that indexes may take in memory; those unused for longest are let go of",
    default: "half of the memory",
  },
  threads: { type: "number", about: "threads a search may use", default: "one a processor, at most 8" },
};

const MILVUS: Settings = {
  uri: {
    type: "string",
    about: "address of the server, `https://` for TLS",
    default: "http://localhost:19530",
  },
  user: { type: "string", about: "user name, with `password`" },
  password: { type: "string", secret: true, about: "password of the user" },
  secure: {
    type: "boolean",
    about: "use TLS; `https://` and certificates mean it as well",
    default: "false",
  },
  token: { type: "string", secret: true, about: "API key of Zilliz Cloud, or `user:password`" },
  dbName: { type: "string", about: "database", default: "default" },
  clientKeyPath: { type: "string", about: "path of the own private key, for mutual TLS" },
  clientPemPath: { type: "string", about: "path of the own certificate, for mutual TLS" },
  caPemPath: { type: "string", about: CERTIFICATES },
  serverPemPath: { type: "string", about: "path of the server's own certificate, for one-way TLS" },
  serverName: { type: "string", about: "name in the server's certificate where it is not the address's" },
  collectionName: NAME,
  metric: metric("`dotproduct`, `cosine`, `euclidean`; `jaccard`, `hamming` for bits", "dotproduct"),
  consistencyLevel: {
    type: "string",
    ofIndex: true,
    about: "`Session`, `Strong`, `Bounded`, `Eventually`",
    default: "Session",
  },
  indexType: { type: "string", ofIndex: true, about: "kind of index", default: "HNSW" },
  indexParams: {
    type: "json",
    ofIndex: true,
    about: "what the index is made with, such as `M`, `efConstruction`, `nlist`",
  },
  searchParams: {
    type: "json",
    ofIndex: true,
    about: "what it is searched with, such as `ef`, `nprobe`; chosen from `k` where left out",
  },
};

const ELASTICSEARCH: Settings = {
  hosts: { type: "list", about: "addresses of nodes of one cluster", default: "http://localhost:9200" },
  cloudId: { type: "string", about: "Cloud ID of an Elastic Cloud deployment, in place of `hosts`" },
  username: { type: "string", about: "user name, with `password`" },
  password: { type: "string", secret: true, about: "password of the user" },
  apiKey: { type: "string", secret: true, about: "encoded API key, in place of a user" },
  bearerAuth: {
    type: "string",
    secret: true,
    about: "bearer token, such as a service token, in place of a user",
  },
  caCerts: { type: "string", about: CERTIFICATES },
  sslAssertFingerprint: {
    type: "string",
    about: "SHA-256 of the server's certificate or of one of its issuers, in place of authorities",
  },
  verifyCerts: { type: "boolean", about: "check the server's certificate", default: "true" },
  indexName: NAME,
  metric: metric(
    "`cosine`, `dotproduct` (`innerproduct` means the same), `euclidean`; `hamming` for bits",
    "cosine",
  ),
  indexOptions: {
    type: "json",
    ofIndex: true,
    about: "`index_options` of the mapping by its own names, or its `type` alone",
    default: "hnsw",
  },
  shards: { type: "number", ofIndex: true, about: "`number_of_shards`", default: "the server's, 1" },
  replicas: { type: "number", ofIndex: true, about: "`number_of_replicas`", default: "the server's, 1" },
  readableVectors: {
    type: "boolean",
    ofIndex: true,
    about: "keep vectors in `_source` too, where FiftyOne reads them; takes more room",
    default: "false",
  },
};

/** camelCase here and in calls; snake_case in the file, UPPER_CASE in the environment. */
export const BACKEND_SETTINGS: Readonly<Record<string, Settings>> = {
  local: LOCAL,
  milvus: MILVUS,
  elasticsearch: ELASTICSEARCH,
};

const VISUALIZATION_METRIC: SettingSpec = {
  type: "string",
  about: "how vectors are compared",
  default: "euclidean",
};

/** The same for the methods of a visualization. */
export const VISUALIZATION_SETTINGS: Readonly<Record<string, Settings>> = {
  umap: {
    numNeighbors: { type: "number", about: "neighbours that count as near" },
    minDist: { type: "number", about: "how near two points may come" },
    metric: VISUALIZATION_METRIC,
  },
  tsne: {
    perplexity: { type: "number", about: "neighbours that count as near, roughly" },
    learningRate: { type: "number", about: "how far a point moves in a step" },
    maxIters: { type: "number", about: "steps" },
    metric: VISUALIZATION_METRIC,
  },
};

/** FiftyOne's name for its in-memory backend, which here means the embedded one. */
export const BACKEND_ALIASES: Readonly<Record<string, string>> = { sklearn: "local" };

/** Other backends of FiftyOne: known by name, so that a configuration that mentions them is no mistake. */
export const FOREIGN_BACKENDS: readonly string[] = [
  "pinecone",
  "qdrant",
  "lancedb",
  "redis",
  "mongodb",
  "pgvector",
  "mosaic",
];

/** Options that every index has, whatever its backend. */
const COMMON_OPTIONS: readonly string[] = ["metric", "collectionName"];

/** Options of a backend that say where it is or who asks; they are never stored with a run. */
export function connectionOptions(backend: string): string[] {
  return Object.entries(BACKEND_SETTINGS[backend] ?? {}).flatMap(([name, { ofIndex }]) =>
    ofIndex ? [] : [name],
  );
}

/** Options of a backend of its own that say what to make. */
export function indexOptions(backend: string): string[] {
  return Object.entries(BACKEND_SETTINGS[backend] ?? {}).flatMap(([name, { ofIndex }]) =>
    ofIndex && !COMMON_OPTIONS.includes(name) ? [name] : [],
  );
}

/** `clientKeyPath` as `client_key_path`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The options of each backend and visualization method by declared type, with FiftyOne's names, as plain data. */

/** How a setting's text is read: never guessed from the text itself. */
export type SettingType = "string" | "number" | "boolean" | "list" | "json";

export interface SettingSpec {
  readonly type: SettingType;
  /** Masked wherever settings are printed. */
  readonly secret?: boolean;
}

const string: SettingSpec = { type: "string" };
const secret: SettingSpec = { type: "string", secret: true };
const number: SettingSpec = { type: "number" };
const boolean: SettingSpec = { type: "boolean" };
const list: SettingSpec = { type: "list" };
const json: SettingSpec = { type: "json" };

/** camelCase here and in calls; snake_case in the file, UPPER_CASE in the environment. */
export const BACKEND_SETTINGS: Readonly<Record<string, Readonly<Record<string, SettingSpec>>>> = {
  local: { metric: string, collectionName: string, memoryLimit: number, threads: number },
  milvus: {
    uri: string,
    user: string,
    password: secret,
    secure: boolean,
    token: secret,
    dbName: string,
    clientKeyPath: string,
    clientPemPath: string,
    caPemPath: string,
    serverPemPath: string,
    serverName: string,
    collectionName: string,
    metric: string,
    consistencyLevel: string,
    indexType: string,
    indexParams: json,
  },
  elasticsearch: {
    hosts: list,
    cloudId: string,
    username: string,
    password: secret,
    apiKey: secret,
    bearerAuth: secret,
    caCerts: string,
    sslAssertFingerprint: string,
    verifyCerts: boolean,
    indexName: string,
    metric: string,
    indexOptions: json,
  },
};

/** The same for the methods of a visualization. */
export const VISUALIZATION_SETTINGS: Readonly<Record<string, Readonly<Record<string, SettingSpec>>>> = {
  umap: { numNeighbors: number, minDist: number, metric: string },
  tsne: { perplexity: number, learningRate: number, maxIters: number, metric: string },
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

/** `clientKeyPath` as `client_key_path`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

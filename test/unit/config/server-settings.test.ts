/** Every setting of a server, from each place it can be given in, as it reaches the client of the server's SDK. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { snakeCase } from "../../../core/backend-settings.ts";
import type { CollectionSpec } from "../../../core/backends/backend.ts";
import { elasticsearch } from "../../../core/backends/elasticsearch/elasticsearch.ts";
import { indexBody } from "../../../core/backends/elasticsearch/mapping.ts";
import { connectionPlan as elasticsearchPlan } from "../../../core/backends/elasticsearch/options.ts";
import { milvus } from "../../../core/backends/milvus/milvus.ts";
import { connectionPlan as milvusPlan } from "../../../core/backends/milvus/options.ts";
import { collectionPlan, METRIC_TYPES } from "../../../core/backends/milvus/schema.ts";
import { type BackendDriver, local } from "../../../core/backends/registry.ts";
import { open } from "../../../core/open.ts";
import { openSqliteStore } from "../../../core/store/sqlite-store.ts";
import type { MetadataStore } from "../../../core/store/store.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const home = temporaryFolder();
const pem = join(home, "certificate.pem");
const PEM = "-----BEGIN CERTIFICATE-----\n";
const FINGERPRINT = `${"ab:".repeat(31)}cd`;

/** What a client of the SDK is made with, and what it is asked to make. */
interface Reached {
  readonly client: unknown;
  readonly collection: unknown;
}

/** A driver that plans as the real one does and keeps vectors in files. */
function planning(driver: BackendDriver, reached: { client: unknown; collection: unknown }): BackendDriver {
  const isMilvus = driver.name === "milvus";
  return {
    ...driver,
    async connect(place, options) {
      reached.client = (isMilvus ? milvusPlan(options) : elasticsearchPlan(options)).config;
      const files = await local.connect(place, {});
      return {
        ...files,
        name: driver.name,
        create(spec: CollectionSpec) {
          const { layout } = isMilvus ? collectionPlan(spec) : { layout: undefined };
          reached.collection =
            layout === undefined
              ? indexBody(spec, "mark")
              : { name: spec.name, metric: METRIC_TYPES[layout.metric], level: layout.consistencyLevel };
          return files.create({ ...spec, params: {} });
        },
      };
    },
  };
}

/** An option, its text in the environment, its value in the file and in a call, and what the SDK gets of it. */
type Cell = readonly [
  option: string,
  text: string,
  value: unknown,
  expected: Partial<Reached>,
  others?: object,
];

const client = (config: object): Partial<Reached> => ({ client: expect.objectContaining(config) });
const collection = (request: object): Partial<Reached> => ({ collection: expect.objectContaining(request) });
const tls = (files: object) => client({ ssl: true, tls: expect.objectContaining(files) });

const MILVUS: readonly Cell[] = [
  [
    "uri",
    "http://milvus.test:19531",
    "http://milvus.test:19531",
    client({ address: "milvus.test:19531", ssl: false }),
  ],
  ["user", "0123", "0123", client({ username: "0123" }), { password: "p" }],
  ["password", "0123", "0123", client({ password: "0123" }), { user: "root" }],
  ["secure", "true", true, client({ ssl: true })],
  ["token", "0123", "0123", client({ token: "0123" })],
  ["dbName", "0123", "0123", client({ database: "0123" })],
  ["clientKeyPath", pem, pem, tls({ privateKey: Buffer.from(PEM) }), { clientPemPath: pem }],
  ["clientPemPath", pem, pem, tls({ certChain: Buffer.from(PEM) }), { clientKeyPath: pem }],
  ["caPemPath", pem, pem, tls({ rootCert: Buffer.from(PEM) })],
  ["serverPemPath", pem, pem, tls({ rootCert: Buffer.from(PEM) })],
  ["serverName", "milvus.inside", "milvus.inside", tls({ serverName: "milvus.inside" }), { secure: true }],
  ["collectionName", "your_collection", "your_collection", collection({ name: "your_collection" })],
  ["metric", "euclidean", "euclidean", collection({ metric: "L2" })],
  ["consistencyLevel", "Strong", "Strong", collection({ level: "Strong" })],
];

const vector = (mapping: object) =>
  collection({
    mappings: expect.objectContaining({
      properties: expect.objectContaining({ vector: expect.objectContaining(mapping) }),
    }),
  });

const ELASTICSEARCH: readonly Cell[] = [
  [
    "hosts",
    "http://a.test:1, http://b.test:2",
    ["http://a.test:1", "http://b.test:2"],
    client({ nodes: ["http://a.test:1", "http://b.test:2"] }),
  ],
  ["username", "0123", "0123", client({ auth: { username: "0123", password: "p" } }), { password: "p" }],
  [
    "password",
    "0123",
    "0123",
    client({ auth: { username: "elastic", password: "0123" } }),
    { username: "elastic" },
  ],
  [
    "cloudId",
    `cluster:${btoa("found.test$abc$def")}`,
    `cluster:${btoa("found.test$abc$def")}`,
    client({ cloud: { id: `cluster:${btoa("found.test$abc$def")}` } }),
  ],
  ["apiKey", "0123", "0123", client({ auth: { apiKey: "0123" } })],
  ["bearerAuth", "0123", "0123", client({ auth: { bearer: "0123" } })],
  ["caCerts", pem, pem, client({ tls: { ca: Buffer.from(PEM) } })],
  ["sslAssertFingerprint", FINGERPRINT, FINGERPRINT, client({ agent: { connect: expect.any(Function) } })],
  ["verifyCerts", "false", false, client({ tls: { rejectUnauthorized: false } })],
  ["indexName", "your-index", "your-index", collection({ index: "your-index" })],
  ["metric", "euclidean", "euclidean", vector({ similarity: "l2_norm" })],
];

let store: MetadataStore;
let count = 0;
const reached: { client: unknown; collection: unknown } = { client: null, collection: null };

beforeAll(async () => {
  writeFileSync(pem, PEM);
  mkdirSync(join(home, ".fiftyone"));
  store = await openSqliteStore({ folder: join(home, ".nearsight") });
});

afterAll(() => store.close());

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("FIFTYONE_")) vi.stubEnv(name, undefined);
  vi.stubEnv("HOME", home);
  vi.stubEnv("NEARSIGHT_HOME", join(home, ".nearsight"));
});

afterEach(() => {
  writeBrainFile({});
  vi.unstubAllEnvs();
});

function writeBrainFile(content: object): void {
  writeFileSync(join(home, ".fiftyone", "brain_config.json"), JSON.stringify(content));
}

/** Makes an index with what the configuration and the options say; its file is removed again. */
async function make(driver: BackendDriver, options: object): Promise<void> {
  Object.assign(reached, { client: null, collection: null });
  // The store is shared by all cases, so that the installation itself is left open.
  const ns = await open({ store, backends: [planning(driver, reached)] });
  const dataset = await ns.createDataset(`settings ${count++}`);
  await dataset.addSample({ filepath: "a.jpg" });
  const index = await ns.computeSimilarity(dataset, { embeddings: [[1, 0]], ...options });
  await index.delete({ force: true });
}

describe.each([
  { driver: milvus, cells: MILVUS },
  { driver: elasticsearch as BackendDriver, cells: ELASTICSEARCH },
])("$driver.name", ({ driver, cells }) => {
  const { name } = driver;
  const variableOf = (option: string) =>
    `FIFTYONE_BRAIN_SIMILARITY_${name}_${snakeCase(option)}`.toUpperCase();

  it("has a row for every setting of FiftyOne's", () => {
    expect(cells.map(([option]) => option)).toEqual(expect.arrayContaining([...driver.connectionOptions]));
  });

  const rows = cells.map(([option, text, value, expected, others = {}]) => ({
    ...{ option, text, value, expected, others },
  }));

  describe.each(rows)("$option", ({ option, text, value, expected, others }) => {
    it("from the environment", async () => {
      vi.stubEnv(variableOf(option), text);
      await make(driver, { backend: name, ...others });
      expect(reached).toMatchObject(expected);
    });

    it("from the file", async () => {
      writeBrainFile({ similarity_backends: { [name]: { [snakeCase(option)]: value } } });
      await make(driver, { backend: name, ...others });
      expect(reached).toMatchObject(expected);
    });

    it("from the call, which wins over both", async () => {
      vi.stubEnv(
        variableOf(option),
        option === "verifyCerts" || option === "secure" ? String(!value) : "other",
      );
      await make(driver, { backend: name, ...others, [option]: value });
      expect(reached).toMatchObject(expected);
    });
  });

  it("is chosen by FIFTYONE_BRAIN_DEFAULT_SIMILARITY_BACKEND", async () => {
    vi.stubEnv("FIFTYONE_BRAIN_DEFAULT_SIMILARITY_BACKEND", name);
    await make(driver, {});
    expect(reached.client).not.toBeNull();
  });

  it("is chosen by default_similarity_backend of the file that FIFTYONE_BRAIN_CONFIG_PATH names", async () => {
    const path = join(home, "elsewhere.json");
    writeFileSync(path, JSON.stringify({ default_similarity_backend: name }));
    vi.stubEnv("FIFTYONE_BRAIN_CONFIG_PATH", path);
    await make(driver, {});
    expect(reached.client).not.toBeNull();
  });

  it("prefers the environment to the file", async () => {
    const [option = "", text = "", , expected] = cells[0] ?? [];
    writeBrainFile({ similarity_backends: { [name]: { [snakeCase(option)]: "http://file.test:9" } } });
    vi.stubEnv(variableOf(option), text);
    await make(driver, { backend: name });
    expect(reached).toMatchObject(expected ?? {});
  });
});

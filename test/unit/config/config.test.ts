/** Settings: their order, their types, and FiftyOne's names. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { BACKEND_SETTINGS } from "../../../core/backend-settings.ts";
import { readConfig } from "../../../core/config.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

let home: string;

beforeEach(() => {
  home = temporaryFolder();
});

function writeBrainFile(content: unknown): void {
  mkdirSync(join(home, ".fiftyone"), { recursive: true });
  const text = typeof content === "string" ? content : JSON.stringify(content);
  writeFileSync(join(home, ".fiftyone", "brain_config.json"), text);
}

const read = (environment: Record<string, string> = {}, overrides = {}) =>
  readConfig(overrides, { HOME: home, ...environment });

describe("order", () => {
  it("an argument wins over the environment, that over the file, that over the default", () => {
    expect(read().defaultSimilarityBackend).toBe("local");
    writeBrainFile({
      default_similarity_backend: "milvus",
      similarity_backends: { milvus: { uri: "file" } },
    });
    expect(read().defaultSimilarityBackend).toBe("milvus");
    expect(read().backendOptions("milvus")).toEqual({ uri: "file" });
    const environment = {
      FIFTYONE_BRAIN_DEFAULT_SIMILARITY_BACKEND: "elasticsearch",
      FIFTYONE_BRAIN_SIMILARITY_MILVUS_URI: "environment",
    };
    expect(read(environment).defaultSimilarityBackend).toBe("elasticsearch");
    expect(read(environment).backendOptions("milvus")).toEqual({ uri: "environment" });
    const overrides = {
      defaultSimilarityBackend: "local",
      similarityBackends: { milvus: { uri: "argument" } },
    };
    expect(read(environment, overrides).defaultSimilarityBackend).toBe("local");
    expect(read(environment, overrides).backendOptions("milvus")).toEqual({ uri: "argument" });
  });

  it("FIFTYONE_BRAIN_CONFIG_PATH names another file, which must be there", () => {
    const path = join(home, "other.json");
    writeFileSync(path, JSON.stringify({ default_similarity_backend: "milvus" }));
    expect(read({ FIFTYONE_BRAIN_CONFIG_PATH: path }).defaultSimilarityBackend).toBe("milvus");
    expect(() => read({ FIFTYONE_BRAIN_CONFIG_PATH: join(home, "none.json") })).toThrow(/cannot be read/);
  });

  it("folders and the hub come from the environment", () => {
    expect(read()).toMatchObject({
      home: join(home, ".nearsight"),
      cache: join(home, ".cache", "nearsight"),
    });
    const places = {
      NEARSIGHT_HOME: "/a",
      NEARSIGHT_CACHE: "/b",
      HF_ENDPOINT: "http://127.0.0.1:1",
      HF_TOKEN: "t",
    };
    expect(read(places)).toMatchObject({
      home: "/a",
      cache: "/b",
      hubEndpoint: "http://127.0.0.1:1",
      hubToken: "t",
    });
  });
});

describe("types", () => {
  it("are declared, never guessed: a password of digits stays text", () => {
    const options = read({
      FIFTYONE_BRAIN_SIMILARITY_MILVUS_PASSWORD: "0123",
      FIFTYONE_BRAIN_SIMILARITY_MILVUS_SECURE: "true",
      FIFTYONE_BRAIN_SIMILARITY_MILVUS_USER: "true",
    }).backendOptions("milvus");
    expect(options).toEqual({ password: "0123", secure: true, user: "true" });
    const elastic = read({
      FIFTYONE_BRAIN_SIMILARITY_ELASTICSEARCH_HOSTS: "http://a:1, http://b:2",
      FIFTYONE_BRAIN_SIMILARITY_ELASTICSEARCH_VERIFY_CERTS: "false",
    }).backendOptions("elasticsearch");
    expect(elastic).toEqual({ hosts: ["http://a:1", "http://b:2"], verifyCerts: false });
  });

  it("a value of the wrong type names the variable", () => {
    const wrong = { FIFTYONE_BRAIN_SIMILARITY_MILVUS_SECURE: "perhaps" };
    expect(() => read(wrong).backendOptions("milvus")).toThrow(/FIFTYONE_BRAIN_SIMILARITY_MILVUS_SECURE/);
  });

  it("a file that is no JSON object is CONFIG_INVALID and named", () => {
    for (const content of ["{", "[1]", { similarity_backends: 3 }]) {
      writeBrainFile(content);
      expect(() => read().backendOptions("milvus")).toThrow(
        expect.objectContaining({
          code: "CONFIG_INVALID",
          message: expect.stringContaining("brain_config.json"),
        }),
      );
    }
  });
});

describe("names of FiftyOne", () => {
  it("sklearn's settings are those of local", () => {
    expect(read({ FIFTYONE_BRAIN_SIMILARITY_SKLEARN_METRIC: "euclidean" }).backendOptions("local")).toEqual({
      metric: "euclidean",
    });
    writeBrainFile({ similarity_backends: { sklearn: { metric: "dotproduct" }, qdrant: { url: "x" } } });
    expect(read().backendOptions("sklearn")).toEqual({ metric: "dotproduct" });
  });

  it("a configured metric is used, and another default backend is refused with ours named", async () => {
    const config = { similarityBackends: { local: { metric: "euclidean" } } };
    const ns = await temporaryNearsight({ config });
    const dataset = await ns.createDataset("configured");
    await dataset.addSamples([{ filepath: "a.jpg" }]);
    const index = await ns.computeSimilarity(dataset, { embeddings: [[1, 2]], brainKey: "one" });
    expect(index.config.metric).toBe("euclidean");
    const other = await temporaryNearsight({
      config: { home: ns.home, defaultSimilarityBackend: "pinecone" },
    });
    const build = other.computeSimilarity(await other.loadDataset("configured"), { embeddings: [[1, 2]] });
    await expect(build).rejects.toMatchObject({
      code: "BACKEND_NOT_SUPPORTED",
      message: expect.stringContaining("pinecone"),
      hint: expect.stringContaining("local"),
    });
  });
});

it("rows tell where each value comes from and mask secrets", () => {
  const rows = read({
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_PASSWORD: "canary",
    HF_TOKEN: "canary",
    NEARSIGHT_STORE: "postgres://me:can@canary@host/database?password=canary",
  }).rows();
  const password = rows.find((row) => row.name === "milvus.password");
  expect(password).toMatchObject({
    value: "********",
    source: "environment",
    origin: "FIFTYONE_BRAIN_SIMILARITY_MILVUS_PASSWORD",
  });
  expect(JSON.stringify(rows)).not.toContain("canary");
});

it("rows show every setting of every backend, and no user of an address", () => {
  const rows = read({
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_URI: "https://me:canary@milvus.test:19530/db",
    FIFTYONE_BRAIN_SIMILARITY_ELASTICSEARCH_HOSTS: "https://me:canary@a.test,https://b.test",
  }).rows();
  const value = (name: string) => rows.find((row) => row.name === name)?.value;
  expect(value("milvus.uri")).toBe("https://********@milvus.test:19530/db");
  expect(value("elasticsearch.hosts")).toEqual(["https://********@a.test", "https://b.test"]);
  const names = Object.entries(BACKEND_SETTINGS).flatMap(([backend, settings]) =>
    Object.keys(settings).map((setting) => `${backend}.${setting}`),
  );
  expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
});

describe("the size of the embedding cache", () => {
  it("is a number of bytes, from anywhere", () => {
    expect(read().embeddingCacheBytes).toBe(2 ** 30);
    writeBrainFile({ nearsight_embedding_cache_bytes: 1_000 });
    expect(read().embeddingCacheBytes).toBe(1_000);
    expect(read({ NEARSIGHT_EMBEDDING_CACHE_BYTES: "0" }).embeddingCacheBytes).toBe(0);
    expect(read({}, { embeddingCacheBytes: 5 }).embeddingCacheBytes).toBe(5);
  });

  it.each(["-1", "1.5", "1 GB", " ", "Infinity"])("%j is CONFIG_INVALID", (text) => {
    expect(() => read({ NEARSIGHT_EMBEDDING_CACHE_BYTES: text })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});

/** Brain runs on servers in FiftyOne's data sets: recorded without asking the server, and written for it to find. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type BackendDriver, local } from "../../../core/backends/registry.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { approximateDriver } from "../../support/approximate-driver.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const ROWS = 5;
const ids = Array.from({ length: ROWS }, (_, i) => `0123456789abcdef0123456${i}`);
const server = approximateDriver();

/** A server that can be away. */
function named(name: "milvus" | "elasticsearch", isAway: () => boolean): BackendDriver {
  return {
    ...server,
    name,
    indexOptions: ["consistencyLevel", "indexName"],
    async connect(place, options) {
      const backend = await server.connect(place, options);
      return {
        ...backend,
        name,
        async open(collection) {
          if (isAway()) throw new Error("away");
          return backend.open(collection);
        },
      };
    },
  };
}

let away: boolean;
let ns: Nearsight;

beforeEach(async () => {
  away = true;
  server.server.clear();
  const drivers = (["milvus", "elasticsearch"] as const).map((name) => named(name, () => away));
  ns = await temporaryNearsight({ backends: [local, ...drivers] });
});

const MILVUS = {
  cls: "fiftyone.brain.internal.core.milvus.MilvusSimilarityConfig",
  method: "milvus",
  collection_name: "fiftyone_pets",
  metric: "euclidean",
  consistency_level: "Strong",
};
const ELASTICSEARCH = {
  cls: "fiftyone.brain.internal.core.elasticsearch.ElasticsearchSimilarityConfig",
  method: "elasticsearch",
  index_name: "fiftyone-pets",
  metric: "innerproduct",
};

async function imported(
  config: object,
): Promise<{ dataset: Dataset; failed: readonly { reason: string }[] }> {
  const folder = temporaryFolder();
  const run = {
    key: "near",
    version: "1.22.1",
    timestamp: { $date: "2026-01-02T03:04:05.000Z" },
    config: {
      ...{
        type: "similarity",
        embeddings_field: null,
        model: "clip",
        model_kwargs: null,
        supports_prompts: true,
      },
      ...{ patches_field: null, roi_field: null },
      ...config,
    },
    view_stages: [],
  };
  const samples = ids.map((id) => ({ _id: { $oid: id }, filepath: `data/${id}.jpg`, tags: [] }));
  writeFileSync(join(folder, "samples.json"), JSON.stringify({ samples }));
  writeFileSync(
    join(folder, "metadata.json"),
    JSON.stringify({ version: "1.0.0", brain_methods: { near: run } }),
  );
  const { dataset, report } = await ns.datasetFromDir(folder);
  return { dataset, failed: report.failed };
}

/** What Python has left on the server. */
async function fill(name: string, metric: "euclidean" | "dotproduct"): Promise<void> {
  const backend = await server.connect({ home: "" }, {});
  const collection = await backend.create({ name, dimension: 3, metric });
  await collection.upsert(
    (async function* () {
      yield { ids, sampleIds: ids, vectors: randomVectors(ROWS, 3, 8) };
    })(),
  );
}

describe.each([
  [MILVUS, { collectionName: "fiftyone_pets", metric: "euclidean", consistencyLevel: "Strong" }, "euclidean"],
  [ELASTICSEARCH, { collectionName: "fiftyone-pets", metric: "dotproduct" }, "dotproduct"],
] as const)("a run on a server: %j", (config, expected, metric) => {
  it("is recorded while the server is away", async () => {
    const { dataset, failed } = await imported(config);
    expect(failed).toEqual([]);
    expect(await dataset.getBrainInfo("near")).toMatchObject({
      state: "ready",
      config: { method: config.method, model: "clip", dimension: null, ...expected },
      entries: { indexed: 0 },
    });
  });

  it("is read when it is first searched, loaded or counted", async () => {
    const uses = [
      (dataset: Dataset) => dataset.sortBySimilarity({ id: ids[0] ?? "" }, { brainKey: "near" }).count(),
      async (dataset: Dataset) => (await dataset.loadBrainResults("near")).indexSize(),
      async (dataset: Dataset) => (await (await dataset.copyRun("near", { to: "local" })).sampleIds()).length,
      async (dataset: Dataset) => {
        await dataset.computeUniqueness({ similarityIndex: "near" });
        return (await dataset.values("uniqueness")).filter((value) => value !== null).length;
      },
    ];
    await fill(expected.collectionName, metric);
    away = false;
    for (const use of uses) {
      const { dataset } = await imported(config);
      expect(await use(dataset)).toBe(ROWS);
      expect((await dataset.getBrainInfo("near")).config.dimension).toBe(3);
      await ns.deleteDataset(dataset.name);
    }
  });

  it("says that its collection is gone, and is never dropped with its index", async () => {
    const { dataset } = await imported(config);
    away = false;
    await expect(dataset.loadBrainResults("near")).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
    await fill(expected.collectionName, metric);
    await (await dataset.loadBrainResults("near")).delete();
    expect([...server.server.keys()]).toEqual([expected.collectionName]);
  });

  it("is written as FiftyOne has it, without vectors, whether it was read or not", async () => {
    const { dataset } = await imported(config);
    const folder = join(temporaryFolder(), "out");
    const { failed } = await dataset.export(folder, { format: "fiftyone", exportMedia: false });
    expect(failed).toEqual([]);
    const metadata = JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8"));
    const document = metadata.brain_methods.near;
    expect((typeof document === "string" ? JSON.parse(document) : document).config).toEqual({
      type: "similarity",
      ...config,
      // Its import makes a client, which needs some address.
      ...(config.method === "elasticsearch" ? { hosts: "http://localhost:9200" } : {}),
      ...{ embeddings_field: null, model: null, model_kwargs: null, supports_prompts: false },
      ...{ patches_field: null, roi_field: null },
    });
    expect(JSON.parse(readFileSync(join(folder, "brain", "near.json"), "utf8"))).toEqual({
      cls: config.cls.replace("Config", "Index"),
    });
    const again = await ns.datasetFromDir(folder, { name: "again" });
    expect((await again.dataset.getBrainInfo("near")).config).toMatchObject({ model: "clip", ...expected });
  });
});

describe("a run on a server whose ids FiftyOne cannot have", () => {
  async function exported(id: string, labelId: string, patchesField: string | null) {
    const dataset = await ns.createDataset();
    const detections = [{ id: labelId, label: "cat", boundingBox: [0, 0, 1, 1] }];
    await dataset.addSample({ id, filepath: "a.jpg", objects: { _cls: "Detections", detections } });
    away = false;
    await dataset.computeSimilarity({
      ...{ brainKey: "near", backend: "milvus", embeddings: [[1, 2]] },
      ...(patchesField === null ? {} : { patchesField }),
    });
    const folder = join(temporaryFolder(), "out");
    const { failed } = await dataset.export(folder, { format: "fiftyone", exportMedia: false });
    const { brain_methods: methods } = JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8"));
    return { failed, keys: Object.keys(methods) };
  }
  const [id = "", labelId = ""] = ids;

  it.each([
    ["picture-1", labelId, null],
    ["picture-1", labelId, "objects"],
    [id, "box-1", "objects"],
  ])("is named instead of written: %s, %s, %s", async (sample, label, field) => {
    expect(await exported(sample, label, field)).toEqual({
      failed: [{ path: "brain run 'near'", reason: expect.stringContaining("24 hexadecimal characters") }],
      keys: [],
    });
  });

  it.each([
    [id, "box-1", null],
    [id, labelId, "objects"],
  ])("is written where they are not its own: %s, %s, %s", async (sample, label, field) => {
    expect(await exported(sample, label, field)).toEqual({ failed: [], keys: ["near"] });
  });
});

describe("a lazy run", () => {
  it.each([{ embeddings: false }, { embeddings: [[1]], collectionName: "c" }] as const)(
    "is refused with %j",
    async (options) => {
      const dataset = await ns.createDataset(`lazy ${JSON.stringify(options)}`);
      await dataset.addSample({ filepath: "a.jpg" });
      const run = ns.computeSimilarity(dataset, { ...options, lazy: true, backend: "milvus" });
      await expect(run).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("lazy"),
      });
    },
  );

  it("takes the metric that its collection has", async () => {
    const dataset = await ns.createDataset("metric");
    await fill("made_elsewhere", "euclidean");
    const options = {
      embeddings: false,
      lazy: true,
      backend: "milvus",
      collectionName: "made_elsewhere",
    } as const;
    const index = await ns.computeSimilarity(dataset, { ...options, metric: "cosine", brainKey: "near" });
    away = false;
    expect(await index.totalIndexSize()).toBe(ROWS);
    expect((await dataset.getBrainInfo("near")).config).toMatchObject({ metric: "euclidean", dimension: 3 });
  });
});

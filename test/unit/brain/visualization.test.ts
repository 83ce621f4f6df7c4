/** Visualizations as brain runs: computing, keeping, viewing, plotting and removing them. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import sharp from "sharp";
import { beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "../../../core/config.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type {
  ComputeVisualizationOptions,
  VisualizationResults,
} from "../../../core/dataset/visualization-port.ts";
import { type Matrix, matrix } from "../../../core/matrix.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { colourModel } from "../../support/colour-model.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const ROWS = 30;
let ns: Nearsight & { home: string };
let dataset: Dataset;
let ids: string[];
let embeddings: Matrix;

beforeEach(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("places");
  ids = await dataset.addSamples(
    Array.from({ length: ROWS }, (_, i) => ({
      filepath: `picture${i}.png`,
      tags: i < 10 ? ["first"] : [],
      kind: { _cls: "Classification" as const, label: i % 2 === 0 ? "even" : "odd" },
      weight: i,
    })),
  );
  embeddings = randomVectors(ROWS, 8, 5);
});

const compute = (options: ComputeVisualizationOptions) => dataset.computeVisualization(options);
const load = (key: string, from = dataset) => from.loadBrainResults<VisualizationResults>(key);

describe("a visualization", () => {
  it.each(["umap", "tsne", "pca"] as const)(
    "by %s places every sample, the same each time",
    async (method) => {
      const results = await compute({ method, embeddings, brainKey: "map" });
      expect(results.points.shape).toEqual([ROWS, 2]);
      expect(results.sampleIds).toEqual(ids);
      expect(results.labelIds).toBeNull();
      expect([...results.points.data].every(Number.isFinite)).toBe(true);
      const again = await compute({ method, embeddings, brainKey: "again" });
      expect(again.points.data).toEqual(results.points.data);
    },
  );

  it("is umap of a new key in 2 dimensions unless something else is asked", async () => {
    const results = await compute({ embeddings });
    expect(results.config).toMatchObject({ type: "visualization", method: "umap", numDims: 2, seed: 51 });
    expect(await dataset.listBrainRuns()).toEqual([results.key]);
  });

  it("survives reopening, with its configuration", async () => {
    const { points } = await compute({
      method: "tsne",
      numDims: 3,
      perplexity: 5,
      embeddings,
      brainKey: "map",
    });
    await ns.close();
    const next = await temporaryNearsight({ config: { home: ns.home } });
    const results = await load("map", await next.loadDataset("places"));
    expect(results.points.data).toEqual(points.data);
    expect(results.sampleIds).toEqual(ids);
    expect(results.config).toMatchObject({
      numDims: 3,
      dimension: 8,
      metric: "euclidean",
      layout: { perplexity: 5 },
    });
  });

  it("is listed by type and method, renamed and removed with its points", async () => {
    await dataset.computeSimilarity({ embeddings, brainKey: "index" });
    await compute({ method: "pca", embeddings, brainKey: "map" });
    expect(await dataset.listBrainRuns({ type: "visualization" })).toEqual(["map"]);
    expect(await dataset.listBrainRuns({ method: "pca" })).toEqual(["map"]);
    await dataset.renameBrainRun("map", "plane");
    const results = await load("plane");
    expect(results.key).toBe("plane");
    await results.delete();
    await results.delete();
    expect(await dataset.listBrainRuns()).toEqual(["index"]);
    await compute({ method: "pca", embeddings, brainKey: "plane" });
    await dataset.deleteBrainRun("plane");
    await expect(load("plane")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });

  it("leaves nothing but its run behind, and no run where it fails or is cancelled", async () => {
    const controller = new AbortController();
    const cancelled = compute({
      embeddings,
      brainKey: "map",
      progress: () => controller.abort(),
      signal: controller.signal,
    });
    await expect(cancelled).rejects.toMatchObject({ code: "ABORTED" });
    expect(await dataset.listBrainRuns()).toEqual([]);
    await compute({ embeddings, brainKey: "map" });
    const taken = compute({ embeddings, brainKey: "map" });
    await expect(taken).rejects.toMatchObject({ code: "RUN_EXISTS" });
    const backend = await (await dataset.computeSimilarity({ embeddings, brainKey: "index" })).client();
    expect(backend).toBeDefined();
  });

  it("that was cut off while it was written cannot be loaded, and is made anew under its key", async () => {
    await compute({ method: "pca", embeddings, brainKey: "map" });
    const database = new DatabaseSync(join(ns.home, "nearsight.db"));
    database.exec("UPDATE runs SET state = 'planned'");
    database.close();
    await expect(load("map")).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
    await compute({ method: "pca", embeddings, brainKey: "map" });
    expect((await load("map")).points.rows).toBe(ROWS);
  });

  it("is never taken for a similarity index", async () => {
    await compute({ method: "pca", embeddings, brainKey: "map" });
    const alone = dataset.sortBySimilarity({ id: ids[0] ?? "" }).count();
    await expect(alone).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    await dataset.computeSimilarity({ embeddings, brainKey: "index" });
    expect(await dataset.sortBySimilarity({ id: ids[0] ?? "" }, { k: 3 }).count()).toBe(3);
    const named = dataset.sortBySimilarity({ id: ids[0] ?? "" }, { brainKey: "map" }).count();
    await expect(named).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const ofMap = compute({ similarityIndex: "map", brainKey: "second" });
    await expect(ofMap).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});

describe("vectors come", () => {
  it("from an index by key or itself, as from the same embeddings", async () => {
    const index = await dataset.computeSimilarity({ embeddings, metric: "euclidean", brainKey: "index" });
    const given = await compute({ embeddings, brainKey: "given" });
    const byKey = await compute({ similarityIndex: "index", brainKey: "key" });
    const byIndex = await compute({ similarityIndex: index, brainKey: "object" });
    expect(byKey.points.data).toEqual(given.points.data);
    expect(byIndex.points.data).toEqual(given.points.data);
    expect(byKey.config.similarityIndex).toBe("index");
  });

  it("from an index of dot products, whose order of neighbours says nothing of distances", async () => {
    await dataset.computeSimilarity({ embeddings, metric: "dotproduct", brainKey: "index" });
    const given = await compute({ embeddings, brainKey: "given" });
    const results = await compute({ similarityIndex: "index", brainKey: "map" });
    expect(results.points.data).toEqual(given.points.data);
    expect(results.config.metric).toBe("euclidean");
  });

  it("from a field, without the samples that have none", async () => {
    for (const [i, id] of ids.slice(0, 20).entries()) {
      await dataset.select([id]).setField("vector", embeddings.row(i).slice());
    }
    const results = await compute({ method: "pca", embeddings: "vector", brainKey: "map" });
    expect(results.sampleIds).toEqual(ids.slice(0, 20));
    expect(await results.missingSize()).toBe(10);
    expect(await dataset.getBrainInfo("map")).toMatchObject({ state: "partial", entries: { failed: 10 } });
  });

  it("from a model", async () => {
    const folder = temporaryFolder();
    const colours = ["red", "darkred", "blue", "navy", "crimson"];
    const paths = colours.map((colour) => join(folder, `${colour}.png`));
    for (const [i, background] of colours.entries()) {
      await sharp({ create: { width: 8, height: 8, channels: 3, background } })
        .png()
        .toFile(paths[i] ?? "");
    }
    const painted = await ns.createDataset("painted");
    await painted.addSamples([
      ...paths.map((filepath) => ({ filepath })),
      { filepath: join(folder, "gone.png") },
    ]);
    const results = await painted.computeVisualization({
      model: colourModel(),
      method: "pca",
      brainKey: "map",
    });
    expect(results.points.rows).toBe(5);
    expect(results.config.model).toBe("colours");
    const x = results.points.data.filter((_, i) => i % 2 === 0);
    expect(Math.sign(x[0] ?? 0)).toBe(-Math.sign(x[2] ?? 0));
    expect((await painted.getBrainInfo("map")).failed).toHaveLength(1);
  });

  it("as finished points, by order or by id", async () => {
    const points = randomVectors(ROWS, 3, 8);
    const before = points.data.slice();
    const inOrder = await compute({ points, brainKey: "order" });
    expect(inOrder.config).toMatchObject({ method: "manual", numDims: 3 });
    expect(inOrder.points.data).toEqual(points.data);
    expect(points.data).toEqual(before);
    const byId = await compute({
      points: { [ids[4] ?? ""]: [1, 2], [ids[2] ?? ""]: [3, 4] },
      brainKey: "id",
    });
    expect(byId.sampleIds).toEqual([ids[2], ids[4]]);
    expect([...byId.points.data]).toEqual([3, 4, 1, 2]);
  });
});

describe("views and plots", () => {
  it("show the points of a view", async () => {
    const results = await compute({ method: "pca", embeddings, brainKey: "map" });
    expect(results.useView(dataset.matchTags("first").skip(2)).hasView).toBe(true);
    expect(await results.currentSampleIds()).toEqual(ids.slice(2, 10));
    expect((await results.currentPoints()).data).toEqual(results.points.data.slice(4, 20));
    expect(await results.values("weight")).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect([await results.indexSize(), await results.missingSize()]).toEqual([8, 0]);
    results.clearView();
    expect(await results.indexSize()).toBe(ROWS);
  });

  it("are made and loaded on a view", async () => {
    const first = await dataset.matchTags("first").computeVisualization({
      method: "pca",
      embeddings: matrix(embeddings.data.slice(0, 80), 8),
      brainKey: "map",
    });
    expect(first.sampleIds).toEqual(ids.slice(0, 10));
    expect(await (await load("map")).missingSize()).toBe(20);
    expect(await (await dataset.loadBrainView("map")).count()).toBe(10);
  });

  it("are columns with labels, sizes and only some classes", async () => {
    const results = await compute({ method: "pca", numDims: 3, embeddings, brainKey: "map" });
    const plot = await results.visualize({ labels: "kind.label", sizes: "weight", classes: ["odd"] });
    const odd = ids.filter((_, i) => i % 2 === 1);
    expect(plot.ids).toEqual(odd);
    expect(plot.labels).toEqual(odd.map(() => "odd"));
    expect(plot.sizes).toEqual(odd.map((_, i) => 2 * i + 1));
    expect([plot.x[0], plot.y[0], plot.z?.[0]]).toEqual([...results.points.row(1)]);
    const own = await results.visualize({ labels: ids.map((_, i) => i % 3) });
    expect(own.labels?.slice(0, 4)).toEqual([0, 1, 2, 0]);
    await expect(results.visualize({ labels: [1] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(results.visualize({ classes: [1] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("no longer show deleted samples", async () => {
    const results = await compute({ method: "pca", embeddings, brainKey: "map" });
    await dataset.deleteSamples([ids[3] ?? ""]);
    expect(await results.currentSampleIds()).toEqual(ids.toSpliced(3, 1));
    expect((await load("map")).sampleIds).toEqual(ids.toSpliced(3, 1));
  });

  it("are kept in a field on demand", async () => {
    const results = await compute({ method: "pca", embeddings, createIndex: true, brainKey: "map" });
    expect(results.config.pointsField).toBe("map");
    expect(await dataset.values("map")).toEqual(ids.map((_, i) => results.points.row(i)));
    const other = compute({ method: "pca", numDims: 3, embeddings, pointsField: "map", brainKey: "three" });
    await expect(other).rejects.toMatchObject({ code: "DIMENSION_MISMATCH" });
  });

  it("are of patches where the index is, and of the patches of a view", async () => {
    const scenes = await ns.createDataset("scenes");
    const boxes = (count: number) => ({
      _cls: "Detections" as const,
      detections: Array.from({ length: count }, (_, i) => ({
        label: `part${i}`,
        boundingBox: [i / 4, 0, 0.2, 0.5] as const,
      })),
    });
    const sceneIds = await scenes.addSamples([
      { filepath: "a.png", parts: boxes(3) },
      { filepath: "b.png", parts: boxes(2) },
    ]);
    await scenes.computeSimilarity({
      patchesField: "parts",
      embeddings: randomVectors(5, 8),
      brainKey: "index",
    });
    const results = await scenes.computeVisualization({
      similarityIndex: "index",
      method: "pca",
      brainKey: "map",
    });
    expect(results.config.patchesField).toBe("parts");
    expect(results.sampleIds).toEqual([0, 0, 0, 1, 1].map((i) => sceneIds[i]));
    expect(results.labelIds).toHaveLength(5);
    results.useView(scenes.select([sceneIds[1] ?? ""]));
    expect(await results.currentLabelIds()).toEqual(results.labelIds?.slice(3));
    expect((await results.visualize({ labels: "parts.label" })).labels).toEqual(["part0", "part1"]);
  });
});

describe("refused", () => {
  it.each<[string, ComputeVisualizationOptions, string]>([
    ["an unknown method", { method: "magic" as "pca" }, "INVALID_ARGUMENT"],
    ["manual without points", { method: "manual" }, "INVALID_ARGUMENT"],
    ["points with a method", { method: "pca", points: [[1, 2]] }, "INVALID_ARGUMENT"],
    ["an option of another method", { method: "pca", perplexity: 3 }, "INVALID_ARGUMENT"],
    ["no dimensions", { numDims: 0 }, "INVALID_ARGUMENT"],
    ["half a dimension", { numDims: 1.5 }, "INVALID_ARGUMENT"],
    ["a negative seed", { seed: -1 }, "INVALID_ARGUMENT"],
    ["one neighbour", { numNeighbors: 1 }, "INVALID_ARGUMENT"],
    ["a perplexity that is no number", { method: "tsne", perplexity: Number.NaN }, "INVALID_ARGUMENT"],
    ["a metric without distances", { metric: "dotproduct" as "cosine" }, "METRIC_NOT_SUPPORTED"],
    ["vectors of the wrong number", { embeddings: [[1, 2]] }, "INVALID_ARGUMENT"],
    ["an unknown index", { embeddings: "vector", similarityIndex: "index" }, "RUN_NOT_FOUND"],
    ["a field without vectors", { embeddings: "vector" }, "FIELD_NOT_FOUND"],
    ["an unknown patches field", { patchesField: "parts" }, "FIELD_NOT_FOUND"],
  ])("is %s", async (_, options, code) => {
    await expect(compute({ brainKey: "map", ...options })).rejects.toMatchObject({ code });
    expect(await dataset.listBrainRuns()).toEqual([]);
  });

  it("are vectors with NaN, packed bits, an empty view, and two sources of vectors", async () => {
    const broken = matrix(embeddings.data.slice(), 8);
    broken.data[9] = Number.NaN;
    await expect(compute({ embeddings: broken })).rejects.toMatchObject({ code: "VECTOR_INVALID" });
    const bits = matrix(new Uint8Array(ROWS), 8);
    await expect(compute({ embeddings: bits })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const empty = dataset.limit(0).computeVisualization({ embeddings: [] });
    await expect(empty).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await dataset.computeSimilarity({ embeddings, brainKey: "index" });
    const both = compute({ embeddings, similarityIndex: "index" });
    await expect(both).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await dataset.listBrainRuns({ type: "visualization" })).toEqual([]);
  });

  it("is nothing of few rows: one, two, three and five samples are placed", async () => {
    for (const rows of [1, 2, 3, 5]) {
      for (const method of ["umap", "tsne", "pca"] as const) {
        const few = matrix(embeddings.data.slice(0, rows * 8), 8);
        const quick = method === "tsne" ? { maxIters: 300 } : {};
        const results = await dataset.limit(rows).computeVisualization({ method, embeddings: few, ...quick });
        expect(results.points.shape).toEqual([rows, 2]);
        expect([...results.points.data].every(Number.isFinite)).toBe(true);
      }
    }
  });
});

describe("settings", () => {
  it("name the method and its options", async () => {
    const overrides = {
      defaultVisualizationMethod: "tsne",
      visualizationMethods: { tsne: { maxIters: 10 } },
    };
    const set = await temporaryNearsight({ config: overrides });
    const own = await set.createDataset("own");
    await own.addSamples([{ filepath: "a.png" }, { filepath: "b.png" }]);
    const results = await set.computeVisualization(own, {
      embeddings: [
        [1, 2],
        [3, 5],
      ],
    });
    expect(results.config).toMatchObject({ method: "tsne", layout: { maxIters: 10 } });
  });

  it("are read by type, FiftyOne's names from environment and file", () => {
    const HOME = temporaryFolder();
    const path = join(HOME, "brain.json");
    writeFileSync(
      path,
      JSON.stringify({
        default_visualization_method: "pca",
        visualization_methods: { umap: { min_dist: 0.5 } },
      }),
    );
    const config = readConfig(
      {},
      { HOME, FIFTYONE_BRAIN_CONFIG_PATH: path, FIFTYONE_BRAIN_VISUALIZATION_UMAP_NUM_NEIGHBORS: "7" },
    );
    expect(config.defaultVisualizationMethod).toBe("pca");
    expect(config.visualizationOptions("umap")).toEqual({ numNeighbors: 7, minDist: 0.5 });
    expect(() =>
      readConfig({}, { HOME, FIFTYONE_BRAIN_VISUALIZATION_TSNE_PERPLEXITY: "many" }).visualizationOptions(
        "tsne",
      ),
    ).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});

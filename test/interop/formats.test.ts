/** Round trips through the real FiftyOne: its data sets read here, ours read there, and back again. */

import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SimilarityIndex } from "../../core/dataset/brain-port.ts";
import type { Dataset } from "../../core/dataset/dataset.ts";
import { F } from "../../core/dataset/field.ts";
import type { ImportReport } from "../../core/dataset/io-port.ts";
import type { Detection, Detections } from "../../core/dataset/labels.ts";
import type { Sample } from "../../core/dataset/sample.ts";
import type { SampleCollection } from "../../core/dataset/sample-collection.ts";
import type { Nearsight } from "../../core/nearsight.ts";
import { type FiftyOnePeer, startFiftyOne } from "../support/fiftyone-peer.ts";
import { importNew } from "../support/imports.ts";
import { temporaryFolder, temporaryNearsight } from "../support/temporary.ts";

interface RunFacts {
  readonly config: Readonly<Record<string, unknown>>;
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
  readonly vectors: readonly (readonly number[])[];
  readonly nearest: readonly string[];
  readonly answers: number | null;
}

interface LabelFacts {
  readonly _id: { readonly $oid: string };
  readonly label: string;
  readonly confidence?: number;
  readonly bounding_box: readonly number[];
  readonly tags: readonly string[];
}

interface SampleFacts {
  readonly _id: { readonly $oid: string };
  readonly filepath: string;
  readonly tags: readonly string[];
  readonly [field: string]: unknown;
}

/** What tools/fiftyone-peer.py says of a data set. */
interface Facts {
  readonly count: number;
  readonly samples: readonly SampleFacts[];
  readonly fields: Readonly<Record<string, string>>;
  readonly views: Readonly<Record<string, readonly string[]>>;
  readonly runs: Readonly<Record<string, RunFacts>>;
}

/** What it says of a data set in a format of others: a label field by the name of the file. */
interface LabelledFiles {
  readonly samples: readonly (readonly [
    name: string,
    { readonly detections?: readonly LabelFacts[]; readonly label?: string } | null,
  ])[];
}

/** What it says of a table: the cells of each row, parsed, by the name of the file. */
interface TableRows {
  readonly samples: readonly (readonly [name: string, cells: Readonly<Record<string, unknown>>])[];
}

let ns: Nearsight;
let peer: FiftyOnePeer;
let folder: string;
/** What FiftyOne says of the data set that it made. */
let made: Facts;

beforeAll(async () => {
  ns = await temporaryNearsight();
  folder = temporaryFolder();
  peer = await startFiftyOne(folder);
  await peer.run("make", join(folder, "made"));
  made = readFacts(join(folder, "made/facts.json"));
}, 1_200_000);

afterAll(async () => {
  await peer?.stop();
});

function readFacts(path: string): Facts {
  return JSON.parse(readFileSync(path, "utf8")) as Facts;
}

const imported = (path: string) => importNew(ns, path);

async function exported(dataset: Dataset, name: string): Promise<string> {
  const target = join(folder, name);
  const report = await dataset.export(target, { format: "fiftyone" });
  expect(report.exported).toBe(await dataset.count());
  return target;
}

/** What FiftyOne says of a data set of ours; `again` is where it exports it to. */
async function readByFiftyOne(path: string, again: string): Promise<Facts> {
  await peer.run("facts", path, `${path}.json`, join(folder, again));
  return readFacts(`${path}.json`);
}

async function expectSameRun(dataset: Dataset, key: string, run: RunFacts | undefined): Promise<void> {
  const index = (await dataset.loadBrainResults(key)) as SimilarityIndex;
  const { embeddings, sampleIds, labelIds } = await index.getEmbeddings();
  const positions = new Map((labelIds ?? sampleIds).map((id, i) => [id, i]));
  expect(positions.size).toBe(run?.ids.length);
  const rows = (run?.ids ?? []).map((id) => [...embeddings.row(positions.get(id) ?? -1)]);
  expect(rows).toEqual(run?.vectors);
  expect((run?.ids ?? []).map((id) => sampleIds[positions.get(id) ?? -1])).toEqual(run?.sampleIds);
  const rowsOf = labelIds === null ? dataset : dataset.toPatches(index.config.patchesField ?? "");
  const view = rowsOf.sortBySimilarity({ id: run?.ids[0] ?? "" }, { brainKey: key });
  expect(await view.values("id")).toEqual(run?.nearest);
}

function expectSameBoxes(
  found: readonly Detection[],
  facts: readonly LabelFacts[],
  { ids = true, tolerance = 1e-6 } = {},
): void {
  expect(found.map(({ label }) => label)).toEqual(facts.map(({ label }) => label));
  if (ids) expect(found.map(({ id }) => id)).toEqual(facts.map(({ _id }) => _id.$oid));
  for (const [i, { boundingBox }] of found.entries()) {
    boundingBox.forEach((value, side) => {
      expect(Math.abs(value - (facts[i]?.bounding_box[side] ?? Number.NaN))).toBeLessThanOrEqual(tolerance);
    });
  }
}

function labelsOf(sample: SampleFacts | undefined, field: string): readonly LabelFacts[] {
  return (sample?.[field] as { readonly detections: readonly LabelFacts[] } | undefined)?.detections ?? [];
}

/** The samples of a data set as JSON, without where their files are. */
async function samplesOf(dataset: Dataset): Promise<unknown[]> {
  const vectorFields = (await dataset.fields()).filter(({ type }) => type === "vector");
  const samples: unknown[] = [];
  for await (const sample of dataset) {
    const vectors: Record<string, number[]> = {};
    for (const { name } of vectorFields) {
      vectors[name] = [...(await dataset.getVectors(name, [sample])).vectors.data];
    }
    samples.push({ ...JSON.parse(JSON.stringify(sample)), filepath: basename(sample.filepath), vectors });
  }
  return samples;
}

describe("a data set that FiftyOne made", () => {
  let dataset: Dataset;
  let report: ImportReport;
  beforeAll(async () => {
    ({ dataset, report } = await imported(join(folder, "made/fiftyone")));
  });

  test("is read whole, and what has no place is named", () => {
    expect(report).toMatchObject({ format: "fiftyone", added: made.count });
    expect([...report.brainRuns].sort()).toEqual(Object.keys(made.runs).sort());
    expect(report.failed.map(({ path }) => path)).toEqual([
      "metadata.json: brain run 'plot'",
      "metadata.json: saved view 'random'",
    ]);
  });

  test("has the same ids, tags, labels, boxes and vectors", async () => {
    const samples = await dataset.head(made.count);
    expect(samples.map(({ id }) => id)).toEqual(made.samples.map(({ _id }) => _id.$oid));
    expect(samples.map(({ tags }) => tags)).toEqual(made.samples.map(({ tags }) => tags));
    for (const [i, fact] of made.samples.entries()) {
      const detections = labelsOf(fact, "objects");
      const found = samples[i]?.get<Detections>("objects")?.detections ?? [];
      expectSameBoxes(found, detections);
      expect(found.map(({ confidence }) => confidence)).toEqual(
        detections.map(({ confidence }) => confidence),
      );
    }
    const { vectors } = await dataset.getVectors("vector", samples);
    expect([...vectors.data]).toEqual(made.samples.flatMap((fact) => fact["vector"]));
  });

  test("answers searches as exact arithmetic on FiftyOne's vectors does", async () => {
    for (const [key, run] of Object.entries(made.runs)) await expectSameRun(dataset, key, run);
  });

  test("shows the same rows in saved views", async () => {
    // FiftyOne searches among vectors that it has centred: that view's answer can differ.
    const names = report.savedViews.filter((name) => name !== "similar");
    expect(names.length).toBeGreaterThan(6);
    for (const name of names) {
      expect([name, await (await dataset.loadView(name)).values("id")]).toEqual([name, made.views[name]]);
    }
  });

  test("comes as one file a sample, too", async () => {
    const folders = await imported(join(folder, "made/folders"));
    expect(await samplesOf(folders.dataset)).toEqual(await samplesOf(dataset));
  });

  test("is the same in FiftyOne again, and here again after that", async () => {
    const facts = await readByFiftyOne(await exported(dataset, "back"), "back-again");
    const { random: _, ...views } = made.views;
    expect(facts.samples).toEqual(made.samples);
    expect(facts.fields).toEqual(made.fields);
    expect(facts.views).toEqual(views);
    // Vectors of a field come as those of the run itself.
    const runs = Object.entries(made.runs).map(([key, run]) => [
      key,
      { ...run, config: { ...run.config, embeddings_field: null } },
    ]);
    expect(facts.runs).toEqual(Object.fromEntries(runs));
    const again = await imported(join(folder, "back-again"));
    expect(again.report.failed).toEqual([]);
    expect(await samplesOf(again.dataset)).toEqual(await samplesOf(dataset));
  });

  test.each([
    ["coco", 1e-6],
    ["yolo", 1e-6],
    // FiftyOne cuts boxes down to whole pixels, of which the pictures have 20 from top to bottom.
    ["voc", 1 / 20 + 1e-6],
  ])("has the same boxes as %s", async (format, tolerance) => {
    const other = await imported(join(folder, "made", format));
    expect(other.report).toMatchObject({ format, added: made.count, failed: [] });
    const facts = new Map(made.samples.map((sample) => [sample.filepath, sample]));
    for await (const sample of other.dataset) {
      const found = sample.get<Detections>("ground_truth")?.detections ?? [];
      expectSameBoxes(found, labelsOf(facts.get(basename(sample.filepath)), "objects"), {
        ids: false,
        tolerance,
      });
    }
  });

  test("has the same classes as a tree", async () => {
    const { dataset: tree, report: treeReport } = await imported(join(folder, "made/tree"));
    expect(treeReport).toMatchObject({ format: "tree", added: made.count, failed: [] });
    const kinds = made.samples.map((sample) => (sample["kind"] as LabelFacts).label).sort();
    expect([...(await tree.values<string>("ground_truth.label"))].sort()).toEqual(kinds);
  });
});

describe("a table that FiftyOne made", () => {
  test("has the same paths, ids, tags, numbers, truth values and texts", async () => {
    const { dataset, report } = await imported(join(folder, "made/csv"));
    expect(report).toMatchObject({ format: "csv", added: made.count, failed: [] });
    const samples = await dataset.head(made.count);
    for (const [i, fact] of made.samples.entries()) {
      const { id, filepath, tags, fields } = samples[i] as Sample;
      expect([id, tags]).toEqual([fact._id.$oid, fact.tags]);
      expect(existsSync(filepath)).toBe(true);
      expect(basename(filepath)).toBe(fact.filepath);
      const { number, isGood, loss } = fact;
      expect(fields).toEqual({
        ...{ number, isGood, kind_label: (fact["kind"] as LabelFacts).label },
        ...(typeof loss === "number" ? { loss } : {}),
        // Lists and dates are the text that FiftyOne writes.
        words: "x,y z,\u00fc\u2603",
        taken: expect.stringMatching(/^\d{4}-01-02 03:04:05\.678000$/),
      });
    }
  });
});

describe("a data set that was made here", () => {
  let dataset: Dataset;
  let facts: Facts;
  beforeAll(async () => {
    dataset = await ns.loadZooDataset("quickstart", { maxSamples: 40 });
    await dataset.computeEmbeddings("nearsight-tiny", { embeddingsField: "embedding" });
    await dataset.computeSimilarity({ brainKey: "images", embeddings: "embedding" });
    await dataset.computeSimilarity({
      brainKey: "objects",
      patchesField: "ground_truth",
      metric: "euclidean",
    });
    const view = dataset.match(F("ground_truth").labels(F("label").ne("car"))).sortBy("filepath");
    await dataset.saveView("no cars", view.limit(10));
    await dataset.saveView(
      "below",
      dataset.match(F("tags").contains("validation").or(F("filepath").startsWith("/"))),
    );
    facts = await readByFiftyOne(await exported(dataset, "quickstart"), "quickstart-again");
  }, 600_000);

  test("has the same samples, labels and vectors in FiftyOne", async () => {
    const samples = await dataset.head(40);
    expect(facts.samples.map(({ _id, tags }) => [_id.$oid, tags])).toEqual(
      samples.map(({ id, tags }) => [id, tags]),
    );
    for (const [i, sample] of samples.entries()) {
      const found = sample.get<Detections>("ground_truth")?.detections ?? [];
      expectSameBoxes(found, labelsOf(facts.samples[i], "ground_truth"));
    }
    const { vectors } = await dataset.getVectors("embedding", samples);
    expect(facts.samples.flatMap((sample) => sample["embedding"])).toEqual([...vectors.data]);
  });

  test("has fields of FiftyOne's types", () => {
    expect(facts.fields).toMatchObject({
      ground_truth: "fiftyone.core.fields.EmbeddedDocumentField(fiftyone.core.labels.Detections)",
      embedding: "fiftyone.core.fields.VectorField",
    });
  });

  test("has the same views in FiftyOne", async () => {
    expect(Object.keys(facts.views).sort()).toEqual(["below", "no cars"]);
    for (const name of await dataset.listSavedViews()) {
      expect(facts.views[name]).toEqual(await (await dataset.loadView(name)).values("id"));
    }
  });

  test.each(["images", "objects"])("has the vectors of run '%s', and the same neighbours", async (key) => {
    await expectSameRun(dataset, key, facts.runs[key]);
    expect(facts.runs[key]?.answers).toBe(key === "images" ? 3 : null);
  });

  test.each([
    ["coco", "COCODetectionDataset", 1e-6],
    ["yolo", "YOLOv5Dataset", 1e-6],
    // Whole pixels, of which the scenes have at least 200 from top to bottom.
    ["voc", "VOCDetectionDataset", 1 / 200],
  ])("has the same boxes as %s in FiftyOne", async (format, kind, tolerance) => {
    const target = join(folder, `out-${format}`);
    await dataset.export(target, { format, labelField: "ground_truth" });
    await peer.run("labels", kind, target, `${target}.json`);
    const { samples } = JSON.parse(readFileSync(`${target}.json`, "utf8")) as LabelledFiles;
    const read = new Map(samples);
    expect(read.size).toBe(40);
    for await (const sample of dataset) {
      const found = sample.get<Detections>("ground_truth")?.detections ?? [];
      const labels = read.get(basename(sample.filepath))?.detections ?? [];
      expectSameBoxes(found, labels, { ids: false, tolerance });
    }
  });

  test("has the same classes as a tree in FiftyOne", async () => {
    const target = join(folder, "out-tree");
    const kinds = await ns.createDataset();
    const paths = await dataset.values<string>("filepath");
    await kinds.addSamples(
      paths.map((filepath, i) => ({ filepath, kind: { _cls: "Classification", label: `kind ${i % 3}` } })),
    );
    await kinds.export(target, { format: "tree" });
    await peer.run("labels", "ImageClassificationDirectoryTree", target, `${target}.json`);
    const { samples } = JSON.parse(readFileSync(`${target}.json`, "utf8")) as LabelledFiles;
    const read = new Map(samples.map(([name, label]) => [name, label?.label]));
    expect(paths.map((path) => read.get(basename(path)))).toEqual(paths.map((_, i) => `kind ${i % 3}`));
  });

  test("has the same fields as a table in FiftyOne, and here again after that", async () => {
    const target = join(folder, "out-table");
    const table = await ns.createDataset();
    const paths = await dataset.values<string>("filepath");
    await table.addSamples(
      paths.map((filepath, i) => ({
        ...{ filepath, tags: i % 2 === 0 ? ["even", "all"] : ["all"], number: i / 4, isEven: i % 2 === 0 },
        ...(i % 3 === 0 ? {} : { text: `a "quoted", two-line\ntext ${i}` }),
        vector: Float32Array.of(i, -0.1, 1e-8),
      })),
    );
    await table.export(target, { format: "csv" });
    const columns = { number: "number", isEven: "boolean", text: "text", "vector[3]": "list" };
    const again = join(folder, "out-table-again");
    await peer.run("table", target, `${target}.json`, JSON.stringify(columns), again);
    const read = JSON.parse(readFileSync(`${target}.json`, "utf8")) as TableRows;
    const facts = new Map(read.samples);
    for await (const sample of table) {
      const { number, isEven, text = null } = sample.fields;
      const { vectors } = await table.getVectors("vector", [sample]);
      const expected = { tags: sample.tags, number, isEven, text, "vector[3]": [...vectors.data] };
      expect(facts.get(basename(sample.filepath))).toEqual(expected);
    }
    const { dataset: copy, report } = await imported(again);
    expect(report).toMatchObject({ format: "csv", added: paths.length, failed: [] });
    const contents = async (one: SampleCollection) =>
      Promise.all(
        ["filepath", "tags", "number", "isEven", "text"].map(async (name) => await one.values(name)),
      );
    const [copied, ...values] = await contents(copy.sortBy("number"));
    const [, ...expected] = await contents(table.sortBy("number"));
    expect(values).toEqual(expected);
    expect(copied?.every((path) => existsSync(String(path)))).toBe(true);
  });

  test("is the same after it was in FiftyOne", async () => {
    const again = await imported(join(folder, "quickstart-again"));
    expect(again.report.failed).toEqual([]);
    expect(await samplesOf(again.dataset)).toEqual(await samplesOf(dataset));
    for (const key of ["images", "objects"]) await expectSameRun(again.dataset, key, facts.runs[key]);
  });
});

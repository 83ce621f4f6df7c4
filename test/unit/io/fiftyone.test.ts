/** FiftyOneDataset: reads what FiftyOne 1.22.1 wrote (fixtures by tools/fiftyone-peer.py), writes what it reads. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F } from "../../../core/dataset/field.ts";
import type { ImportOptions, ImportReport } from "../../../core/dataset/io-port.ts";
import type { Classification, Detections } from "../../../core/dataset/labels.ts";
import type { Sample } from "../../../core/dataset/sample.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { colourModel } from "../../support/colour-model.ts";
import { importNew } from "../../support/imports.ts";
import { encodePicture, plainPicture } from "../../support/pictures.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const FIXTURE = join(import.meta.dirname, "../../fixtures/fiftyone");

interface Facts {
  readonly samples: readonly Readonly<Record<string, unknown>>[];
  readonly views: Readonly<Record<string, readonly string[]>>;
  readonly runs: Readonly<Record<string, { ids: string[]; vectors: number[][]; nearest: string[] }>>;
}

const facts = JSON.parse(readFileSync(join(FIXTURE, "facts.json"), "utf8")) as Facts;

let ns: Nearsight;
beforeAll(async () => {
  ns = await temporaryNearsight();
});

const imported = (path: string, options?: ImportOptions) => importNew(ns, path, options);

/** A sample as JSON, without where its file is. */
function comparable(sample: Sample): unknown {
  return { ...JSON.parse(JSON.stringify(sample)), filepath: sample.filepath.split("/").at(-1) };
}

async function everything(dataset: Dataset): Promise<unknown[]> {
  const samples: unknown[] = [];
  for await (const sample of dataset) {
    const { vectors } = await dataset.getVectors("vector", [sample]);
    samples.push({ ...(comparable(sample) as object), vectors: [...vectors.data] });
  }
  return samples;
}

describe("a data set of FiftyOne", () => {
  let dataset: Dataset;
  let report: ImportReport;
  beforeAll(async () => {
    ({ dataset, report } = await imported(join(FIXTURE, "fiftyone")));
  });

  test("is found to be one, and read whole", () => {
    expect(report).toMatchObject({ format: "fiftyone", added: facts.samples.length });
    expect(report.brainRuns).toEqual(["pictures", "objects", "field", "part"]);
    expect(report.savedViews).toEqual(Object.keys(facts.views).filter((name) => name !== "random"));
  });

  test("says what has no place, and nothing else", () => {
    expect(report.failed.map(({ path }) => path)).toEqual([
      "metadata.json: brain run 'plot'",
      "metadata.json: saved view 'random'",
    ]);
  });

  test("keeps ids, tags and media", async () => {
    const samples = await dataset.head(10);
    expect(samples.map(({ id, tags }) => ({ id, tags }))).toEqual(
      facts.samples.map(({ _id, tags }) => ({ id: (_id as { $oid: string }).$oid, tags })),
    );
    for (const { filepath } of samples) expect(readFileSync(filepath).byteLength).toBeGreaterThan(0);
  });

  test("keeps labels with boxes, confidence and attributes", async () => {
    const samples = await dataset.head(10);
    for (const [i, fact] of facts.samples.entries()) {
      const { detections } = fact["objects"] as { detections: Record<string, unknown>[] };
      const found = samples[i]?.get<Detections>("objects")?.detections ?? [];
      expect(
        found.map(({ id, label, boundingBox, confidence }) => [id, label, boundingBox, confidence]),
      ).toEqual(
        detections.map((one) => [
          (one["_id"] as { $oid: string }).$oid,
          one["label"],
          one["bounding_box"],
          one["confidence"],
        ]),
      );
      expect(found.map(({ attributes }) => attributes?.["color"])).toEqual(
        detections.map((one) => one["color"]),
      );
    }
    expect(samples[3]?.get<Detections>("objects")?.detections[0]?.tags).toEqual(["hard"]);
    expect(samples[1]?.get<Classification>("kind")).toMatchObject({ label: "kind 1", confidence: 0.51 });
  });

  test("keeps vectors bit for bit", async () => {
    const { vectors } = await dataset.getVectors("vector", await dataset.head(10));
    expect([...vectors.data]).toEqual(facts.samples.flatMap((fact) => fact["vector"]));
  });

  test("keeps values that plain JSON cannot say in extended JSON", async () => {
    const [, second, third] = await dataset.head(3);
    expect(second?.get("day")).toEqual({ $date: "2024-01-02" });
    expect(second?.get("taken")).toEqual({ $date: "1970-01-02T03:04:05.678Z" });
    expect(second?.get("nested.infinite")).toEqual({ $numberDouble: "-Infinity" });
    expect(second?.get("points._cls")).toBe("Keypoints");
    // A field has one type: what does not fit it is beside.
    expect(second?.get("_fiftyone")).toEqual({ loss: { $numberDouble: "NaN" }, uri: "same for all" });
    expect(third?.get("_fiftyone.large")).toEqual({ $numberLong: "9007199254740993" });
    expect(third?.get<Detections>("objects")?.detections[0]?.attributes?.["blur"]).toEqual({
      $numberDouble: "NaN",
    });
  });

  test("filters by what was imported", async () => {
    const after = dataset.match(F("taken.$date").gte("1975"));
    expect(await after.values("number")).toEqual([2, 3]);
  });

  test.each(Object.keys(facts.runs))("makes brain run '%s' again", async (key) => {
    const index = (await dataset.loadBrainResults(key)) as SimilarityIndex;
    const run = facts.runs[key];
    const { embeddings, sampleIds, labelIds } = await index.getEmbeddings();
    const rows = new Map((labelIds ?? sampleIds).map((id, i) => [id, [...embeddings.row(i)]]));
    expect(run?.ids.map((id) => rows.get(id))).toEqual(run?.vectors);
    const view = labelIds === null ? dataset : dataset.toPatches("objects");
    const first = run?.ids[0] ?? "";
    expect(await view.sortBySimilarity({ id: first }, { brainKey: key }).values("id")).toEqual(run?.nearest);
  });

  test.each(Object.keys(facts.views).filter((name) => !["random", "similar"].includes(name)))(
    "saved view '%s' shows the same rows",
    async (name) => {
      expect(await (await dataset.loadView(name)).values("id")).toEqual(facts.views[name]);
    },
  );

  test("keeps the search of a saved view", async () => {
    // FiftyOne searches among vectors it has centred: its answer can differ.
    const [first] = facts.samples;
    const id = (first?.["_id"] as { $oid: string } | undefined)?.$oid ?? "";
    const stage = { stage: "sortBySimilarity", query: { id }, k: 4, brainKey: "pictures" };
    expect((await dataset.loadView("similar")).stages).toEqual([stage]);
  });

  test("is the same after an export and an import", async () => {
    const target = join(temporaryFolder(), "again");
    const written = await dataset.export(target);
    expect(written).toEqual({ format: "fiftyone", exported: facts.samples.length, failed: [] });
    const again = await imported(target);
    expect(again.report).toMatchObject({ failed: [], brainRuns: report.brainRuns });
    expect([...again.report.savedViews].sort()).toEqual([...report.savedViews].sort());
    expect(await everything(again.dataset)).toEqual(await everything(dataset));
    for (const name of report.savedViews) {
      expect((await again.dataset.loadView(name)).stages).toEqual((await dataset.loadView(name)).stages);
    }
  });

  test("writes documents that are equal to FiftyOne's", async () => {
    const target = join(temporaryFolder(), "documents");
    await dataset.export(target);
    expect(documents(target)).toEqual(documents(join(FIXTURE, "fiftyone")));
    const names = (path: string) =>
      JSON.parse(readFileSync(join(path, "metadata.json"), "utf8"))
        .sample_fields.map((field: Record<string, string>) =>
          [field["name"], field["ftype"], field["subfield"], field["embedded_doc_type"]].join(" "),
        )
        .sort();
    expect(names(target)).toEqual(names(join(FIXTURE, "fiftyone")));
  });

  test("of several files is read as well", async () => {
    const folder = join(temporaryFolder(), "folders");
    await cp(join(FIXTURE, "fiftyone"), folder, { recursive: true });
    const { samples } = JSON.parse(readFileSync(join(folder, "samples.json"), "utf8"));
    rmSync(join(folder, "samples.json"));
    mkdirSync(join(folder, "samples"));
    for (const [i, sample] of samples.entries()) {
      writeFileSync(
        join(folder, "samples", `00000${i + 1}-${sample._id.$oid}.json`),
        JSON.stringify(sample).replace("9007199254740992", "9007199254740993"),
      );
    }
    const again = await imported(folder);
    expect(again.report.added).toBe(samples.length);
    expect(await everything(again.dataset)).toEqual(await everything(dataset));
  });
});

/** The documents of samples, in one form each. */
function documents(path: string): unknown {
  const { samples } = JSON.parse(readFileSync(join(path, "samples.json"), "utf8"));
  // What FiftyOne makes anew on import, and an integer that JSON.parse cannot read.
  const left = ["_rand", "_dataset_id", "created_at", "last_modified_at", "large"];
  return samples.map((document: Record<string, unknown>) =>
    canonical(Object.fromEntries(Object.entries(document).filter(([name]) => !left.includes(name)))),
  );
}

/** Without nulls, dates as times, floats of whole numbers as these. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const { $date: date } = value as { $date?: unknown };
  if (typeof date === "string") return { $date: Date.parse(date) };
  if (typeof date === "object") return { $date: Number((date as { $numberLong: string }).$numberLong) };
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, key === "base64" ? "…" : canonical(inner)]));
}

describe("an export for FiftyOne", () => {
  test("gives ids that it takes, and tells the former ones", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "a.jpg"), "a");
    const dataset = await ns.createDataset();
    const boundingBox: [number, number, number, number] = [0, 0, 1, 1];
    const objects = { _cls: "Detections" as const, detections: [{ id: "box 1", label: "cat", boundingBox }] };
    await dataset.addSamples([{ id: "my picture", filepath: join(folder, "a.jpg"), objects }]);
    await dataset.export(join(folder, "out"));
    const again = await imported(join(folder, "out"));
    const sample = await again.dataset.first();
    expect(sample.id).toMatch(/^[0-9a-f]{24}$/);
    expect(sample.get("nearsight_id")).toBe("my picture");
    const [box] = sample.get<Detections>("objects")?.detections ?? [];
    expect(box?.attributes).toEqual({ nearsight_id: "box 1" });
  });

  test("names the fields and views it leaves out", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "a.jpg"), "a");
    const dataset = await ns.createDataset();
    const fields = { odd: { _cls: "Nothing" }, money: { $price: 5 }, _own: 1, n: 1 };
    await dataset.addSamples([{ filepath: join(folder, "a.jpg"), ...fields }]);
    await dataset.saveView("random", dataset.take(1, { seed: 1 }));
    const { failed } = await dataset.export(join(folder, "out"));
    expect(failed.map(({ path }) => path)).toEqual([
      "field 'odd'",
      "field 'money'",
      "field '_own'",
      "saved view 'random'",
    ]);
    const again = await imported(join(folder, "out"));
    expect((await again.dataset.first()).fields).toEqual({ n: 1 });
  });

  test("of a view has its samples, but no views and runs of the whole", async () => {
    const { dataset } = await imported(join(FIXTURE, "fiftyone"));
    const target = join(temporaryFolder(), "part");
    await dataset.matchTags("even").export(target);
    const again = await imported(target);
    expect(again.report).toMatchObject({ added: 2, savedViews: [], brainRuns: [], failed: [] });
  });

  test("without media has the paths of the files", async () => {
    const { dataset } = await imported(join(FIXTURE, "fiftyone"));
    const target = join(temporaryFolder(), "paths");
    await dataset.export(target, { exportMedia: false });
    const again = await imported(target);
    expect(await again.dataset.values("filepath")).toEqual(await dataset.values("filepath"));
  });

  test("of no samples is one too", async () => {
    const target = join(temporaryFolder(), "none");
    await (await ns.createDataset()).export(target);
    expect((await imported(target)).report).toMatchObject({ format: "fiftyone", added: 0, failed: [] });
  });

  test("keeps frames of videos and groups", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "a.mp4"), "a");
    const dataset = await ns.createDataset();
    const group = { _cls: "Group", _id: { $oid: "0123456789abcdef01234567" }, name: "left" };
    const frames = {
      1: {
        weather: "sun",
        kind: { _cls: "Classification", _id: { $oid: "1123456789abcdef01234567" }, label: "x" },
      },
      3: { weather: "rain" },
    };
    await dataset.addSamples([{ filepath: join(folder, "a.mp4"), group, frames }]);
    await dataset.export(join(folder, "out"));
    const again = await imported(join(folder, "out"));
    expect(again.report.failed).toEqual([]);
    const sample = await again.dataset.first();
    expect(sample.get("group")).toEqual(group);
    expect(sample.get("frames")).toMatchObject(frames);
    const metadata = JSON.parse(readFileSync(join(folder, "out", "metadata.json"), "utf8"));
    expect(metadata).toMatchObject({
      media_type: "group",
      group_field: "group",
      group_media_types: { left: "video" },
    });
  });
});

/** A data set of one sample, with some members changed. */
function oneSample(changes: Record<string, unknown>, metadata: Record<string, unknown> = {}): string {
  const folder = temporaryFolder();
  const sample = { _id: { $oid: "0123456789abcdef01234567" }, filepath: "data/a.jpg", tags: [], ...changes };
  writeFileSync(join(folder, "metadata.json"), JSON.stringify({ version: "1.0.0", ...metadata }));
  writeFileSync(join(folder, "samples.json"), JSON.stringify({ samples: [sample] }));
  return folder;
}

const LABEL_ID = { $oid: "1123456789abcdef01234567" };

describe("hostile data sets of FiftyOne", () => {
  test.each([
    ["a sample without an id", oneSample({ _id: 5 }), "samples.json: number 1"],
    ["a sample without a path", oneSample({ filepath: null }), "samples.json: number 1"],
    ["a text with U+0000", oneSample({ note: "a\0b" }), "samples.json: number 1"],
    [
      "values nested too deep",
      oneSample({ deep: JSON.parse("[".repeat(500) + "]".repeat(500)) }),
      "samples.json: number 1",
    ],
    [
      "a run of an unknown metric",
      oneSample({}, run({ metric: "manhattan" })),
      "metadata.json: brain run 'r'",
    ],
    [
      "a run on Milvus without its collection",
      oneSample({}, run({ method: "milvus" })),
      "metadata.json: brain run 'r'",
    ],
    ["a run without results", oneSample({}, run({})), "metadata.json: brain run 'r'"],
    ["a run named like a folder", oneSample({}, run({}, "../r")), "metadata.json: brain run '../r'"],
    [
      "a run without configuration",
      oneSample({}, { brain_methods: { r: 1 } }),
      "metadata.json: brain run 'r'",
    ],
    [
      "a view without stages",
      oneSample({}, { saved_views: [{ name: "v" }] }),
      "metadata.json: saved view 'v'",
    ],
    [
      "a view of a field that is not there",
      oneSample({}, view("Exists", [["field", "x"]])),
      "metadata.json: saved view 'v'",
    ],
    ["a view with an unknown stage", oneSample({}, view("Mongo", [])), "metadata.json: saved view 'v'"],
    ["information about the data set", oneSample({}, { info: { a: 1 } }), "metadata.json: info"],
  ])("%s is told", async (_, folder, place) => {
    const { report } = await imported(folder);
    expect(report.failed.map(({ path }) => path)).toEqual([place]);
    expect(report.added).toBe(place.startsWith("samples") ? 0 : 1);
  });

  test("a run on a server says how to connect to it", async () => {
    const { report } = await imported(oneSample({}, run({ method: "lancedb", table_name: "vectors" })));
    expect(report.failed[0]?.reason).toContain('backend: "lancedb", embeddings: false, brainKey: "r"');
  });

  test("labels that ours cannot take are kept beside", async () => {
    const box = {
      _cls: "Detections",
      detections: [{ _id: LABEL_ID, _cls: "Detection", label: "car", location: [1, 2, 3] }],
    };
    const { dataset, report } = await imported(oneSample({ boxes: box }));
    expect(report.failed).toHaveLength(1);
    expect((await dataset.first()).get("_fiftyone.boxes")).toEqual(box);
    const target = join(temporaryFolder(), "out");
    await dataset.export(target, { exportMedia: false });
    const [sample] = JSON.parse(readFileSync(join(target, "samples.json"), "utf8")).samples;
    expect(sample.boxes).toEqual(box);
  });

  test("labels of a cloned field get ids of their own", async () => {
    const label = { _id: LABEL_ID, _cls: "Classification", label: "cat" };
    const { dataset, report } = await imported(oneSample({ one: label, two: label }));
    const sample = await dataset.first();
    expect(sample.get<Classification>("one")?.id).toBe(LABEL_ID.$oid);
    expect(sample.get<Classification>("two")?.id).not.toBe(LABEL_ID.$oid);
    expect(report.failed.map(({ path }) => path)).toEqual(["samples.json: field 'two'"]);
  });

  test("a prototype cannot be changed", async () => {
    const folder = oneSample({});
    const text = readFileSync(join(folder, "samples.json"), "utf8");
    writeFileSync(
      join(folder, "samples.json"),
      text.replace('"tags"', '"__proto__": {"polluted": 1}, "dict": {"__proto__": {"polluted": 1}}, "tags"'),
    );
    await imported(folder);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test("keep their model and its fingerprint through an export: prompts search the copy too", async () => {
    const scenes = await ns.createDataset();
    const picture = join(temporaryFolder(), "red.png");
    writeFileSync(picture, await encodePicture(plainPicture(20, 20, [200, 20, 20])));
    await scenes.addSamples([{ filepath: picture }]);
    await scenes.computeSimilarity({ model: colourModel(), brainKey: "colours" });
    const target = join(temporaryFolder(), "target");
    expect((await scenes.export(target)).failed).toEqual([]);
    const { dataset, report } = await imported(target);
    expect(report.failed).toEqual([]);
    const [before, after] = [await scenes.getBrainInfo("colours"), await dataset.getBrainInfo("colours")];
    for (const part of ["model", "modelFingerprint", "modelKwargs", "supportsPrompts"] as const) {
      expect(after.config[part]).toEqual(before.config[part]);
    }
    expect(await dataset.sortBySimilarity({ prompt: "red" }).hits()).toHaveLength(1);
  });

  test("of FiftyOne name their model without loading it", async () => {
    const config = { model: "clip-vit-base32-torch", supports_prompts: true };
    const folder = oneSample({}, run(config));
    mkdirSync(join(folder, "brain"));
    const results = { embeddings: [[1, 2]], sample_ids: ["0123456789abcdef01234567"], label_ids: null };
    writeFileSync(join(folder, "brain/r.json"), JSON.stringify(results));
    const { dataset, report } = await imported(folder);
    expect(report.failed).toEqual([]);
    const kept = (await dataset.getBrainInfo("r")).config;
    expect(kept).toMatchObject({ model: config.model, modelFingerprint: null, supportsPrompts: true });
  });

  test("vectors of what is not in the data set stay out", async () => {
    const folder = oneSample({}, run({}));
    const ids = ["0123456789abcdef01234567", "ffffffffffffffffffffffff"];
    mkdirSync(join(folder, "brain"));
    writeFileSync(
      join(folder, "brain/r.json"),
      JSON.stringify({
        embeddings: [
          [1, 2],
          [3, 4],
        ],
        sample_ids: ids,
        label_ids: null,
      }),
    );
    const { dataset, report } = await imported(folder);
    expect(report.brainRuns).toEqual(["r"]);
    expect(report.failed[0]?.reason).toBe("1 of its 2 vectors belong to nothing in the data set");
    const index = (await dataset.loadBrainResults("r")) as SimilarityIndex;
    expect(await index.sampleIds()).toEqual(ids.slice(0, 1));
  });

  test.each([
    ["rows of several lengths", { embeddings: [[1, 2], [3]], sample_ids: ["a", "b"] }],
    ["NaN", { embeddings: [[1, "NaN"]], sample_ids: ["a"] }],
    ["fewer ids than vectors", { embeddings: [[1, 2]], sample_ids: [] }],
    ["no list of ids", { embeddings: [[1, 2]], sample_ids: "a" }],
    ["no list of vectors", { embeddings: { a: 1 }, sample_ids: [] }],
  ])("a result file with %s leaves no run behind", async (_, results) => {
    const folder = oneSample({}, run({}));
    mkdirSync(join(folder, "brain"));
    writeFileSync(join(folder, "brain/r.json"), JSON.stringify(results));
    const { dataset, report } = await imported(folder);
    expect(report.failed.map(({ path }) => path)).toEqual(["metadata.json: brain run 'r'"]);
    expect(await dataset.listBrainRuns()).toEqual([]);
  });
});

function run(config: Record<string, unknown>, key = "r"): Record<string, unknown> {
  const all = { type: "similarity", method: "sklearn", metric: "cosine", embeddings_field: null, ...config };
  return { brain_methods: { [key]: { key, config: all } } };
}

function view(stage: string, kwargs: unknown): Record<string, unknown> {
  const text = JSON.stringify({ _cls: `fiftyone.core.stages.${stage}`, kwargs });
  return { saved_views: [{ name: "v", view_stages: [text] }] };
}

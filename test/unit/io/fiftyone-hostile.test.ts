/** Data sets of FiftyOne that are damaged, odd or mean harm: what they keep, and what is told of the rest. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Classification } from "../../../core/dataset/labels.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { folderWith, importNew } from "../../support/imports.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

let ns: Nearsight;
beforeAll(async () => {
  ns = await temporaryNearsight();
});

const SAMPLE_ID = { $oid: "0123456789abcdef01234567" };
const LABEL_ID = { $oid: "1123456789abcdef01234567" };

/** A data set of one sample, with some members changed. */
function oneSample(changes: Record<string, unknown>, metadata: Record<string, unknown> = {}): string {
  const sample = { _id: SAMPLE_ID, filepath: "data/a.jpg", tags: [], ...changes };
  return folderWith({
    "metadata.json": JSON.stringify({ version: "1.0.0", ...metadata }),
    "samples.json": JSON.stringify({ samples: [sample] }),
  });
}

/** A data set of one sample with a run and its file of results. */
function oneRun(results: unknown, config: Record<string, unknown> = {}): string {
  const folder = oneSample({}, run(config));
  mkdirSync(join(folder, "brain"));
  writeFileSync(join(folder, "brain/r.json"), JSON.stringify(results));
  return folder;
}

function run(config: Record<string, unknown>, key = "r"): Record<string, unknown> {
  const all = { type: "similarity", method: "sklearn", metric: "cosine", embeddings_field: null, ...config };
  return { brain_methods: { [key]: { key, config: all } } };
}

function view(stage: string, kwargs: unknown): Record<string, unknown> {
  const text = JSON.stringify({ _cls: `fiftyone.core.stages.${stage}`, kwargs });
  return { saved_views: [{ name: "v", view_stages: [text] }] };
}

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
    const { report } = await importNew(ns, folder);
    expect(report.failed.map(({ path }) => path)).toEqual([place]);
    expect(report.added).toBe(place.startsWith("samples") ? 0 : 1);
  });

  test("a run on a server says how to connect to it", async () => {
    const { report } = await importNew(ns, oneSample({}, run({ method: "lancedb", table_name: "vectors" })));
    expect(report.failed[0]?.reason).toContain('backend: "lancedb", embeddings: false, brainKey: "r"');
  });

  test("labels that ours cannot take are kept beside", async () => {
    const box = {
      _cls: "Detections",
      detections: [{ _id: LABEL_ID, _cls: "Detection", label: "car", location: [1, 2, 3] }],
    };
    const { dataset, report } = await importNew(ns, oneSample({ boxes: box }));
    expect(report.failed).toHaveLength(1);
    expect((await dataset.first()).get("_fiftyone.boxes")).toEqual(box);
    const target = join(temporaryFolder(), "out");
    await dataset.export(target, { exportMedia: false });
    const [sample] = JSON.parse(readFileSync(join(target, "samples.json"), "utf8")).samples;
    expect(sample.boxes).toEqual(box);
  });

  test("labels of a cloned field get ids of their own", async () => {
    const label = { _id: LABEL_ID, _cls: "Classification", label: "cat" };
    const { dataset, report } = await importNew(ns, oneSample({ one: label, two: label }));
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
    await importNew(ns, folder);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test("runs name their model without loading it", async () => {
    const config = { model: "clip-vit-base32-torch", supports_prompts: true };
    const results = { embeddings: [[1, 2]], sample_ids: [SAMPLE_ID.$oid], label_ids: null };
    const { dataset, report } = await importNew(ns, oneRun(results, config));
    expect(report.failed).toEqual([]);
    const kept = (await dataset.getBrainInfo("r")).config;
    expect(kept).toMatchObject({ model: config.model, modelFingerprint: null, supportsPrompts: true });
  });

  test("vectors of what is not in the data set stay out", async () => {
    const ids = [SAMPLE_ID.$oid, "ffffffffffffffffffffffff"];
    const embeddings = [
      [1, 2],
      [3, 4],
    ];
    const folder = oneRun({ embeddings, sample_ids: ids, label_ids: null });
    const { dataset, report } = await importNew(ns, folder);
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
    const { dataset, report } = await importNew(ns, oneRun(results));
    expect(report.failed.map(({ path }) => path)).toEqual(["metadata.json: brain run 'r'"]);
    expect(await dataset.listBrainRuns()).toEqual([]);
  });
});

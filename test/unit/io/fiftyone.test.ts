/** FiftyOneDataset: reads what FiftyOne 1.22.1 wrote (fixtures by tools/fiftyone-peer.py), and writes it again. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F } from "../../../core/dataset/field.ts";
import type { ImportReport } from "../../../core/dataset/io-port.ts";
import type { Classification, Detections } from "../../../core/dataset/labels.ts";
import type { Sample } from "../../../core/dataset/sample.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { importNew } from "../../support/imports.ts";
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
    ({ dataset, report } = await importNew(ns, join(FIXTURE, "fiftyone")));
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
    const again = await importNew(ns, target);
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
    const again = await importNew(ns, folder);
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

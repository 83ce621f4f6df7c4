/** Ids and names of every kind: each comes back as it was given, or is refused by name; none leads out of the home. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F } from "../../../core/dataset/field.ts";
import type { Detections } from "../../../core/dataset/labels.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { colourModel } from "../../support/colour-model.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

let ns: Nearsight & { home: string };
let count = 0;

beforeAll(async () => {
  ns = await temporaryNearsight();
});

const newDataset = () => ns.createDataset(`names ${count++}`);

/** Names that mean something to JavaScript, to SQL, to a file system, or to a reader's eye. */
const STRANGE = [
  ...["constructor", "toString", "hasOwnProperty", "valueOf", "length", "then", "id2", "__defineGetter__"],
  ...[
    "'; drop table samples; --",
    "a`b",
    "%_",
    "$",
    "[0]",
    "#-1",
    "*",
    "?",
    ":1",
    "a/b",
    "a b",
    " ",
    "CON",
    "nul",
  ],
  ...["é", "e\u0301", "\u202egnp", "😀", "\u{1d4b3}", "\ufeff", "ﬀ", "İ"],
];
/** These besides, where dots, quotes and control characters may be. */
const STRANGER = [
  "__proto__",
  ".",
  "..",
  "../../etc/passwd",
  "a.b",
  'a"b',
  "a\\b",
  "a\nb",
  "\u007f",
  "<b>&amp;",
];
const LONG = "x".repeat(65_536);

const refused = { code: "INVALID_ARGUMENT", hint: expect.any(String) };
const short = (name: string) => (name.length > 40 ? `${name.length} letters` : JSON.stringify(name));
const cases = (names: readonly string[]) => names.map((name) => [short(name), name] as const);

describe("fields", () => {
  test.each(cases(STRANGE))("%s holds values, labels and vectors", async (_, name) => {
    const dataset = await newDataset();
    const [first = "", second = ""] = await dataset.addSamples([
      { filepath: "/a.jpg", [name]: "one" },
      { filepath: "/b.jpg" },
    ]);
    expect((await dataset.sample(first)).fields).toEqual({ [name]: "one" });
    expect((await dataset.sample(second)).get(name)).toBeNull();
    await dataset.setField(name, "two");
    expect(await dataset.values(name)).toEqual(["two", "two"]);
    expect(await dataset.match(F(name).eq("two")).count()).toBe(2);
    expect(await dataset.sortBy(name).values("id")).toEqual([first, second]);
    await dataset.setValues(name, { [first]: null });
    expect(await dataset.exists(name).values("id")).toEqual([second]);
  });

  test.each(cases(STRANGE))("%s holds labels, of that name too", async (_, name) => {
    const dataset = await newDataset();
    const box = {
      label: name,
      boundingBox: [0, 0, 1, 1] as const,
      tags: [name],
      attributes: { [name]: name },
    };
    const [empty = "", full = ""] = await dataset.addSamples([
      { filepath: "/a.jpg", [name]: { _cls: "Detections", detections: [] } },
      { filepath: "/b.jpg", [name]: { _cls: "Detections", detections: [{ ...box, id: name }] } },
    ]);
    expect((await dataset.sample(empty)).get(name)).toEqual({ _cls: "Detections", detections: [] });
    const { detections } = (await dataset.sample(full)).get<Detections>(name) as Detections;
    expect(detections).toEqual([{ ...box, id: name, _cls: "Detection" }]);
    expect(await dataset.match(F(name).labels(F("label").eq(name))).values("id")).toEqual([full]);
    expect(await dataset.toPatches(name).values("id")).toEqual([name]);
  });

  test.each(cases(STRANGE))("%s holds vectors", async (_, name) => {
    const dataset = await newDataset();
    const id = await dataset.addSample({ filepath: "/a.jpg", [name]: new Float32Array([1, 2]) });
    await dataset.setVectors(name, id, [[3, 4]]);
    expect(await dataset.values(name)).toEqual([new Float32Array([3, 4])]);
    const index = await ns.computeSimilarity(dataset, { embeddings: name, brainKey: "vectors" });
    expect(await index.totalIndexSize()).toBe(1);
  });

  test.each(
    cases([...STRANGER.filter((name) => !name.startsWith("<")), "", "a\0b", "\ud800", LONG, "tags", "id2.x"]),
  )("%s is refused by name, and nothing is written", async (_, name) => {
    const dataset = await newDataset();
    const values = ["x", { _cls: "Detections", detections: [] }, new Float32Array([1, 2]), { inner: 1 }];
    for (const value of name === "tags" ? [5] : values) {
      const sample = { filepath: "/a.jpg", ...JSON.parse(`{${JSON.stringify(name)}: null}`) };
      Object.defineProperty(sample, name, { value, enumerable: true });
      const error = await dataset.addSamples([{ filepath: "/b.jpg" }, sample]).catch((reason) => reason);
      expect(error).toMatchObject(refused);
      expect(String(error).length).toBeLessThan(400);
    }
    expect(await dataset.count()).toBe(0);
    await dataset.addSample({ filepath: "/a.jpg" });
    const [id = ""] = await dataset.values<string>("id");
    if (name === "tags") return;
    await expect(dataset.setField(name, "x")).rejects.toMatchObject(refused);
    await expect(dataset.setVectors(name, id, [[1, 2]])).rejects.toMatchObject(refused);
  });

  test("members of values may have any name but those that no database can keep", async () => {
    const dataset = await newDataset();
    const members = JSON.parse(
      `{${[...STRANGE, ...STRANGER, ""].map((name) => `${JSON.stringify(name)}: 1`)}}`,
    );
    const label = { _cls: "Classification", id: "c", label: "x", attributes: members } as const;
    const id = await dataset.addSample({ filepath: "/a.jpg", value: { inner: members }, label });
    const sample = await dataset.sample(id);
    expect(Object.entries(sample.get<{ inner: object }>("value")?.inner ?? {})).toEqual(
      Object.entries(members),
    );
    expect(sample.get("label")).toEqual(label);
    for (const name of ["a\0b", "\udfff"]) {
      await expect(dataset.addSample({ filepath: "/b.jpg", value: { [name]: 1 } })).rejects.toMatchObject(
        refused,
      );
    }
  });
});

describe("ids and texts", () => {
  const IDS = [...STRANGE, ...STRANGER, LONG];

  test("samples are found, searched and removed by them", async () => {
    const dataset = await newDataset();
    expect(await dataset.addSamples(IDS.map((id) => ({ id, filepath: "/a.jpg" })))).toEqual(IDS);
    const vectors = new Map(IDS.map((id, i) => [id, [Math.cos(i), Math.sin(i)]]));
    const index = await ns.computeSimilarity(dataset, {
      embeddings: vectors,
      metric: "euclidean",
      brainKey: "ids",
    });
    expect(await index.sampleIds()).toEqual(IDS);
    for (const id of IDS) {
      expect((await dataset.sample(id)).id).toBe(id);
      expect(await dataset.select(id).values("id")).toEqual([id]);
      expect(await dataset.match(F("id").eq(id)).count()).toBe(1);
      expect(await dataset.sortBySimilarity({ id }, { k: 1 }).values("id")).toEqual([id]);
      expect((await index.getEmbeddings({ sampleIds: id })).sampleIds).toEqual([id]);
    }
    expect(await dataset.exclude(IDS).count()).toBe(0);
    await index.removeFromIndex({ sampleIds: IDS.slice(1) });
    expect(await dataset.deleteSamples(IDS.slice(1))).toBe(IDS.length - 1);
    expect(await dataset.values("id")).toEqual([IDS[0]]);
  });

  test.each(cases(["", "a\0b", "\ud800", "x\udc00"]))("%s is no id of a sample or label", async (_, id) => {
    const dataset = await newDataset();
    await expect(dataset.addSample({ id, filepath: "/a.jpg" })).rejects.toMatchObject(refused);
    const label = { _cls: "Classification", label: "x", id };
    await expect(dataset.addSample({ filepath: "/a.jpg", label })).rejects.toMatchObject(refused);
    await expect(dataset.addSample({ filepath: "/a.jpg", uri: id })).rejects.toMatchObject(refused);
    await expect(dataset.addSample({ filepath: id })).rejects.toMatchObject(refused);
    expect(await dataset.count()).toBe(0);
  });

  test("tags and texts come back equal", async () => {
    const dataset = await newDataset();
    const texts = [...IDS, ""];
    const id = await dataset.addSample({ filepath: "/a.jpg", tags: texts, text: texts });
    await dataset.tagSamples(["more", ...texts]);
    const sample = await dataset.sample(id);
    expect([sample.tags, sample.get("text")]).toEqual([[...texts, "more"], texts]);
    for (const text of texts) {
      expect(await dataset.matchTags(text).count(), short(text)).toBe(1);
      expect(await dataset.match(F("text").contains(text)).count(), short(text)).toBe(1);
    }
    await dataset.untagSamples(texts);
    expect((await dataset.sample(id)).tags).toEqual(["more"]);
    await expect(dataset.tagSamples("\ud800")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("data sets, saved views, brain keys", () => {
  const PRINTABLE = [...STRANGE, ...STRANGER].filter((name) => name.trim() !== "" && !/\p{Cc}/u.test(name));
  const NOT = ["", " ", "a\nb", "a\0b", "\ud800", "\u009f", LONG, "x".repeat(201)];

  test("come back as they were given", async () => {
    const runs = await newDataset();
    await runs.addSample({ filepath: "/a.jpg" });
    await ns.computeSimilarity(runs, { embeddings: [[1, 2]], brainKey: "first" });
    let former = "first";
    for (const name of PRINTABLE) {
      const dataset = await ns.createDataset(name);
      await dataset.saveView(name, dataset.limit(1));
      expect((await ns.loadDataset(name)).name).toBe(name);
      expect(await dataset.listSavedViews()).toEqual([name]);
      expect(await (await dataset.loadView(name)).count()).toBe(0);
      await runs.renameBrainRun(former, name);
      expect(await runs.listBrainRuns()).toEqual([name]);
      expect(await (await runs.loadBrainResults(name)).totalIndexSize()).toBe(1);
      former = name;
    }
    const names = await ns.listDatasets();
    expect(PRINTABLE.filter((name) => !names.includes(name))).toEqual([]);
  });

  test.each(cases(NOT))("%s is refused for all of them", async (_, name) => {
    const dataset = await newDataset();
    await dataset.addSample({ filepath: "/a.jpg" });
    await ns.computeSimilarity(dataset, { embeddings: [[1, 2]], brainKey: "run" });
    await expect(ns.createDataset(name)).rejects.toMatchObject(refused);
    await expect(dataset.rename(name)).rejects.toMatchObject(refused);
    await expect(dataset.saveView(name, dataset.limit(1))).rejects.toMatchObject(refused);
    const build = ns.computeSimilarity(dataset, { embeddings: [[1, 2]], brainKey: name });
    await expect(build).rejects.toMatchObject(refused);
    await expect(dataset.renameBrainRun("run", name)).rejects.toMatchObject(refused);
    expect([await dataset.listSavedViews(), await dataset.listBrainRuns()]).toEqual([[], ["run"]]);
  });

  test("names that are no texts are refused", async () => {
    for (const name of [5, null, {}, []] as never[]) {
      await expect(ns.createDataset(name)).rejects.toMatchObject(refused);
      await expect(ns.loadDataset(name)).rejects.toMatchObject({ code: "DATASET_NOT_FOUND" });
    }
    await expect(ns.loadDataset(undefined as never)).rejects.toMatchObject({ code: "DATASET_NOT_FOUND" });
  });
});

describe("collections", () => {
  let dataset: Dataset;
  beforeAll(async () => {
    dataset = await newDataset();
    await dataset.addSample({ filepath: "/a.jpg" });
  });

  test("are files in the folder of indexes, whatever their names", async () => {
    const folder = join(ns.home, "indexes");
    const names = [
      "constructor",
      "__proto__",
      ".",
      "..",
      "'; drop table rows; --",
      "CON",
      "nul",
      "%2e%2e",
      "é",
      "😀",
    ];
    for (const [i, collectionName] of names.entries()) {
      const request = { embeddings: [[1, 2]], brainKey: `collection ${i}`, collectionName };
      const index = await ns.computeSimilarity(dataset, request);
      expect(index.config.collectionName).toBe(collectionName);
      expect(await index.totalIndexSize()).toBe(1);
    }
    expect(readdirSync(ns.home).filter((name) => name.endsWith(".db"))).toEqual(["nearsight.db"]);
    expect(readdirSync(folder).filter((name) => !/^[\w%.-]+$/.test(name))).toEqual([]);
    expect(existsSync(join(ns.home, "...db"))).toBe(false);
  });

  test.each(cases(["", "../escape", "a/b", "/etc/passwd", "a\\b", "a\0b", "a\nb", "\ud800", LONG]))(
    "%s is refused",
    async (_, collectionName) => {
      const build = ns.computeSimilarity(dataset, {
        embeddings: [[1, 2]],
        brainKey: "escape",
        collectionName,
      });
      await expect(build).rejects.toMatchObject(refused);
      expect(await dataset.hasBrainRun("escape")).toBe(false);
    },
  );
});

describe("models", () => {
  test.each(
    cases(["constructor", "toString", "__proto__", "hasOwnProperty", "a\0b", LONG, "", "no/such/folder"]),
  )("%s is none", async (_, name) => {
    await expect(ns.loadZooModel(name)).rejects.toMatchObject({ code: "MODEL_NOT_FOUND" });
  });

  test.each(cases(["hub:../x", "hub:a/..", "hub:", "hub:a/b\n", "hub:a/b/c", "hub:https://x/y"]))(
    "%s is no name on the hub",
    async (_, name) => {
      await expect(ns.loadZooModel(name)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    },
  );

  test("may be registered under any of them", async () => {
    const models = JSON.parse('{"__proto__": 0, "constructor": 0}');
    for (const name of Object.keys(models)) {
      Object.defineProperty(models, name, { value: colourModel({ name }) });
    }
    const other = await temporaryNearsight({ models });
    expect((await other.loadZooModel("constructor")).name).toBe("constructor");
    expect((await other.loadZooModel("__proto__")).name).toBe("__proto__");
  });
});

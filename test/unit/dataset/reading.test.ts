/** Reading data sets: rows, counts and values, loops that hold one page, and patches. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { F } from "../../../core/dataset/field.ts";
import { detections, useDatasets } from "./helpers.ts";

const { newDataset } = useDatasets();

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe("reading", () => {
  test("rows, counts and values", async () => {
    const dataset = await newDataset(5);
    expect((await dataset.head()).map((sample) => sample.get("n"))).toEqual([0, 1, 2]);
    expect((await dataset.page(3, 9)).map((sample) => sample.get("n"))).toEqual([3, 4]);
    await dataset.setValues(
      "word",
      Object.fromEntries(
        (await dataset.values<string>("id")).map((id, i) => [id, ["b", "B", "ä", "b", "a"][i]]),
      ),
    );
    expect(await dataset.distinct("word")).toEqual(["B", "a", "b", "ä"]);
    expect(await dataset.countValues("word")).toEqual(
      new Map([
        ["b", 2],
        ["B", 1],
        ["a", 1],
        ["ä", 1],
      ]),
    );
    expect(await dataset.bounds("n")).toEqual([0, 4]);
    expect(await dataset.bounds("word")).toEqual([null, null]);
    await expect(dataset.limit(0).first()).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    await expect(dataset.limit(0).last()).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    await expect(dataset.sample("none")).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    await expect(dataset.values("wrd")).rejects.toMatchObject({
      code: "FIELD_NOT_FOUND",
      hint: "Did you mean word?",
    });
  });

  test("a loop over ten thousand samples holds one page of them", async () => {
    const dataset = await newDataset();
    await dataset.addSamples(
      (function* () {
        for (let n = 0; n < 10_000; n++) yield { filepath: `/${n}.jpg`, n, text: "x".repeat(2_000) };
      })(),
    );
    // 20 MB of text in all; a page of 500 holds 1 MB.
    const seen = new Set<unknown>();
    let largest = 0;
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for await (const sample of dataset.shuffle({ seed: 1 })) {
      seen.add(sample.get("n"));
      if (seen.size % 1_000 === 0) {
        collectGarbage();
        largest = Math.max(largest, process.memoryUsage().heapUsed - before);
      }
    }
    expect(seen.size).toBe(10_000);
    expect(largest).toBeLessThan(15e6);
    let pages = 0;
    for await (const page of dataset.ids(3_000)) pages += page.length > 0 ? 1 : 0;
    expect(pages).toBe(4);
  });

  test("a loop that is left early, and one over samples that go meanwhile", async () => {
    const dataset = await newDataset(1_200);
    for await (const sample of dataset) if (sample.get("n") === 3) break;
    const seen: unknown[] = [];
    for await (const sample of dataset) {
      if (seen.length === 0) await dataset.deleteSamples(dataset.match(F("n").gt(1_000)));
      seen.push(sample.get("n"));
    }
    expect(seen).toEqual(Array.from({ length: 1_001 }, (_, n) => n));
  });

  test("patches are rows of their own", async () => {
    const dataset = await newDataset();
    const id = await dataset.addSample({ filepath: "/a.jpg", gt: detections("cat", "dog", "cat") });
    await dataset.addSample({ filepath: "/b.jpg" });
    const patches = dataset.filterLabels("gt", F("label").eq("cat")).toPatches("gt");
    expect(patches.patchesField).toBe("gt");
    expect(await patches.count()).toBe(2);
    const second = await patches.last();
    expect(second).toMatchObject({
      sampleId: id,
      filepath: "/a.jpg",
      label: "cat",
      confidence: 0.3,
      boundingBox: [0, 0, 0.5, 0.5],
    });
    expect(second.get("confidence")).toBe(0.3);
    const pages = [];
    for await (const page of dataset.mediaPages({ patchesField: "gt", pageSize: 2 })) pages.push(page.length);
    expect(pages).toEqual([2, 1]);
    await patches.tagSamples("has cats");
    expect(await dataset.countValues("tags")).toEqual(new Map([["has cats", 1]]));
    expect(await patches.select([second]).values("id")).toEqual([second.id]);
  });
});

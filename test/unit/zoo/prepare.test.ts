/** Zoo data sets on disk: written once, repaired after a kill, alike in every folder, with FiftyOne's fields. */

import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { readArtIndex } from "../../../core/dataset/zoo/art.ts";
import { simulateDetections } from "../../../core/dataset/zoo/detector.ts";
import { prepareEmoji } from "../../../core/dataset/zoo/emoji.ts";
import { type Box, intersectionOverUnion } from "../../../core/dataset/zoo/placement.ts";
import { prepareQuickstart } from "../../../core/dataset/zoo/quickstart.ts";
import { composeScenes } from "../../../core/dataset/zoo/scenes.ts";
import { writeOnce } from "../../../core/dataset/zoo/write-once.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const root = temporaryFolder();

function files(made: string[] = []) {
  return ["data/a.txt", "data/b.txt", "data/c/d.txt"].map((name) => ({
    name,
    bytes: async () => {
      made.push(name);
      return new TextEncoder().encode(`this is ${name}`);
    },
  }));
}

describe("writeOnce", () => {
  test("writes everything the first time and nothing the second", async () => {
    const folder = path.join(root, "twice");
    const made: string[] = [];
    expect(await writeOnce(folder, files(made), "one")).toBe(3);
    const before = await stat(path.join(folder, "data/a.txt"));
    expect(await writeOnce(folder, files(made), "one")).toBe(0);
    expect(made).toHaveLength(3);
    expect((await stat(path.join(folder, "data/a.txt"))).ino).toBe(before.ino);
    expect(await readFile(path.join(folder, "data/c/d.txt"), "utf8")).toBe("this is data/c/d.txt");
  });

  test("starts again in a folder that a killed run left half written, and clears old leavings", async () => {
    const folder = path.join(root, "killed");
    await mkdir(path.join(folder, "data"), { recursive: true });
    await mkdir(path.join(folder, "partial-old"));
    await writeFile(path.join(folder, "partial-old", "b.txt"), "this i");
    await writeFile(path.join(folder, "data", "a.txt"), "of another version");
    const yesterday = new Date(Date.now() - 24 * 60 * 60 * 1000);
    await utimes(path.join(folder, "partial-old"), yesterday, yesterday);
    expect(await writeOnce(folder, files(), "one")).toBe(3);
    expect(await readFile(path.join(folder, "data/a.txt"), "utf8")).toBe("this is data/a.txt");
    expect((await readdir(folder)).toSorted()).toEqual(["data", "finished.json"]);
  });

  test("starts again when the marker is cut short or of another origin", async () => {
    const folder = path.join(root, "marker");
    await writeOnce(folder, files(), "one");
    expect(await writeOnce(folder, files(), "two")).toBe(3);
    await writeFile(path.join(folder, "finished.json"), '{"finger');
    expect(await writeOnce(folder, files(), "two")).toBe(3);
    expect(await writeOnce(folder, files(), "two")).toBe(0);
  });

  test("writes again only what was deleted", async () => {
    const folder = path.join(root, "deleted");
    await writeOnce(folder, files(), "one");
    await rm(path.join(folder, "data/b.txt"));
    const made: string[] = [];
    expect(await writeOnce(folder, files(made), "one")).toBe(1);
    expect(made).toEqual(["data/b.txt"]);
  });

  test("leaves no marker when a file cannot be made", async () => {
    const folder = path.join(root, "failing");
    const failing = { name: "data/e.txt", bytes: async () => Promise.reject(new Error("no room")) };
    await expect(writeOnce(folder, [...files(), failing], "one")).rejects.toThrow("no room");
    expect(await readdir(folder)).toEqual(["data"]);
    expect(await writeOnce(folder, files(), "one")).toBe(3);
  });

  test("lets several run at once", async () => {
    const folder = path.join(root, "together");
    await Promise.all(Array.from({ length: 6 }, () => writeOnce(folder, files(), "one")));
    expect(await writeOnce(folder, files(), "one")).toBe(0);
    expect(await readFile(path.join(folder, "data/b.txt"), "utf8")).toBe("this is data/b.txt");
    expect((await readdir(folder)).toSorted()).toEqual(["data", "finished.json"]);
  });
});

describe("prepareQuickstart", () => {
  test("gives 200 samples with files, the same in every folder", async () => {
    const first = await prepareQuickstart(path.join(root, "quickstart"));
    const second = await prepareQuickstart(path.join(root, "quickstart-again"));
    expect(first).toHaveLength(200);
    for (const [index, sample] of first.entries()) {
      const other = second[index];
      expect({ ...other, filepath: "" }).toEqual({ ...sample, filepath: "" });
      const [bytes, otherBytes] = await Promise.all([
        readFile(sample.filepath),
        readFile(other?.filepath ?? ""),
      ]);
      expect(bytes.equals(otherBytes), sample.filepath).toBe(true);
    }
    expect(first[0]).toMatchObject({
      caption: expect.stringMatching(/^A photo of .*\.$/),
      ground_truth: { _cls: "Detections", detections: expect.any(Array) },
      predictions: { _cls: "Detections", detections: expect.any(Array) },
    });
    const truth = JSON.stringify(first[4]?.ground_truth);
    expect([...truth.matchAll(/"label":"(.*?)"/g)].map(([, label]) => `A photo of an ${label}.`)).toEqual([
      first[4]?.caption,
    ]);
  });
});

describe("prepareEmoji", () => {
  test("gives one sample a drawing, classified, with its style as tag and field", async () => {
    const art = await readArtIndex();
    const samples = await prepareEmoji(path.join(root, "emoji"));
    const drawings = art.concepts.flatMap(({ styles }) => Object.keys(styles));
    expect(samples).toHaveLength(drawings.length);
    expect(new Set(samples.map(({ filepath }) => filepath)).size).toBe(samples.length);
    for (const { filepath } of samples) expect((await stat(filepath)).size).toBeGreaterThan(300);
    expect(
      samples.find(({ filepath }) => filepath.endsWith(path.join("fxemoji", "traffic-light.png"))),
    ).toEqual({
      filepath: path.join(root, "emoji", "data", "fxemoji", "traffic-light.png"),
      tags: ["fxemoji"],
      label: { _cls: "Classification", label: "traffic light" },
      style: "fxemoji",
      group: "object",
      character: "🚦",
    });
  });
});

describe("simulateDetections", () => {
  test("is good but not perfect, in range, and the same for the same seed", async () => {
    const art = await readArtIndex();
    const plans = composeScenes({ art, seed: 5, count: 200 });
    const predictions = simulateDetections(plans, { art, seed: 9 });
    expect(simulateDetections(plans, { art, seed: 9 })).toEqual(predictions);
    expect(simulateDetections(plans, { art, seed: 10 })).not.toEqual(predictions);
    let [right, wrong, found, objects] = [0, 0, 0, 0];
    for (const [index, { objects: truth }] of plans.entries()) {
      objects += truth.length;
      for (const { label, boundingBox, confidence = -1 } of predictions[index] ?? []) {
        const [left, top, width, height] = boundingBox;
        expect(confidence).toBeGreaterThanOrEqual(0.05);
        expect(confidence).toBeLessThanOrEqual(0.99);
        expect(Math.min(left, top, width, height)).toBeGreaterThanOrEqual(0);
        expect(Math.max(left + width, top + height)).toBeLessThanOrEqual(1 + 1e-9);
        const hit = truth.find(({ box }) => intersectionOverUnion(box, boundingBox as Box) > 0.5);
        if (hit === undefined) wrong++;
        else {
          found++;
          if (hit.concept === label) right++;
        }
      }
    }
    expect(found / objects).toBeGreaterThan(0.8);
    expect(right / found).toBeGreaterThan(0.85);
    expect(right / found).toBeLessThan(0.97);
    expect(wrong / objects).toBeGreaterThan(0.05);
    expect(wrong / objects).toBeLessThan(0.4);
  });
});

/** Exports for FiftyOne: ids, fields, views, runs, media and frames, as they come back from an import. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Detections } from "../../../core/dataset/labels.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { colourModel } from "../../support/colour-model.ts";
import { importNew } from "../../support/imports.ts";
import { encodePicture, plainPicture } from "../../support/pictures.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const FIXTURE = join(import.meta.dirname, "../../fixtures/fiftyone/fiftyone");

let ns: Nearsight;
beforeAll(async () => {
  ns = await temporaryNearsight();
});

describe("an export for FiftyOne", () => {
  test("gives ids that it takes, and tells the former ones", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "a.jpg"), "a");
    const dataset = await ns.createDataset();
    const boundingBox: [number, number, number, number] = [0, 0, 1, 1];
    const objects = { _cls: "Detections" as const, detections: [{ id: "box 1", label: "cat", boundingBox }] };
    await dataset.addSamples([{ id: "my picture", filepath: join(folder, "a.jpg"), objects }]);
    await dataset.export(join(folder, "out"));
    const again = await importNew(ns, join(folder, "out"));
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
    const again = await importNew(ns, join(folder, "out"));
    expect((await again.dataset.first()).fields).toEqual({ n: 1 });
  });

  test("of a view has its samples, but no views and runs of the whole", async () => {
    const { dataset } = await importNew(ns, FIXTURE);
    const target = join(temporaryFolder(), "part");
    await dataset.matchTags("even").export(target);
    const again = await importNew(ns, target);
    expect(again.report).toMatchObject({ added: 2, savedViews: [], brainRuns: [], failed: [] });
  });

  test("without media has the paths of the files", async () => {
    const { dataset } = await importNew(ns, FIXTURE);
    const target = join(temporaryFolder(), "paths");
    await dataset.export(target, { exportMedia: false });
    const again = await importNew(ns, target);
    expect(await again.dataset.values("filepath")).toEqual(await dataset.values("filepath"));
  });

  test("of no samples is one too", async () => {
    const target = join(temporaryFolder(), "none");
    await (await ns.createDataset()).export(target);
    expect((await importNew(ns, target)).report).toMatchObject({ format: "fiftyone", added: 0, failed: [] });
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
    const again = await importNew(ns, join(folder, "out"));
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

  test("keeps the model of a run and its fingerprint: prompts search the copy too", async () => {
    const scenes = await ns.createDataset();
    const picture = join(temporaryFolder(), "red.png");
    writeFileSync(picture, await encodePicture(plainPicture(20, 20, [200, 20, 20])));
    await scenes.addSamples([{ filepath: picture }]);
    await scenes.computeSimilarity({ model: colourModel(), brainKey: "colours" });
    const target = join(temporaryFolder(), "target");
    expect((await scenes.export(target)).failed).toEqual([]);
    const { dataset, report } = await importNew(ns, target);
    expect(report.failed).toEqual([]);
    const [before, after] = [await scenes.getBrainInfo("colours"), await dataset.getBrainInfo("colours")];
    for (const part of ["model", "modelFingerprint", "modelKwargs", "supportsPrompts"] as const) {
      expect(after.config[part]).toEqual(before.config[part]);
    }
    expect(await dataset.sortBySimilarity({ prompt: "red" }).hits()).toHaveLength(1);
  });
});

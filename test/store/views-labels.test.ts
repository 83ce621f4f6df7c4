/** Views of labels: those kept by stages, and patches as rows of their own. */

import { describe, expect, test } from "vitest";
import type { Filter } from "../../core/filter.ts";
import type { StoreStage } from "../../core/store/store.ts";
import { EVERYTHING } from "./helpers.ts";
import { boxesAt, compare, label, useTwelveSamples } from "./twelve-samples.ts";

const files = useTwelveSamples();
const { numbers } = files;

describe("labels", () => {
  const cats: StoreStage = { stage: "filterLabels", field: "boxes", filter: label("cat") };
  const patches: StoreStage = { stage: "toPatches", field: "boxes" };

  test("filterLabels keeps matching labels, and drops samples without unless told otherwise", async () => {
    const kept = await files.store.samples.values(files.datasetId, [cats], "boxes.label", EVERYTHING);
    expect(kept.flat().every((one) => one === "cat")).toBe(true);
    const dropped = 12 - kept.length;
    const all = await files.store.samples.values(
      files.datasetId,
      [{ ...cats, onlyMatches: false }],
      "boxes.label",
      EVERYTHING,
    );
    expect(all.filter((one) => one === null || (one as string[]).length === 0)).toHaveLength(dropped);
    expect(all).toHaveLength(12);
  });

  test("later stages, patches, media and hydration see only the labels kept", async () => {
    const sure: StoreStage = {
      stage: "filterLabels",
      field: "boxes",
      filter: compare("confidence", "gt", 0.15),
    };
    const both = [cats, sure];
    const rows = await files.store.samples.rows(files.datasetId, both, EVERYTHING);
    const shown = rows.flatMap(({ sample }) => (sample.labels.boxes ?? []).map((one) => one.id));
    expect(shown.length).toBeGreaterThan(0);
    const media = await files.store.samples.media(files.datasetId, both, "boxes", EVERYTHING);
    expect(media.map((row) => row.id)).toEqual(shown);
    expect(
      (await files.store.samples.ids(files.datasetId, [...both, patches], EVERYTHING)).map((row) => row.id),
    ).toEqual(shown);
    expect(await files.store.samples.countValues(files.datasetId, both, "boxes.label")).toEqual([
      ["cat", shown.length],
    ]);
    const dogs: StoreStage = {
      stage: "match",
      filter: { op: "labels", field: "boxes", where: label("dog") },
    };
    expect(await numbers(dogs, cats)).not.toEqual([]);
    expect(await numbers(cats, dogs)).toEqual([]);
    // Other fields are shown whole.
    expect(rows.every(({ sample }) => sample.id === "s0" || sample.labels.scene?.length === 1)).toBe(true);
  });

  test("selectLabels keeps labels by id", async () => {
    const all = await files.store.samples.media(files.datasetId, [], "boxes", EVERYTHING);
    const ids = [all[3]?.id ?? "", all[0]?.id ?? ""];
    const kept = await files.store.samples.media(
      files.datasetId,
      [{ stage: "selectLabels", field: "boxes", ids }],
      "boxes",
      EVERYTHING,
    );
    expect(kept.map((row) => row.id)).toEqual([ids[1], ids[0]]);
  });

  test("patches come sample by sample, in the order of the list", async () => {
    const rows = await files.store.samples.rows(
      files.datasetId,
      [{ stage: "sortBy", field: "n", reverse: true }, patches],
      EVERYTHING,
    );
    expect(rows.map(({ sample, label: one }) => [sample.id, one?.confidence])).toEqual(
      [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].flatMap((n) =>
        Array.from({ length: boxesAt(n) }, (_, i) => [`s${n}`, (i + 1) / 10]),
      ),
    );
    expect(rows.every((row) => row.id === row.label?.id)).toBe(true);
  });

  test("stages on patches ask the label; `sample.` asks its sample", async () => {
    const { samples } = files.store;
    const count = (...stages: StoreStage[]) => samples.count(files.datasetId, [patches, ...stages]);
    expect(await count()).toBe(15);
    expect(await count({ stage: "match", filter: label("cat") })).toBe(
      (await samples.media(files.datasetId, [cats], "boxes", EVERYTHING)).length,
    );
    expect(await count(cats)).toBe(await count({ stage: "match", filter: label("cat") }));
    expect(await count({ stage: "match", filter: compare("boxes.detections.label", "eq", "cat") })).toBe(
      await count(cats),
    );
    expect(await count({ stage: "match", filter: compare("sample_id", "eq", "s3") })).toBe(3);
    expect(await count({ stage: "match", filter: compare("sample.n", "lt", 3) })).toBe(3);
    expect(await count({ stage: "match", filter: compare("area", "eq", 0.25) })).toBe(15);
    expect(
      await samples.values(
        files.datasetId,
        [patches, { stage: "sortBy", field: "confidence", reverse: true }, { stage: "limit", count: 3 }],
        "sample_id",
        EVERYTHING,
      ),
    ).toEqual(["s3", "s7", "s2"]);
    const ids = (await samples.ids(files.datasetId, [patches], EVERYTHING)).map((row) => row.id);
    const picked = [ids[4] ?? "", ids[2] ?? ""];
    expect(
      (
        await samples.ids(
          files.datasetId,
          [patches, { stage: "select", ids: picked, ordered: true }],
          EVERYTHING,
        )
      ).map((row) => row.id),
    ).toEqual(picked);
    expect(await count({ stage: "exclude", ids: picked })).toBe(13);
    await expect(count(patches)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const nested: Filter = {
      op: "labels",
      field: "boxes",
      where: { op: "labels", field: "boxes", where: label("cat") },
    };
    await expect(samples.count(files.datasetId, [{ stage: "match", filter: nested }])).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
  });
});

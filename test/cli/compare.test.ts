/** The commands that compare, import, export and check: duplicates, unique, import, export, embeddings, doctor. */

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { commandLine, messagesOf } from "../support/command-line.ts";
import { externalAddresses, isWellFormed } from "../support/html.ts";
import { encodePicture, noisePicture, plainPicture } from "../support/pictures.ts";
import { temporaryFolder } from "../support/temporary.ts";

const home = temporaryFolder();
const cli = commandLine(home);
const photos = join(home, "photos");

/** Eight pictures: six different ones, an equal file, and one that is nearly the same as another. */
beforeAll(async () => {
  mkdirSync(join(photos, "cats"), { recursive: true });
  mkdirSync(join(photos, "dogs"));
  for (const seed of [1, 2, 3]) {
    writeFileSync(join(photos, "cats", `${seed}.png`), await encodePicture(noisePicture(48, 36, seed)));
    const color = [60 * seed, 255 - 70 * seed, 40] as const;
    writeFileSync(join(photos, "dogs", `${seed}.png`), await encodePicture(plainPicture(48, 36, color)));
  }
  copyFileSync(join(photos, "cats", "1.png"), join(photos, "dogs", "equal.png"));
  writeFileSync(join(photos, "dogs", "near.png"), await encodePicture(plainPicture(50, 36, [60, 185, 41])));
  await cli.json(["import", photos, "--format", "tree"]);
  await cli.json(["index", "photos"]);
}, 120_000);

interface Groups {
  readonly groups: readonly {
    readonly filepath: string;
    readonly duplicates: readonly { readonly filepath: string; readonly distance: number }[];
  }[];
}

const names = ({ groups }: Groups) =>
  groups.map(({ filepath, duplicates }) =>
    [filepath, ...duplicates.map((one) => one.filepath)].map(shortName),
  );

const shortName = (path: string) => path.slice(photos.length + 1);

describe("import", () => {
  test("reads a tree of classes, names the data set after the folder, and says what to do next", async () => {
    const again = await cli.run("import", photos, "--name", "again");
    expect(again.code).toBe(0);
    expect(again.stdout).toContain("Data set again: 8 samples added");
    expect(again.stdout).toContain("nearsight index again");
    const { fields } = await cli.json<{ fields: { name: string; type: string }[] }>([
      "datasets",
      "info",
      "photos",
    ]);
    expect(fields).toContainEqual({ name: "ground_truth", type: "classification" });
  });

  test("leaves no data set behind where there was nothing to read", async () => {
    const outcome = await cli.run("import", join(home, "nowhere"), "--name", "nothing");
    expect(outcome.code).toBe(3);
    const { datasets } = await cli.json<{ datasets: { name: string }[] }>(["datasets", "list"]);
    expect(datasets.map(({ name }) => name)).not.toContain("nothing");
  });

  test("says what could not be read, with exit code 4", async () => {
    const lines = [
      JSON.stringify({ filepath: join(photos, "cats", "2.png") }),
      "{ not JSON",
      JSON.stringify({ filepath: join(photos, "cats", "3.png") }),
    ];
    const file = join(home, "list.jsonl");
    writeFileSync(file, lines.join("\n"));
    const outcome = await cli.json<{ added: number; failed: { path: string }[] }>(["import", file], 4);
    expect(outcome.added).toBe(2);
    expect(outcome.failed).toHaveLength(1);
  });
});

describe("export", () => {
  test("writes what a filter holds for, to be read again", async () => {
    const target = join(home, "cats.zip");
    const report = await cli.json<{ exported: number; format: string }>([
      ...["export", "photos", target, "--format", "tree", "--where", 'ground_truth.label = "cats"'],
    ]);
    expect(report.exported).toBe(3);
    const back = await cli.json<{ added: number }>(["import", target, "--name", "back"]);
    expect(back.added).toBe(3);
  });

  test("leaves what is at the target alone without --overwrite", async () => {
    const target = join(home, "taken");
    mkdirSync(target);
    writeFileSync(join(target, "mine.txt"), "mine");
    const outcome = await cli.run("export", "photos", target);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain("--overwrite");
    expect(readdirSync(target)).toEqual(["mine.txt"]);
  });
});

describe("duplicates", () => {
  test("--exact finds equal files without an index", async () => {
    expect(names(await cli.json<Groups>(["duplicates", "again", "--exact"]))).toEqual([
      ["cats/1.png", "dogs/equal.png"],
    ]);
  });

  test("by distance finds those that are nearly the same too, and no distance is above the threshold", async () => {
    const found = await cli.json<Groups>(["duplicates", "photos", "--threshold", "0.001"]);
    expect(names(found)).toEqual([
      ["cats/1.png", "dogs/equal.png"],
      ["dogs/1.png", "dogs/near.png"],
    ]);
    expect(
      Math.max(...found.groups.flatMap((group) => group.duplicates.map((one) => one.distance))),
    ).toBeLessThan(0.001);
  });

  test("--fraction calls that share duplicates; --tag tags them and keeps the others", async () => {
    await cli.json(["duplicates", "photos", "--fraction", "0.25", "--tag", "twice"]);
    const { tags } = await cli.json<{ tags: Record<string, number> }>(["datasets", "info", "photos"]);
    expect(tags).toEqual({ twice: 2 });
  });

  test("--html writes a page of the groups that loads nothing", async () => {
    const page = join(home, "twice.html");
    const outcome = await cli.run("duplicates", "photos", "--threshold", "0.001", "--html", page);
    expect(outcome.stdout).toContain("2 duplicates of 2 samples");
    const html = readFileSync(page, "utf8");
    expect(isWellFormed(html)).toBe(true);
    expect(externalAddresses(html)).toEqual([]);
    expect(html.match(/<img /g)).toHaveLength(4);
  });

  test.each([
    ["--threshold", "0.1", "--fraction", "0.1"],
    ["--fraction", "2"],
    ["--exact", "--threshold", "0.1"],
  ])("refuses %s %s %s %s", async (...words) => {
    expect((await cli.run("duplicates", "photos", ...words)).code).toBe(2);
  });
});

test("unique chooses samples that are no duplicates of each other", async () => {
  const { unique } = await cli.json<{ unique: { filepath: string }[] }>(["unique", "photos", "-c", "6"]);
  const chosen = unique.map(({ filepath }) => shortName(filepath));
  expect(chosen).toHaveLength(6);
  expect(chosen).not.toEqual(expect.arrayContaining(["cats/1.png", "dogs/equal.png"]));
  expect(chosen).not.toEqual(expect.arrayContaining(["dogs/1.png", "dogs/near.png"]));
});

describe("embeddings get", () => {
  test("prints one JSON line for each vector", async () => {
    const { stdout } = await cli.run("embeddings", "get", "photos");
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; embedding: number[] });
    expect(rows).toHaveLength(8);
    expect(rows[0]?.embedding).toHaveLength(512);
  });

  test("writes an array and its ids, which import reads back as vectors", async () => {
    const file = join(home, "vectors.npy");
    await cli.json(["embeddings", "get", "photos", "--out", file]);
    expect(JSON.parse(readFileSync(join(home, "vectors.ids.json"), "utf8"))).toHaveLength(8);
    expect(readFileSync(file).subarray(1, 6).toString()).toBe("NUMPY");
    expect(readFileSync(file).byteLength).toBe(8 * 512 * 4 + 128);
  });

  test("says which id is not there", async () => {
    const outcome = await cli.run("embeddings", "get", "photos", "000000000000000000000000");
    expect(outcome.code).toBe(3);
  });
});

test("runs copy makes another index of the same vectors", async () => {
  const copied = await cli.json<{ brainKey: string; total: number }>([
    ...["runs", "copy", "photos", "images", "--to", "local", "--brain-key", "far", "--metric", "euclidean"],
  ]);
  expect(copied).toMatchObject({ brainKey: "far", total: 8 });
  const { results } = await cli.json<{ results: unknown[] }>([
    ...["search", "photos", "--brain-key", "far", "--image", join(photos, "cats", "2.png"), "-k", "3"],
  ]);
  expect(results).toHaveLength(3);
  await cli.json(["runs", "delete", "photos", "far", "--cleanup"]);
});

test("runs switch exchanges two indexes", async () => {
  await cli.json([
    ...["runs", "copy", "photos", "images", "--to", "local", "--brain-key", "next", "--metric", "euclidean"],
  ]);
  const switched = await cli.json(["runs", "switch", "photos", "images", "next"]);
  expect(switched).toMatchObject({
    dataset: "photos",
    brainKey: "images",
    formerKey: "next",
    backend: "local",
  });
  const metric = async (key: string) =>
    (await cli.json<{ config: { metric: string } }>(["runs", "info", "photos", key])).config.metric;
  expect([await metric("images"), await metric("next")]).toEqual(["euclidean", "cosine"]);
  const outcome = await cli.run("runs", "switch", "photos", "images", "none");
  expect([outcome.code, messagesOf(outcome)]).toEqual([3, expect.stringContaining("'none'")]);
  await cli.json(["runs", "switch", "photos", "images", "next"]);
  await cli.json(["runs", "delete", "photos", "next", "--cleanup"]);
});

describe("doctor", () => {
  test("says that all is well", async () => {
    const outcome = await cli.run("doctor", "--media", "--deep");
    expect(messagesOf(outcome)).toBe("");
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toContain("✓ media: 8 media are there and unchanged");
  });

  test("says what is wrong, with exit code 1, and what to do", async () => {
    const lost = readdirSync(join(home, "indexes")).filter((name) => name.startsWith("photos"));
    for (const name of lost) rmSync(join(home, "indexes", name));
    expect(existsSync(join(home, "indexes"))).toBe(true);
    const outcome = await cli.run("doctor", "photos");
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toContain("✗ collection:");
    expect(outcome.stdout).toContain("nearsight runs delete DATASET images");
  });
});

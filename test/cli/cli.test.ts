/** The command line as users run it: quickstart, search, index, data sets and runs, exit codes, stops. */

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { commandLine, messagesOf, type Outcome } from "../support/command-line.ts";
import { externalAddresses, isWellFormed } from "../support/html.ts";
import { temporaryFolder } from "../support/temporary.ts";

interface SearchJson {
  readonly dataset: string;
  readonly brainKey: string;
  readonly backend: string;
  readonly metric: string;
  readonly k: number;
  readonly results: readonly {
    readonly rank: number;
    readonly id: string;
    readonly sampleId: string;
    readonly filepath: string;
    readonly score: number;
    readonly distance: number;
    readonly label?: string;
  }[];
}

interface IndexJson {
  readonly did: string;
  readonly added: number;
  readonly indexed: number;
  readonly total: number;
  readonly failed: readonly { readonly filepath: string; readonly reason: string }[];
}

const home = temporaryFolder();
const cli = commandLine(home, { HF_TOKEN: "hf_very-secret" });
const pictures = join(home, "zoo", "quickstart", "data");
let quickstart: Outcome;

beforeAll(async () => {
  quickstart = await cli.run("quickstart");
}, 180_000);

const search = (...words: string[]) => cli.json<SearchJson>(["search", "quickstart", ...words]);

describe("quickstart", () => {
  test("indexes images and objects, shows three searches, and says what to try next", () => {
    expect(messagesOf(quickstart)).toBe("");
    expect(quickstart.code).toBe(0);
    expect(quickstart.stdout).toMatch(/Index images: 200 images, in /);
    expect(quickstart.stdout).toMatch(/Index patches: \d+ objects, in /);
    expect(quickstart.stdout.match(/rank +distance +score/g)).toHaveLength(3);
    expect(quickstart.stdout).toContain("quickstart.html");
    expect(quickstart.stdout.match(/ {2}npx nearsight /g)).toHaveLength(5);
  });

  test("the second time only searches, and tells it as JSON", async () => {
    const again = await cli.json<{ indexes: IndexJson[]; searches: SearchJson[]; sheet: string }>([
      "quickstart",
    ]);
    expect(again.indexes.map(({ did }) => did)).toEqual(["nothing", "nothing"]);
    expect(again.searches.map(({ results }) => results.length)).toEqual([10, 10, 10]);
    const html = readFileSync(again.sheet, "utf8");
    expect(isWellFormed(html)).toBe(true);
    expect(externalAddresses(html)).toEqual([]);
    // Ten results each, and the pictures of the two queries that have one.
    expect(html.match(/<img /g)).toHaveLength(32);
  });
});

describe("search", () => {
  test("by image prints the agreed shape, the picture itself first", async () => {
    const image = join(pictures, "scene-0007.jpg");
    const found = await search("--image", image, "-k", "4");
    expect(Object.keys(found)).toEqual(["dataset", "brainKey", "backend", "metric", "k", "results"]);
    expect(found).toMatchObject({
      dataset: "quickstart",
      brainKey: "images",
      backend: "local",
      metric: "cosine",
      k: 4,
    });
    expect(found.results.map(({ rank }) => rank)).toEqual([1, 2, 3, 4]);
    const [first] = found.results;
    expect(Object.keys(first ?? {})).toEqual(["rank", "id", "sampleId", "filepath", "score", "distance"]);
    expect(first).toMatchObject({ filepath: image, sampleId: first?.id });
    expect(first?.distance).toBeCloseTo(0, 4);
    expect(first?.score).toBeCloseTo(1, 4);
  });

  test("by id, reversed and cut off by distance", async () => {
    const [first] = (await search("--image", join(pictures, "scene-0003.jpg"), "-k", "1")).results;
    const near = (await search("--id", first?.id ?? "", "-k", "20")).results;
    const far = (await search("--id", first?.id ?? "", "-k", "20", "--reverse")).results;
    expect(near[0]?.id).toBe(first?.id);
    expect(far[0]?.distance).toBeGreaterThan(near.at(-1)?.distance ?? 0);
    expect(far.map(({ distance }) => distance)).toEqual(
      far.map(({ distance }) => distance).sort((a, b) => b - a),
    );
    const limit = near[7]?.distance ?? 0;
    const cut = (await search("--id", first?.id ?? "", "-k", "20", "--max-distance", String(limit))).results;
    expect(cut.map(({ id }) => id)).toEqual(
      near.filter(({ distance }) => distance <= limit).map(({ id }) => id),
    );
  });

  test("by prompt, among the samples a filter holds for", async () => {
    const { results } = await search(
      "--prompt",
      "a photo of a dog",
      "--where",
      'tags contains "test"',
      "-k",
      "200",
    );
    const info = await cli.json<{ tags: Record<string, number> }>(["datasets", "info", "quickstart"]);
    expect(results).toHaveLength(info.tags["test"] ?? 0);
  });

  test("by a vector in a file, nearest first", async () => {
    const file = join(home, "vector.json");
    writeFileSync(file, JSON.stringify(Array.from({ length: 512 }, (_, i) => Math.sin(i))));
    const found = await search("--vector", file, "-k", "3");
    expect(found.results).toHaveLength(3);
    const [nearest, second] = found.results;
    expect(nearest?.distance).toBeLessThanOrEqual(second?.distance ?? 0);
  });

  test("of objects says which object, and takes filters on objects", async () => {
    const all = await search(
      "--brain-key",
      "patches",
      "--prompt",
      "a car",
      "-k",
      "3",
      "--where",
      'label = "car"',
    );
    expect(all.results.map(({ label }) => label)).toEqual(["car", "car", "car"]);
    const [first] = all.results;
    const same = await search("--brain-key", "patches", "--id", first?.id ?? "", "-k", "1");
    expect(same.results[0]?.id).toBe(first?.id);
  });

  test("--html writes a page with every result", async () => {
    const page = join(home, "pages", "dogs.html");
    const found = await search("--prompt", "a dog", "-k", "6", "--html", page);
    const html = readFileSync(page, "utf8");
    expect(html.match(/<li class="card"/g)).toHaveLength(6);
    expect(html).toContain(basename(found.results[5]?.filepath ?? "none"));
    expect(externalAddresses(html)).toEqual([]);
  });
});

describe("index of a folder", () => {
  const folder = join(home, "photos");

  test("indexes what can be read, lists what cannot, and later only what is new", async () => {
    mkdirSync(join(folder, "more"), { recursive: true });
    for (const name of ["scene-0001.jpg", "scene-0002.jpg"])
      copyFileSync(join(pictures, name), join(folder, name));
    writeFileSync(join(folder, "broken.jpg"), "not a picture");
    const first = await cli.json<IndexJson>(["index", folder], 4);
    expect(first).toMatchObject({ did: "built", added: 3, indexed: 2, total: 2 });
    expect(first.failed).toEqual([
      expect.objectContaining({
        filepath: join(folder, "broken.jpg"),
        reason: expect.stringContaining("format"),
      }),
    ]);

    copyFileSync(join(pictures, "scene-0003.jpg"), join(folder, "more", "scene-0003.jpg"));
    const second = await cli.run("index", folder);
    expect(second.code).toBe(4);
    expect(second.stdout).toContain("1 new image from photos, 3 were there");
    expect(second.stdout).toContain("3 images, 1 of them new");
    expect(second.stdout).toMatch(/1 medium could not be indexed:[\s\S]*photos\/broken\.jpg/);

    copyFileSync(join(pictures, "scene-0004.jpg"), join(folder, "broken.jpg"));
    expect(await cli.json<IndexJson>(["index", folder])).toMatchObject({
      did: "added",
      added: 0,
      indexed: 1,
      total: 4,
    });
    expect(await cli.json(["runs", "info", "photos", "images"])).toMatchObject({
      state: "ready",
      dataset: "photos",
    });
  });

  test("another folder of the same name does not slip into the data set", async () => {
    const other = join(home, "other", "photos");
    mkdirSync(other, { recursive: true });
    copyFileSync(join(pictures, "scene-0009.jpg"), join(other, "scene-0009.jpg"));
    const refused = await cli.run("index", other);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--name photos");
    expect(await cli.json<IndexJson>(["index", other, "--name", "photos"])).toMatchObject({
      added: 1,
      total: 5,
    });
  });

  test("Ctrl-C keeps what is done, says how to go on, and the same command does", async () => {
    let sent = false;
    const stopped = await cli.start(["index", pictures, "--name", "stopped"], (child, stdout) => {
      if (!sent && stdout.includes("200 new images")) sent = child.kill("SIGINT");
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain("stopped:");
    expect(stopped.stderr).toContain("Run the same command again to go on");
    expect(await cli.json<IndexJson>(["index", pictures, "--name", "stopped"])).toMatchObject({
      added: 0,
      total: 200,
    });
  });
});

describe("data sets and runs", () => {
  test("are listed, renamed and deleted", async () => {
    const folder = join(home, "few");
    mkdirSync(folder);
    copyFileSync(join(pictures, "scene-0005.jpg"), join(folder, "scene-0005.jpg"));
    await cli.json(["index", folder]);
    await cli.json(["datasets", "rename", "few", "one"]);
    await cli.json(["runs", "rename", "one", "images", "whole"]);
    expect(await cli.json(["runs", "list", "one"])).toMatchObject({
      runs: [{ dataset: "one", key: "whole", state: "ready" }],
    });
    const { datasets } = await cli.json<{ datasets: { name: string }[] }>(["datasets"]);
    expect(datasets).toContainEqual({ name: "one", samples: 1, brainRuns: ["whole"] });

    const indexes = join(home, "indexes");
    const before = readdirSync(indexes).filter((name) => name.startsWith("few_"));
    await cli.json(["runs", "delete", "one", "whole", "--cleanup"]);
    const after = readdirSync(indexes).filter((name) => name.startsWith("few_"));
    expect(before).not.toEqual([]);
    expect(after).toEqual([]);
    expect(await cli.json(["datasets", "delete", "one"])).toEqual({
      deleted: "one",
      samples: 1,
      collectionsLeft: [],
    });
    expect((await cli.run("datasets", "info", "one")).code).toBe(3);
  });
});

test("config shows where settings come from and no secrets", async () => {
  const { code, stdout } = await cli.run("config");
  expect(code).toBe(0);
  expect(stdout).toMatch(/home .* environment: NEARSIGHT_HOME/);
  expect(stdout).toMatch(/hubToken +\*+ +environment: HF_TOKEN/);
  expect((await cli.run("config", "--json")).stdout).not.toContain("very-secret");
});

test("models are listed with what they are good for", async () => {
  const { models } = await cli.json<{ models: object[] }>(["models", "list"]);
  expect(models).toContainEqual(
    expect.objectContaining({ name: "nearsight-tiny", dimension: 512, prompts: true }),
  );
});

describe("errors", () => {
  test.each<[code: number, message: string, hint: string, words: string[]]>([
    [2, "unknown command 'sarch'", "--help", ["sarch"]],
    [2, "Expected one of --image, --id, --prompt and --vector", "--prompt", ["search", "quickstart"]],
    [2, "whole number", "search --help", ["search", "quickstart", "--prompt", "x", "-k", "0"]],
    [2, "filter", "confidence > 0.5", ["search", "quickstart", "--prompt", "x", "--where", "label ="]],
    [
      2,
      "was made with 'cosine'",
      "runs delete quickstart images",
      ["index", "quickstart", "--metric", "euclidean"],
    ],
    [
      2,
      "filter fields 'tags' but brain run 'images'",
      "runs delete quickstart images",
      ["index", "quickstart", "--filter-field", "tags"],
    ],
    [
      2,
      "'local' does not",
      "milvus or elasticsearch",
      ["index", "quickstart", "--brain-key", "filtered", "--filter-field", "tags", "ground_truth.label"],
    ],
    [3, 'no data set named "nope"', "quickstart", ["search", "nope", "--prompt", "x"]],
    [3, "no entry", "nearsight search", ["search", "quickstart", "--id", "64f1c0a5b2e9d83f7a6c1b20"]],
    [
      3,
      "no brain run 'nope'",
      "--brain-key: images, patches",
      ["search", "quickstart", "--prompt", "x", "--brain-key", "nope"],
    ],
    [3, "No file at", "path", ["search", "quickstart", "--image", "absent.jpg"]],
    [3, "does not exist", "folder", ["index", "./absent"]],
    [3, "'nope'", "nearsight-tiny", ["models", "fetch", "nope"]],
  ])("exit code %i: %s", async (code, message, hint, words) => {
    const outcome = await cli.run(...words);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain(message);
    expect(outcome.stderr.split("hint:")[1]).toContain(hint);
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
    expect(outcome.stdout).toBe("");
  });

  test("--json tells the error as JSON, --debug where it happened", async () => {
    const told = await cli.run("search", "nope", "--prompt", "x", "--json");
    expect(JSON.parse(told.stderr)).toMatchObject({
      error: { code: "DATASET_NOT_FOUND", hint: expect.any(String) },
    });
    expect(told.stdout).toBe("");
    expect((await cli.run("search", "nope", "--prompt", "x", "--debug")).stderr).toMatch(/\n\s+at /);
  });
});

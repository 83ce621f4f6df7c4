/** An installation on PostgreSQL: build, search and delete, and what another machine sees of it. */

import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { Dataset } from "../../core/dataset/dataset.ts";
import { newId } from "../../core/ids.ts";
import type { Nearsight } from "../../core/nearsight.ts";
import { open } from "../../core/open.ts";
import { commandLine } from "../support/command-line.ts";
import { temporaryFolder, temporaryNearsight } from "../support/temporary.ts";
import { postgresAddress, schemaOf } from "../support/temporary-store.ts";
import { randomVectors } from "../support/vectors.ts";

const ROWS = 40;
const DIMENSION = 8;
const url = schemaOf(postgresAddress() ?? "", newId());

let ns: Nearsight;
let dataset: Dataset;
let ids: string[];

beforeAll(async () => {
  ns = await temporaryNearsight({ store: url });
  dataset = await ns.createDataset("pictures");
  ids = await dataset.addSamples(
    Array.from({ length: ROWS }, (_, i) => ({ filepath: `${i}.jpg`, tags: i % 2 === 0 ? ["even"] : [] })),
  );
});

async function build(brainKey: string) {
  const { data } = randomVectors(ROWS, DIMENSION, 3);
  const embeddings = ids.map((_, i) => data.slice(i * DIMENSION, (i + 1) * DIMENSION));
  return ns.computeSimilarity(dataset, { brainKey, backend: "local", embeddings });
}

const nearest = (samples: Dataset, brainKey: string) =>
  samples
    .matchTags("even")
    .sortBySimilarity({ id: ids[0] ?? "" }, { brainKey, k: 3 })
    .values("id");

test("an index is built, searched, found sound and deleted", async () => {
  const index = await build("here");
  expect(await index.totalIndexSize()).toBe(ROWS);
  const found = await nearest(dataset, "here");
  expect(found).toHaveLength(3);
  expect(found[0]).toBe(ids[0]);
  expect((await ns.doctor()).checks.filter(({ status }) => status !== "ok")).toEqual([]);
  await index.delete();
  expect(await dataset.listBrainRuns()).toEqual([]);
});

test("another machine has the data and the runs, but not the files of local indexes", async () => {
  const index = await build("there");
  const home = temporaryFolder();
  await using elsewhere = await open({ store: url, config: { home, cache: join(home, "cache") } });
  const same = await elsewhere.loadDataset("pictures");
  expect(await same.count()).toBe(ROWS);
  expect(await same.listBrainRuns()).toEqual(["there"]);
  await expect(nearest(same, "there")).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
  await index.delete();
});

test("the command line reads the same store, by NEARSIGHT_STORE, and shows no part of it", async () => {
  const cli = commandLine(temporaryFolder(), { NEARSIGHT_STORE: url });
  const listed = await cli.json<{ datasets: unknown[] }>(["datasets"]);
  expect(listed.datasets).toMatchObject([{ name: "pictures", samples: ROWS }]);
  const { stdout } = await cli.run("config");
  expect(stdout).toMatch(/store +\*+ +environment: NEARSIGHT_STORE/);
});

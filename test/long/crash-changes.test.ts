/** Changes of data sets and indexes are killed at their writes: each is done as a whole, or can be done again. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { Dataset } from "../../core/dataset/dataset.ts";
import type { Nearsight } from "../../core/nearsight.ts";
import { drawPictures, expectInStep, expectSoundFiles, letLeasesEnd } from "../support/crash-checks.ts";
import { choosePoints, copyHome, countWrites, removeHome, rounds, runTask } from "../support/crash-run.ts";
import { DIMENSION, MANY, openHome, REQUEST, TASKS } from "../support/crash-tasks.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { randomVectors } from "../support/vectors.ts";

vi.setConfig({ testTimeout: 900_000 });

const PICTURES = 24;
const SEED = 7;

/** An installation whose data set has `given` of some 12 given vectors, and a complete run `images`. */
let home: string;
let ids: string[];

beforeAll(async () => {
  home = temporaryFolder();
  const ns = await openHome(home);
  const dataset = await ns.createDataset("crash");
  ids = await dataset.addSamples(
    (await drawPictures(home, PICTURES)).map((filepath, place) => ({ filepath, place })),
  );
  await ns.computeSimilarity(dataset.limit(12), {
    embeddings: randomVectors(12, DIMENSION),
    brainKey: "given",
  });
  await ns.close();
});

type Check = (dataset: Dataset, ns: Nearsight) => Promise<void>;

/** Kills the task at points of its own, opens the home again, and checks it before and after doing it again. */
async function killAndCheck(
  from: string,
  task: string,
  checks: { killed: Check; again: Check; indexes?: number },
): Promise<void> {
  const points = choosePoints(await countWrites(from, task), rounds(4, 1_000), SEED);
  expect(points.length).toBeGreaterThan(0);
  for (const crash of points) {
    const copy = copyHome(from);
    const { signal } = await runTask(copy, task, { crash, log: join(copy, "points.log") });
    expect(signal, crash).toBe("SIGKILL");
    letLeasesEnd(copy);
    const ns = await openHome(copy);
    const dataset = await ns.loadDataset("crash");
    await checks.killed(dataset, ns);
    await TASKS[task]?.(ns, dataset).catch(() => {}); // what was done already cannot always be done again
    await checks.again(dataset, ns);
    await ns.close();
    if (checks.indexes !== undefined) expectSoundFiles(copy, checks.indexes);
    removeHome(copy);
  }
}

async function given(dataset: Dataset) {
  const index = await dataset.loadBrainResults("given");
  const { embeddings, sampleIds } = await index.getEmbeddings();
  return { index, sampleIds, vector: (id: string) => embeddings.row(sampleIds.indexOf(id)) };
}

describe("an index", () => {
  test("addToIndex loses no entry that was there, and is completed by the same call", async () => {
    const before = randomVectors(12, DIMENSION);
    const added = randomVectors(15, DIMENSION, 2);
    await killAndCheck(home, "addToIndex", {
      async killed(dataset) {
        const { sampleIds, vector } = await given(dataset);
        expect(sampleIds.slice(0, 12)).toEqual(ids.slice(0, 12));
        for (const [i, id] of ids.slice(0, 12).entries()) {
          const either = i < 5 ? [before.row(i)] : [before.row(i), added.row(i - 5)];
          expect(either).toContainEqual(vector(id));
        }
        const hits = await dataset.sortBySimilarity({ vector: [...before.row(0)] }, { k: 100 }).hits();
        expect(hits.map((hit) => hit.id).sort()).toEqual([...sampleIds].sort());
      },
      async again(dataset) {
        const { index, sampleIds, vector } = await given(dataset);
        expect(sampleIds).toEqual(ids.slice(0, 20));
        for (const [i, id] of ids.slice(5, 20).entries()) expect(vector(id)).toEqual(added.row(i));
        await expectInStep(dataset, index, 20);
      },
      indexes: 1,
    });
  });

  test("what a killed addition left can be removed", async () => {
    for (const crash of choosePoints(await countWrites(home, "addToIndex"), rounds(4, 20), SEED)) {
      const copy = copyHome(home);
      await runTask(copy, "addToIndex", { crash, log: join(copy, "points.log") });
      const ns = await openHome(copy);
      const dataset = await ns.loadDataset("crash");
      const index = await dataset.loadBrainResults("given");
      await index.removeFromIndex({ sampleIds: ids.slice(12, 20) });
      await expectInStep(dataset, index, 12);
      await ns.close();
      removeHome(copy);
    }
  });

  test("removeFromIndex takes all the entries or none", async () => {
    await killAndCheck(home, "removeFromIndex", {
      async killed(dataset) {
        const { index, sampleIds } = await given(dataset);
        expect([12, 6]).toContain(sampleIds.length);
        await expectInStep(dataset, index, sampleIds.length);
      },
      again: async (dataset) => expectInStep(dataset, (await given(dataset)).index, 6),
      indexes: 1,
    });
  });

  test("samples deleted from the data set leave its indexes, sooner or later", async () => {
    await killAndCheck(home, "deleteSamples", {
      async killed(dataset) {
        const left = await dataset.count();
        expect([PICTURES, PICTURES - 6]).toContain(left);
        const { index, sampleIds } = await given(dataset);
        expect(sampleIds).toHaveLength(left === PICTURES ? 12 : 6);
        await expectInStep(dataset, index, sampleIds.length);
      },
      again: async (dataset) =>
        expectInStep(dataset, (await given(dataset)).index, (await dataset.count()) - 12),
      indexes: 1,
    });
  });

  test.each(["cleanup", "deleteIndex"])("%s keeps the index whole or removes its file", async (task) => {
    await killAndCheck(home, task, {
      async killed(dataset) {
        if (!(await dataset.hasBrainRun("given"))) return;
        const index = await dataset.loadBrainResults("given");
        const { state } = await dataset.getBrainInfo("given");
        if (state === "ready") await expectInStep(dataset, index, 12);
        else await expect(index.totalIndexSize()).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
      },
      async again(dataset, ns) {
        const files = new DatabaseSync(join(ns.config.home, "nearsight.db"));
        expect(files.prepare("SELECT count(*) AS n FROM run_entries").get()).toEqual({ n: 0 });
        files.close();
        expect(await dataset.listBrainRuns()).toEqual(task === "cleanup" ? ["given"] : []);
        const again = await ns.computeSimilarity(dataset, { ...REQUEST, brainKey: "after" });
        await expectInStep(dataset, again, PICTURES);
      },
      indexes: 1,
    });
  });

  test("copyRun is completed by the same call, and leaves its source alone", async () => {
    await killAndCheck(home, "copyRun", {
      killed: async (dataset) => expectInStep(dataset, (await given(dataset)).index, 12),
      async again(dataset) {
        const source = await given(dataset);
        const copy = await dataset.loadBrainResults("copy");
        await expectInStep(dataset, copy, 12);
        const { embeddings, sampleIds } = await copy.getEmbeddings();
        expect(sampleIds).toEqual(source.sampleIds);
        for (const [row, id] of sampleIds.entries()) expect(embeddings.row(row)).toEqual(source.vector(id));
      },
      indexes: 2,
    });
  });

  test("addMissing keeps what is indexed and goes on", async () => {
    const started = copyHome(home);
    const ns = await openHome(started);
    const dataset = await ns.loadDataset("crash");
    await ns.computeSimilarity(dataset.limit(8), REQUEST);
    await ns.close();
    await killAndCheck(started, "addMissing", {
      async killed(killed) {
        const index = await killed.loadBrainResults("images");
        const { sampleIds } = await index.getEmbeddings();
        expect(sampleIds.slice(0, 8)).toEqual(ids.slice(0, 8));
      },
      again: async (again) => expectInStep(again, await again.loadBrainResults("images"), PICTURES),
    });
  });
});

describe("a data set", () => {
  test("samples and their vectors come together, a thousand at a time", async () => {
    await killAndCheck(home, "addSamples", {
      async killed(dataset) {
        const added = ((await dataset.values("id")) as string[]).slice(PICTURES);
        expect([0, 1_000, MANY]).toContain(added.length);
        expect((await dataset.getVectors("vector", added)).ids).toEqual(added);
      },
      again: async (dataset) => {
        const total = await dataset.count();
        expect(await dataset.exists("vector").count()).toBe(total - PICTURES);
        expect([0, 1_000, MANY]).toContain(total - PICTURES - MANY);
      },
    });
  });

  test("setValues keeps every value of a thousand, or none of them", async () => {
    const many = copyHome(home);
    const ns = await openHome(many);
    const vectors = randomVectors(MANY, DIMENSION);
    const dataset = await ns.loadDataset("crash");
    await dataset.deleteSamples(ids);
    const added = await dataset.addSamples(
      Array.from({ length: MANY }, (_, i) => ({ filepath: `${i}.png`, vector: vectors.row(i) })),
    );
    await ns.close();
    const wanted = randomVectors(MANY, DIMENSION, 9);
    await killAndCheck(many, "setValues", {
      async killed(killed) {
        const found = (await killed.getVectors("vector", added)).vectors;
        const isNew = added.map((_, i) => found.row(i)[0] === wanted.row(i)[0]);
        expect([0, 1_000, MANY]).toContain(isNew.filter(Boolean).length);
        expect(isNew.lastIndexOf(true)).toBe(isNew.filter(Boolean).length - 1);
      },
      again: async (again) => {
        expect((await again.getVectors("vector", added)).vectors.data).toEqual(wanted.data);
      },
    });
  });

  test("a run is renamed, or not", async () => {
    await killAndCheck(home, "renameBrainRun", {
      killed: async (dataset) => {
        expect([["given"], ["renamed"]]).toContainEqual(await dataset.listBrainRuns());
      },
      again: async (dataset) => {
        expect(await dataset.listBrainRuns()).toEqual(["renamed"]);
        await expectInStep(dataset, await dataset.loadBrainResults("renamed"), 12);
      },
    });
  });

  test("a run's record is deleted with its entries, or not", async () => {
    await killAndCheck(home, "deleteBrainRun", {
      killed: async (dataset) => {
        if (await dataset.hasBrainRun("given")) await expectInStep(dataset, (await given(dataset)).index, 12);
      },
      again: async (dataset) => {
        expect(await dataset.listBrainRuns()).toEqual([]);
      },
    });
  });

  test("a data set is deleted with everything in it, or not at all", async () => {
    for (const crash of choosePoints(await countWrites(home, "deleteDataset"), 10, SEED)) {
      const copy = copyHome(home);
      await runTask(copy, "deleteDataset", { crash, log: join(copy, "points.log") });
      const ns = await openHome(copy);
      const there = await ns.datasetExists("crash");
      if (there)
        await expectInStep(
          await ns.loadDataset("crash"),
          (await given(await ns.loadDataset("crash"))).index,
          12,
        );
      await ns.close();
      const database = new DatabaseSync(join(copy, "nearsight.db"));
      for (const table of ["samples", "runs", "run_entries", "fields"]) {
        const row = database.prepare(`SELECT count(*) AS n FROM ${table}`).get();
        expect(Number(row?.["n"]) > 0, table).toBe(there);
      }
      database.close();
    }
  });
});

/** Watching an index: new and replaced entries near a query, once each, whoever adds them. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import type { SimilarityIndex, WatchHit } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { colourModel } from "../../support/colour-model.ts";
import { encodePicture, plainPicture } from "../../support/pictures.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const EAST = [1, 0, 0];
const NEARLY_EAST = [0.9, 0.1, 0];
const NORTH = [0, 1, 0];
const NEAR = { maxDistance: 0.2, interval: 5 };

let ns: Nearsight & { home: string };
let dataset: Dataset;
let ids: string[];
let index: SimilarityIndex;

beforeEach(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("watched");
  ids = await dataset.addSamples(Array.from({ length: 40 }, (_, i) => ({ filepath: `${i}.jpg` })));
  const embeddings = { [ids[0] ?? ""]: EAST, [ids[1] ?? ""]: NORTH };
  index = await ns.computeSimilarity(dataset, { embeddings, brainKey: "images" });
});

const id = (i: number) => ids[i] ?? "";

async function next(watch: AsyncGenerator<WatchHit>): Promise<string> {
  const { value, done } = await watch.next();
  if (done) throw new Error("The watch ended");
  return value.id;
}

async function all(watch: AsyncGenerator<WatchHit>): Promise<string[]> {
  const seen: string[] = [];
  for await (const hit of watch) seen.push(hit.id);
  return seen;
}

describe("a watch", () => {
  it("yields near entries that are added after the call, with distance and score", async () => {
    const watch = index.watch({ vector: EAST }, NEAR);
    await index.addToIndex([NORTH, NEARLY_EAST, EAST], ids.slice(2, 5));
    const { value } = await watch.next();
    expect(value).toEqual({
      id: id(4),
      sampleId: id(4),
      distance: expect.closeTo(0),
      score: expect.closeTo(1),
    });
    expect(await next(watch)).toBe(id(3));
    await index.addToIndex([EAST], [id(9)]);
    expect(await next(watch)).toBe(id(9));
    await watch.return();
  });

  it("yields an entry again when it is replaced, and not for what comes or goes elsewhere", async () => {
    const watch = index.watch(id(0), NEAR);
    await index.addToIndex([EAST], [id(1)]);
    expect(await next(watch)).toBe(id(1));
    await index.addToIndex([NORTH], [id(1)]);
    await index.removeFromIndex({ sampleIds: id(0) });
    const other = await ns.computeSimilarity(dataset, { embeddings: false, brainKey: "other" });
    await other.addToIndex([EAST], [id(5)]);
    await index.addToIndex([NEARLY_EAST], [id(1)]);
    expect(await next(watch)).toBe(id(1));
    await index.addToIndex([EAST], [id(2)]);
    expect(await next(watch)).toBe(id(2));
    await watch.return();
  });

  it("skips what is gone or far again by the time it is looked at", async () => {
    const watch = index.watch({ vector: EAST }, NEAR);
    await index.addToIndex([EAST, EAST, EAST, EAST], ids.slice(2, 6));
    await index.removeFromIndex({ sampleIds: id(2) });
    await dataset.deleteSamples([id(3)]);
    await index.addToIndex([NORTH], [id(4)]);
    expect(await next(watch)).toBe(id(5));
    await index.addToIndex([EAST], [id(6)]);
    expect(await next(watch)).toBe(id(6));
    await watch.return();
  });

  it("sees a removed entry when it is added again", async () => {
    const watch = index.watch({ vector: EAST }, NEAR);
    await index.addToIndex([EAST], [id(2)]);
    expect(await next(watch)).toBe(id(2));
    await index.removeFromIndex({ sampleIds: id(2) });
    await index.addToIndex([EAST], [id(2)]);
    expect(await next(watch)).toBe(id(2));
    await watch.return();
  });

  it("misses and doubles nothing while two installations add many", async () => {
    const other = await temporaryNearsight({ config: { home: ns.home } });
    const theirs = await (await other.loadDataset("watched")).loadBrainResults("images");
    const many = await dataset.addSamples(
      Array.from({ length: 3_000 }, (_, i) => ({ filepath: `many${i}.jpg` })),
    );
    const watch = all(index.watch({ vector: EAST }, { ...NEAR, k: 3_000 }));
    const add = async (to: SimilarityIndex, first: number) => {
      for (let i = first; i < 3_000; i += 200) {
        const part = many.slice(i, i + 100);
        await to.addToIndex(
          part.map(() => EAST),
          part,
        );
      }
    };
    await Promise.all([add(index, 0), add(theirs, 100)]);
    const seen = await watch;
    expect(new Set(seen)).toEqual(new Set(many));
  });

  it("sees what another process adds", async () => {
    const watch = index.watch({ vector: EAST }, NEAR);
    const script = fileURLToPath(new URL("./add-process.ts", import.meta.url));
    const child = spawn(process.execPath, [script, ns.home, "watched", "images", ...ids.slice(2, 12)], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const seen = [];
    while (seen.length < 10) seen.push(await next(watch));
    expect(seen).toEqual(ids.slice(2, 12));
    expect((await once(child, "exit"))[0]).toBe(0);
    await watch.return();
  });

  it("sees what a build indexes while it goes on, and waits for an index that has nothing yet", async () => {
    const folder = temporaryFolder();
    const colours = [
      [250, 0, 0],
      [0, 0, 250],
      [240, 5, 5],
    ] as const;
    const pictures = await ns.createDataset("pictures");
    const added = await pictures.addSamples(
      await Promise.all(
        colours.map(async (colour, i) => {
          const filepath = join(folder, `${i}.png`);
          writeFileSync(filepath, await encodePicture(plainPicture(8, 8, colour)));
          return { filepath };
        }),
      ),
    );
    await ns.computeSimilarity(pictures, { embeddings: false, model: colourModel(), brainKey: "a" });
    const built = await pictures.loadBrainResults("a");
    const seen = all(built.watch({ prompt: "red" }, { ...NEAR, k: 2 }));
    await built.addMissing({ batchSize: 1 });
    expect(new Set(await seen)).toEqual(new Set([added[0], added[2]]));
  });
});

describe("the end of a watch", () => {
  it("comes without an error when its signal fires: before it begins, while it waits, and between hits", async () => {
    expect(await all(index.watch({ vector: EAST }, { ...NEAR, signal: AbortSignal.abort() }))).toEqual([]);
    const waiting = new AbortController();
    const ended = all(index.watch({ vector: EAST }, { interval: 60_000, signal: waiting.signal }));
    await index.totalIndexSize();
    waiting.abort();
    expect(await ended).toEqual([]);
    const between = new AbortController();
    const watch = index.watch({ vector: EAST }, { ...NEAR, signal: between.signal });
    await index.addToIndex([EAST, NEARLY_EAST], ids.slice(2, 4));
    expect(await next(watch)).toBe(id(2));
    between.abort();
    expect(await watch.next()).toEqual({ value: undefined, done: true });
  });

  it("comes after k hits", async () => {
    const watch = index.watch({ vector: EAST }, { interval: 5, k: 2 });
    await index.addToIndex([NORTH, EAST, NEARLY_EAST], ids.slice(2, 5));
    expect(await all(watch)).toEqual([id(3), id(4)]);
  });

  it("is an error when the run is deleted, or its collection given up", async () => {
    const copy = await dataset.copyRun("images", { to: "local", brainKey: "copy" });
    const end = (watch: AsyncGenerator<WatchHit>) => all(watch).catch((error) => error.code);
    const given = end(copy.watch({ vector: EAST }, NEAR));
    await copy.cleanup();
    expect(await given).toBe("INDEX_NOT_FOUND");
    const deleted = end(index.watch({ vector: EAST }, NEAR));
    await dataset.deleteBrainRun("images");
    expect(await deleted).toBe("RUN_NOT_FOUND");
  });

  it.each([
    [{ k: 0 }, "INVALID_ARGUMENT"],
    [{ interval: 0 }, "INVALID_ARGUMENT"],
    [{ interval: 2 ** 40 }, "INVALID_ARGUMENT"],
    [{ maxDistance: Number.NaN }, "INVALID_ARGUMENT"],
  ])("%j is refused at once", (options, code) => {
    expect(() => index.watch({ vector: EAST }, options)).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    [{ vector: [1, 2] }, "DIMENSION_MISMATCH"],
    [{ id: "nobody" }, "ID_NOT_FOUND"],
    [{ prompt: "red" }, "PROMPTS_UNSUPPORTED"],
    [{ combine: [{ vector: EAST }, { vector: NORTH }], by: "rank" as const }, "INVALID_ARGUMENT"],
  ])("%j cannot be watched for", async (query, code) => {
    await expect(index.watch(query, NEAR).next()).rejects.toMatchObject({ code });
  });
});

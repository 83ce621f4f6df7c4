/** Collections in memory stay within the limit, and answers do not depend on it. */

import { join } from "node:path";
import { expect, test } from "vitest";
import type { Collection } from "../../../core/backends/backend.ts";
import type { IndexFile } from "../../../core/backends/local/file.ts";
import { localBackend } from "../../../core/backends/local/local.ts";
import { Residency } from "../../../core/backends/local/residency.ts";
import { headerOf } from "../../../core/backends/local/spec.ts";
import { upsertEntries } from "../../../core/backends/local/writes.ts";
import { entries, fetched, floats, joined, stream } from "../../contract/context.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";
import { newIndexFile } from "./index-files.ts";

const [ROWS, DIMENSION] = [2000, 64];
/** What one of the collections here takes at most: rows, codes and ids. */
const ONE = ROWS * (DIMENSION * 4 + DIMENSION + 40 + 200);

const folder = temporaryFolder();
let seed = 0;

function newFile(): IndexFile {
  const file = newIndexFile(headerOf({ name: "x", metric: "cosine", dimension: DIMENSION }));
  const ids = Array.from({ length: ROWS }, (_, i) => `e${i}`);
  upsertEntries(file, { ids, sampleIds: ids, data: randomVectors(ROWS, DIMENSION, ++seed).data });
  return file;
}

test("the collection unused for longest is let go of first", () => {
  const opened = { a: newFile(), b: newFile(), c: newFile() };
  // A kernel's memory comes in whole pages with room for queries, which a limit in rows does not count.
  const residency = new Residency({ simd: true, memoryLimit: 20 * ONE, threads: 1 });
  const use = (name: keyof typeof opened) =>
    opened[name].read((header) => residency.current(name, opened[name], header));
  const taken = use("a").bytes;
  const tight = new Residency({ simd: true, memoryLimit: 2 * taken + ONE - 1, threads: 1 });
  const useTight = (name: keyof typeof opened) =>
    opened[name].read((header) => tight.current(name, opened[name], header));
  for (const name of ["a", "b", "a"] as const) useTight(name);
  expect([tight.peek("a"), tight.peek("b")]).not.toContain(undefined);
  useTight("c");
  expect(tight.peek("b")).toBeUndefined();
  expect(tight.peek("a")).toBeDefined();
  for (const file of Object.values(opened)) file.close();
  residency.close();
  tight.close();
});

test("of a collection beyond the limit only codes are held; it may come and go with writes", () => {
  const file = newFile();
  const residency = new Residency({ simd: true, memoryLimit: ONE - 1, threads: 1 });
  const use = () => file.read((header) => residency.current("a", file, header));
  const held = use();
  expect(held.segments.length === 0 && held.encoded && held.fileRows !== undefined).toBe(true);
  expect(use()).toBe(held);
  const larger = new Residency({ simd: true, memoryLimit: ONE, threads: 1 });
  const useLarger = () => file.read((header) => larger.current("a", file, header));
  expect(useLarger().fileRows).toBeUndefined();
  upsertEntries(file, { ids: ["new"], sampleIds: ["new"], data: randomVectors(1, DIMENSION, 9).data });
  expect(useLarger().fileRows).toBeDefined();
  file.close();
});

test("without SIMD there are no codes, and the rows are held whatever the limit", () => {
  const file = newFile();
  const residency = new Residency({ simd: false, memoryLimit: 1, threads: 2 });
  const held = file.read((header) => residency.current("a", file, header));
  expect(held.fileRows).toBeUndefined();
  expect(residency.helpers).toBeUndefined();
  file.close();
});

test("answers are the same with any limit", async () => {
  const answers: unknown[] = [];
  for (const memoryLimit of [1, 2 * ONE, 1e9]) {
    const backend = localBackend({ folder: join(folder, String(memoryLimit)), memoryLimit });
    const collections: Collection[] = [];
    for (const [i, metric] of (["cosine", "euclidean", "dotproduct", "hamming"] as const).entries()) {
      const made = await backend.create({ name: `c${i}`, dimension: 64, metric });
      const bits = metric === "hamming" ? 8 : 64;
      await made.upsert(stream(entries(700, metric, i, "e", bits)));
      await made.delete(stream(["e0003", "e0500"]));
      collections.push(made);
    }
    for (const [i, collection] of [...collections.entries(), ...collections.entries()]) {
      const query = entries(1, i === 3 ? "hamming" : "cosine", 40, "q", i === 3 ? 8 : 64).vectors;
      for (const reverse of [false, true]) {
        for (const k of [7, null])
          answers.push([memoryLimit, i, await collection.search(query, { k, reverse })]);
      }
      answers.push([memoryLimit, i, await fetched(collection.fetch())]);
    }
    await backend.close();
  }
  const third = answers.length / 3;
  const plain = (from: number) =>
    answers.slice(from, from + third).map((answer) => (answer as unknown[]).slice(1));
  expect(plain(0)).toEqual(plain(2 * third));
  expect(plain(third)).toEqual(plain(2 * third));
});

test("a scan's pages follow each other through equal distances, and over a write", async () => {
  const backend = localBackend({ folder: join(folder, "scan") });
  const collection = await backend.create({ name: "x", dimension: 2, metric: "euclidean" });
  const rows = Array.from({ length: 3000 }, (_, i) => [Math.floor(i / 700), 0]);
  const ids = rows.map((_, i) => `e${(i * 7919) % 10_007}`);
  await collection.upsert(stream({ ids, sampleIds: ids, vectors: floats(...rows) }));
  const query = floats([0, 0]);
  const [whole] = await collection.search(query, { k: null });
  expect((await joined(collection.scan(query, {}))).ids).toEqual(whole?.ids);
  const backwards = await collection.search(query, { k: null, reverse: true });
  expect((await joined(collection.scan(query, { reverse: true }))).ids).toEqual(backwards[0]?.ids);

  const pages: string[] = [];
  for await (const page of collection.scan(query, {})) {
    if (pages.length === 0) await collection.delete(stream([whole?.ids.at(-1) ?? "", whole?.ids[0] ?? ""]));
    pages.push(...page.ids);
  }
  expect(pages).toEqual(whole?.ids.slice(0, -1));
  await backend.close();
});

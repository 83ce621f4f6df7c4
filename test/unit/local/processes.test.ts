/** Several processes share a folder of indexes, and some of them are killed. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Backend } from "../../../core/backends/backend.ts";
import { localBackend } from "../../../core/backends/local/local.ts";
import { expectCode, fetched, floats, stream } from "../../contract/context.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { runChild } from "./run-child.ts";

let folder: string;
let backend: Backend;

beforeEach(() => {
  folder = temporaryFolder();
  backend = localBackend({ folder });
});
afterEach(() => backend.close());

function make(name: string) {
  return backend.create({ name, dimension: 4, metric: "euclidean" });
}

test("processes that write at once all succeed, and a reader sees each write", async () => {
  const collection = await make("shared");
  expect((await collection.search(floats([1, 1, 1, 1]), { k: 5 }))[0]?.ids).toEqual([]);
  const writers = ["a", "b", "c"].map((prefix) => runChild("write", folder, "shared", prefix, "20", "50"));
  const own = Array.from({ length: 20 }, (_, i) => ({
    ids: [`own${i}`],
    sampleIds: ["s"],
    vectors: floats([i, 0, 0, 0]),
  }));
  expect((await collection.upsert(stream(...own))).written).toBe(20);
  for (const { output } of await Promise.all(writers)) {
    expect(JSON.parse(output)).toEqual({ written: 1000, failed: [] });
  }
  expect((await collection.describe()).size).toBe(3020);
  expect((await collection.search(floats([1, 1, 1, 1]), { k: null }))[0]?.ids).toHaveLength(3020);
  expect((await fetched(collection.fetch())).size).toBe(3020);
});

test("one of many processes that make the same name succeeds", async () => {
  const made = await Promise.all(Array.from({ length: 5 }, () => runChild("create", folder, "same")));
  expect(made.map(({ output }) => output).sort()).toEqual([...new Array(4).fill("INDEX_EXISTS"), "made"]);
  expect((await (await backend.open("same")).describe()).size).toBe(0);
});

test("a collection dropped and made anew by another process is noticed", async () => {
  const collection = await make("changing");
  await collection.upsert(stream({ ids: ["a"], sampleIds: ["s"], vectors: floats([1, 2, 3, 4]) }));
  await collection.search(floats([1, 1, 1, 1]), { k: 1 });
  expect((await runChild("replace", folder, "changing")).output).toBe("replaced");
  expect(await collection.describe()).toEqual({
    dimension: 8,
    metric: "cosine",
    vectorType: "float32",
    size: 1,
  });
  await expectCode(() => collection.search(floats([1, 1, 1, 1]), { k: 1 }), "DIMENSION_MISMATCH");
  const [hits] = await collection.search(floats([1, 1, 1, 1, 1, 1, 1, 1]), { k: 1 });
  expect(hits?.ids).toEqual(["only"]);
});

// A round of the child's loop is 100 replaced or new ids, 30 new ones and 10 deleted: some 60 statements in
// the first round. The points lie before, within and between its transactions, and at their commits.
test.each([1, 2, 50, 101, 102, 103, 104, 105, 120, 136, 137, 138, 145, 150, 180, 300, 611])(
  "a process killed at statement %i leaves whole batches",
  async (point) => {
    const { output, signal } = await runChild("crash", folder, "crashed", String(point));
    expect(signal).toBe("SIGKILL");
    const rounds = output === "" ? 0 : Number(output.split("\n").at(-1));
    const collection = await backend.open("crashed");
    const found = await fetched(collection.fetch());
    expect((await collection.describe()).size).toBe(found.size);

    const same = [...found].filter(([id]) => id.startsWith("same"));
    expect([0, 100]).toContain(same.length);
    const numbers = new Set(same.flatMap(([, { vector, sampleId }]) => [...vector, Number(sampleId)]));
    expect(numbers.size).toBeLessThanOrEqual(1);
    if (rounds > 0) expect([rounds, rounds + 1]).toContain([...numbers][0]);
    for (let round = 1; round <= rounds + 1; round++) {
      const count = [...found.keys()].filter((id) => id.startsWith(`new${round}_`)).length;
      expect(round <= rounds ? [20] : [0, 20, 30]).toContain(count);
    }

    expect((await collection.search(floats([1, 1, 1, 1]), { k: null }))[0]?.ids).toHaveLength(found.size);
    expect(
      (await collection.upsert(stream({ ids: ["x"], sampleIds: ["s"], vectors: floats([1, 2, 3, 4]) })))
        .written,
    ).toBe(1);
    expect((await collection.describe()).size).toBe(found.size + 1);
    await backend.close();
    const database = new DatabaseSync(join(folder, "crashed.db"));
    expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    database.close();
  },
);

test.each([1, 2])("a process killed while it makes a collection leaves none, point %i", async (point) => {
  expect((await runChild("crash-create", folder, "half", String(point))).signal).toBe("SIGKILL");
  expect(await backend.list()).toEqual([]);
  await expectCode(() => backend.open("half"), "INDEX_NOT_FOUND");
  const collection = await make("half");
  await collection.upsert(stream({ ids: ["a"], sampleIds: ["s"], vectors: floats([1, 2, 3, 4]) }));
  expect(await backend.list()).toEqual(["half"]);
  await collection.drop();
  expect(readdirSync(folder).filter((file) => file.startsWith("half"))).toEqual([]);
});

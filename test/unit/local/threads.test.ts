/** Search threads share one copy of the vectors and change no answer; a helper that fails is done without. */

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { IndexFile } from "../../../core/backends/local/file.ts";
import { loadKernel } from "../../../core/backends/local/kernel/kernel.ts";
import { NeighborWalk } from "../../../core/backends/local/neighbors.ts";
import { Resident } from "../../../core/backends/local/resident.ts";
import { searchResident } from "../../../core/backends/local/search.ts";
import { headerOf } from "../../../core/backends/local/spec.ts";
import { tasksOn } from "../../../core/backends/local/tasks.ts";
import { Helpers } from "../../../core/backends/local/threads.ts";
import { upsertEntries } from "../../../core/backends/local/writes.ts";
import { randomVectors } from "../../support/vectors.ts";
import { newIndexFile } from "./index-files.ts";

/** Sixteen queries go over just enough codes here that the work is shared. */
const [ROWS, DIMENSION, QUERIES] = [4000, 128, 16];

let file: IndexFile;
let resident: Resident;
const helpers = new Helpers();
const queries = Array.from({ length: QUERIES }, (_, i) => randomVectors(QUERIES, DIMENSION, 2).row(i));

beforeAll(async () => {
  const header = headerOf({ name: "x", metric: "cosine", dimension: DIMENSION });
  file = newIndexFile(header);
  const ids = Array.from({ length: ROWS }, (_, i) => `e${i}`);
  upsertEntries(file, { ids, sampleIds: ids, data: randomVectors(ROWS, DIMENSION, 1).data });
  resident = new Resident(loadKernel(), header);
  file.read((now) => resident.refresh(file, now));
  resident.encodeMore();
  helpers.start(2);
  await vi.waitFor(() => expect(helpers.threads).toBe(3), { timeout: 60_000 });
}, 90_000);
afterAll(() => {
  helpers.close();
  file.close();
});

describe("three threads find what one finds", () => {
  const all = () => ({ mask: undefined, count: resident.size });

  test.each([10, 900, null])("k %s", (k) => {
    for (const reverse of [false, true]) {
      const options = { k, reverse, maxDistance: Infinity };
      const alone = searchResident(resident, queries, all(), options);
      expect(searchResident(resident, queries, all(), options, helpers)).toEqual(alone);
    }
  });

  test("in a selection", () => {
    const mask = new Uint8Array(new SharedArrayBuffer(ROWS)).fill(1, 0, 3000);
    const options = { k: 10, reverse: false, maxDistance: Infinity };
    const alone = searchResident(resident, queries, { mask, count: 3000 }, options);
    expect(searchResident(resident, queries, { mask, count: 3000 }, options, helpers)).toEqual(alone);
  });

  test.each([
    { k: 5, maxDistance: Infinity },
    { k: null, maxDistance: 0.7 },
  ])("neighbours, $k", (options) => {
    const [alone, shared] = [new NeighborWalk(options), new NeighborWalk(options)];
    const through = (walk: NeighborWalk, by?: Helpers) => {
      const parts = [walk.next(resident, all(), by)];
      while (parts.at(-1)?.done === false) parts.push(walk.next(resident, all(), by));
      return parts.flatMap(({ entries, neighbors: { distances }, starts }) =>
        Array.from(entries.ids.ends, (_, i) => [...distances.slice(starts[i], starts[i + 1])]),
      );
    };
    expect(through(shared, helpers)).toEqual(through(alone));
  });
});

test("a helper that fails is let go of, and its part is done here", () => {
  const others = new Helpers();
  const { codes, rows } = resident;
  const parts = [0, 1].map((i) => ({
    vector: new Uint8Array(queries[0]?.buffer ?? new ArrayBuffer(0), 0, DIMENSION * 4),
    slots: Uint32Array.of(i, 9, 4),
    ...{ norm: 1, norms: resident.norms, reverse: false, maxDistance: Infinity },
  }));
  const here = tasksOn({ codes, rows });
  const expected = parts.map((part) => here.sort(part));
  // The helpers are told of no rows, which this part needs.
  expect(helpers.run("sort", parts, { codes, rows: undefined }, here)).toEqual(expected);
  expect(helpers.threads).toBe(2);
  // Without any helper all parts are done here.
  expect(others.run("sort", parts, { codes, rows }, here)).toEqual(expected);
});

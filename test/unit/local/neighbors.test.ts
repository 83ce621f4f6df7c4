/** A walk over neighbours finds what plain comparing finds: in pieces, in parts, with writes in between. */

import { describe, expect, test } from "vitest";
import type { IndexFile } from "../../../core/backends/local/file.ts";
import { type Kernel, loadKernel } from "../../../core/backends/local/kernel/kernel.ts";
import { NeighborWalk, type WalkOptions } from "../../../core/backends/local/neighbors.ts";
import { unpackEntries, unpackHits } from "../../../core/backends/local/packed.ts";
import { Resident } from "../../../core/backends/local/resident.ts";
import { type Allowed, searchResident } from "../../../core/backends/local/search.ts";
import { headerOf } from "../../../core/backends/local/spec.ts";
import { deleteEntries, upsertEntries } from "../../../core/backends/local/writes.ts";
import type { Metric } from "../../../core/backends/metric.ts";
import type { VectorData } from "../../../core/matrix.ts";
import { vectors } from "../../contract/context.ts";
import { newIndexFile } from "./index-files.ts";

const idOf = (row: number) => `${(row * 7919) % 10_007}`;

function load(metric: Metric, rows: readonly VectorData[], kernel: Kernel, rowsInFile = false) {
  const bits = rows[0] instanceof Uint8Array;
  const length = rows[0]?.length ?? 0;
  const header = headerOf({ name: "x", metric, dimension: bits ? length * 8 : length });
  const file = newIndexFile(header);
  write(file, rows, 0);
  const resident = new Resident(kernel, header, rowsInFile);
  const part = (walk: NeighborWalk, allowed?: Allowed) =>
    file.read((now) => {
      resident.refresh(file, now);
      return walk.next(resident, allowed ?? { mask: undefined, count: resident.size });
    });
  return { file, resident, part };
}

function write(file: IndexFile, rows: readonly VectorData[], first: number): void {
  const ids = rows.map((_, i) => idOf(first + i));
  const length = rows[0]?.length ?? 0;
  const size = rows.length * length;
  const data = rows[0] instanceof Uint8Array ? new Uint8Array(size) : new Float32Array(size);
  rows.forEach((row, i) => {
    data.set(row, i * length);
  });
  upsertEntries(file, { ids, sampleIds: ids, data });
}

type Found = Map<string, string[]>;

function collect(parts: Iterable<ReturnType<NeighborWalk["next"]>>): Found {
  const found: Found = new Map();
  for (const part of parts) {
    const { ids } = unpackEntries(part.entries);
    const hits = unpackHits(part.neighbors);
    ids.forEach((id, i) => {
      expect(found.has(id)).toBe(false);
      const range = [part.starts[i], part.starts[i + 1]] as const;
      const distances = hits.distances.slice(...range);
      found.set(
        id,
        hits.ids.slice(...range).map((other, at) => `${other} ${distances[at]}`),
      );
    });
  }
  return found;
}

function walked({ part }: ReturnType<typeof load>, options: WalkOptions, allowed?: Allowed): Found {
  const walk = new NeighborWalk(options);
  return collect(
    (function* () {
      for (let done = false; !done; ) {
        const answer = part(walk, allowed);
        yield answer;
        done = answer.done;
      }
    })(),
  );
}

/** The same by a search with each row: what neighbours have to agree with, to the last bit. */
function searched(
  { resident, file }: ReturnType<typeof load>,
  rows: readonly VectorData[],
  options: WalkOptions,
) {
  const found: Found = new Map();
  file.read((now) => {
    resident.refresh(file, now);
    const all = { mask: undefined, count: resident.size };
    searchResident(resident, rows, all, { ...options, k: null, reverse: false }).forEach((hits, row) => {
      const others = Array.from(hits.slots, (slot, i) => `${resident.ids[slot]} ${hits.distances[i]}`);
      found.set(
        idOf(row),
        others.filter((hit) => !hit.startsWith(`${idOf(row)} `)).slice(0, options.k ?? undefined),
      );
    });
  });
  return found;
}

/** Clusters, doubles and a few loners. */
function rowsOf(metric: Metric, count: number, length: number): VectorData[] {
  const centres = vectors(20, metric, 3, length);
  const noise = vectors(count, metric, 4, length);
  return Array.from({ length: count }, (_, i) => {
    const row = noise.row(i);
    const centre = centres.row(i % 20);
    if (row instanceof Uint8Array) return i % 7 === 0 ? centre : row;
    const size = i % 7 === 0 ? 0 : i % 11 === 0 ? 1 : 0.05;
    return Float32Array.from(row, (value, at) => (centre[at] ?? 0) + size * value);
  });
}

const small = (kernel: Kernel): Kernel => ({ ...kernel, maximumBytes: 140_000 });
const ways = {
  codes: { kernel: loadKernel() },
  "codes in pieces": { kernel: small(loadKernel()) },
  "rows in the file": { kernel: loadKernel(), rowsInFile: true },
  "without shared memory": { kernel: loadKernel("simd") },
  scalar: { kernel: loadKernel("scalar") },
};

describe.each(Object.entries(ways))("%s", (_, way: { kernel: Kernel; rowsInFile?: boolean }) => {
  test.each(["cosine", "dotproduct", "euclidean", "jaccard", "hamming"] as const)(
    "%s: neighbours are those of a search with each entry",
    (metric) => {
      const rows = rowsOf(metric, 500, metric === "jaccard" || metric === "hamming" ? 13 : 150);
      const loaded = load(metric, rows, way.kernel, way.rowsInFile);
      const far = [...searched(loaded, rows, { k: null, maxDistance: Infinity }).values()].flat();
      const distances = far.map((hit) => Number(hit.split(" ")[1])).sort((a, b) => a - b);
      for (const [k, maxDistance] of [
        [5, Infinity],
        [null, distances[Math.floor(distances.length / 30)] ?? 0],
        [3, distances[Math.floor(distances.length / 100)] ?? 0],
        [null, (distances[0] ?? 0) - 1],
      ] as const) {
        expect(walked(loaded, { k, maxDistance })).toEqual(searched(loaded, rows, { k, maxDistance }));
      }
      loaded.file.close();
    },
  );
});

test("a selection limits entries and neighbours alike", () => {
  const rows = rowsOf("cosine", 400, 30);
  const loaded = load("cosine", rows, loadKernel());
  for (const step of [2, 40]) {
    const slots = Uint32Array.from({ length: 400 / step }, (_, i) => i * step);
    const mask = new Uint8Array(400);
    for (const slot of slots) mask[slot] = 1;
    const allowed =
      step === 2 ? { mask, count: slots.length } : { mask: undefined, count: slots.length, slots };
    const wanted = new Set(Array.from(slots, idOf));
    const expected = [...searched(loaded, rows, { k: null, maxDistance: 0.5 })]
      .filter(([id]) => wanted.has(id))
      .map(([id, hits]) => [id, hits.filter((hit) => wanted.has(hit.split(" ")[0] ?? ""))]);
    expect([...walked(loaded, { k: null, maxDistance: 0.5 }, allowed)].sort()).toEqual(expected.sort());
  }
  loaded.file.close();
});

test("thousands of doubles come in parts of bounded size, each complete", () => {
  const rows = Array.from({ length: 1500 }, (_, i) => Float32Array.of(1, 2, i % 3 === 0 ? 3 : -3));
  const loaded = load("cosine", rows, loadKernel());
  const walk = new NeighborWalk({ k: null, maxDistance: 0.1 });
  const parts: ReturnType<NeighborWalk["next"]>[] = [];
  for (let done = false; !done; done = parts.at(-1)?.done ?? false) parts.push(loaded.part(walk));
  for (const { neighbors } of parts) expect(neighbors.distances.length).toBeLessThan(70_000);
  const found = collect(parts);
  expect(found.size).toBe(1500);
  for (const [i, row] of rows.entries()) expect(found.get(idOf(i))).toHaveLength(row[2] === 3 ? 499 : 999);
  loaded.file.close();
});

test("with no room to keep pairs the answer is the same", () => {
  const rows = rowsOf("euclidean", 600, 20);
  const loaded = load("euclidean", rows, loadKernel());
  const options = { k: null, maxDistance: 1 };
  const expected = searched(loaded, rows, options);
  for (const mostPairs of [0, 1, 50, 2000])
    expect(walked(loaded, { ...options, mostPairs })).toEqual(expected);
  loaded.file.close();
});

test("after a write between two parts, what follows is the new state", () => {
  const rows = Array.from({ length: 3000 }, (_, i) => Float32Array.of(Math.cos(i / 100), Math.sin(i / 100)));
  const loaded = load("cosine", rows, loadKernel());
  const options = { k: null, maxDistance: 0.1 };
  const walk = new NeighborWalk(options);
  const first = loaded.part(walk);
  expect(first.done).toBe(false);
  deleteEntries(loaded.file, [idOf(2999), idOf(2998)]);
  write(loaded.file, [Float32Array.of(1, 0)], 2990);
  const rest: (typeof first)[] = [];
  for (let done = false; !done; done = rest.at(-1)?.done ?? false) rest.push(loaded.part(walk));
  const current = rows.map((row, i) => (i === 2990 ? Float32Array.of(1, 0) : row)).slice(0, 2998);
  const expected = searched(loaded, current, options);
  const found = collect(rest);
  expect(found.size).toBeGreaterThan(100);
  for (const [id, hits] of found) expect(hits).toEqual(expected.get(id));
  expect(found.size + unpackEntries(first.entries).ids.length).toBe(2998);
  loaded.file.close();
});

/** Search in memory against the plain ranking: hostile numbers, many doubles, several pieces of memory. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { IndexFile } from "../../../core/backends/local/file.ts";
import { type Kernel, loadKernel } from "../../../core/backends/local/kernel/kernel.ts";
import {
  type Hits,
  type RankOptions,
  rank,
  rankSorted,
  sortHits,
} from "../../../core/backends/local/rank.ts";
import { Resident } from "../../../core/backends/local/resident.ts";
import { searchResident } from "../../../core/backends/local/search.ts";
import { headerOf } from "../../../core/backends/local/spec.ts";
import { deleteEntries, upsertEntries } from "../../../core/backends/local/writes.ts";
import { distanceOf, type Metric } from "../../../core/backends/metric.ts";
import type { VectorData } from "../../../core/matrix.ts";
import { vectors } from "../../contract/context.ts";
import { newIndexFile } from "./index-files.ts";

/** A kernel whose memories are so small that a few hundred rows need several. */
function small(kernel: Kernel): Kernel {
  return { ...kernel, maximumBytes: 140_000 };
}

/** How a collection is held while it is searched. */
interface Way {
  readonly kernel: Kernel;
  /** Whether the codes are made before the search. */
  readonly encoded?: boolean;
  readonly rowsInFile?: boolean;
}

interface Loaded {
  readonly resident: Resident;
  readonly file: IndexFile;
  refresh(): void;
  search(queries: readonly VectorData[], options: RankOptions): Hits[];
}

function load(metric: Metric, dimension: number, data: Float32Array | Uint8Array, way: Way): Loaded {
  const header = headerOf({ name: "x", metric, dimension });
  const file = newIndexFile(header);
  const rows = data.length / (data instanceof Uint8Array ? dimension / 8 : dimension);
  const ids = Array.from({ length: rows }, (_, i) => idOf(i));
  upsertEntries(file, { ids, sampleIds: ids, data });
  const resident = new Resident(way.kernel, header, way.rowsInFile);
  const current = <Result>(work: () => Result) =>
    file.read((now) => {
      resident.refresh(file, now);
      if (way.encoded === true) resident.encodeMore();
      return work();
    });
  const refresh = () => current(() => undefined);
  refresh();
  return {
    resident,
    file,
    refresh,
    search: (queries, options) =>
      current(() => searchResident(resident, queries, { mask: undefined, count: resident.size }, options)),
  };
}

// Spread so that the order of ids is not that of the rows.
function idOf(row: number): string {
  return `${(row * 7919) % 10_007}`;
}

/** The plain ranking of the loaded rows. */
function plain(
  metric: Metric,
  query: Float32Array | Uint8Array,
  rows: (Float32Array | Uint8Array)[],
  ids: string[],
  options: RankOptions,
): string[] {
  const sign = options.reverse ? -1 : 1;
  return rows
    .map((row, i) => ({ id: ids[i] ?? "", distance: reported(metric, query, row) }))
    .filter(({ distance }) => distance <= Math.fround(options.maxDistance))
    .sort((a, b) => sign * (a.distance - b.distance) || (a.id < b.id ? -1 : 1))
    .slice(0, options.k ?? undefined)
    .map(({ id, distance }) => `${id} ${distance}`);
}

/** The formula in double precision, rounded as search reports it. */
function reported(metric: Metric, a: Float32Array | Uint8Array, b: Float32Array | Uint8Array): number {
  const distance = distanceOf(metric, a, b);
  if (metric === "cosine") return Math.fround(1 - Math.fround(Math.max(-1, Math.min(1, 1 - distance))));
  return Math.fround(distance) + 0;
}

function shown(hits: Hits | undefined, ids: readonly (string | null)[]): string[] {
  return Array.from(hits?.slots ?? [], (slot, i) => `${ids[slot]} ${hits?.distances[i]}`);
}

const ways: Readonly<Record<string, Way>> = {
  "rows alone": { kernel: loadKernel() },
  codes: { kernel: loadKernel(), encoded: true },
  "codes in pieces": { kernel: small(loadKernel()), encoded: true },
  "codes in memory, rows in the file": { kernel: loadKernel(), rowsInFile: true },
  "codes without shared memory": { kernel: loadKernel("simd"), encoded: true },
  "rows in pieces, without shared memory": { kernel: small(loadKernel("simd")) },
  scalar: { kernel: loadKernel("scalar") },
};

describe.each(Object.entries(ways))("%s", (name, way) => {
  test.each(["cosine", "dotproduct", "euclidean", "jaccard", "hamming"] as const)(
    "%s is the plain ranking",
    (metric) => {
      const bits = metric === "jaccard" || metric === "hamming";
      const length = bits ? 13 : 37;
      const rows = 3000;
      const source = vectors(rows, metric, 5, length);
      const { resident, file, refresh, search } = load(metric, source.dimension, source.data, way);
      if (name.startsWith("rows in pieces")) expect(resident.segments.length).toBeGreaterThan(bits ? 0 : 2);
      const gone = Array.from({ length: 300 }, (_, i) => i * 9);
      deleteEntries(file, gone.map(idOf));
      refresh();
      const kept = Array.from({ length: rows }, (_, i) => i).filter((row) => !gone.includes(row));
      const [list, ids] = [kept.map((row) => source.row(row)), kept.map(idOf)];
      const queries = Array.from({ length: 19 }, (_, i) => vectors(19, metric, 6, length).row(i));
      const middle = reported(metric, queries[0] ?? source.row(0), source.row(1));
      for (const reverse of [false, true]) {
        for (const [k, maxDistance] of [
          [10, Infinity],
          [500, Infinity],
          [null, Infinity],
          [40, middle],
          [5, -1e9],
        ] as const) {
          const options = { k, reverse, maxDistance };
          const found = search(queries, options);
          for (const i of [0, 3, 16, 18]) {
            const query = queries[i] ?? source.row(0);
            expect(shown(found[i], resident.ids)).toEqual(plain(metric, query, list, ids, options));
          }
        }
      }
      file.close();
    },
  );

  test.each(["cosine", "dotproduct", "euclidean"] as const)(
    "%s of huge, tiny and mixed numbers",
    (metric) => {
      for (const scale of [1e30, 1e18, 1e-18, 1e-30, 1e-40]) {
        const source = vectors(1500, metric, 8, 20);
        const data = source.data.map((value, i) => (i % 60 < 40 ? value * scale : value)) as Float32Array;
        const { resident, file, search } = load(metric, 20, data, way);
        const query = data.slice(0, 20);
        const rows = Array.from({ length: 1500 }, (_, i) => data.subarray(i * 20, i * 20 + 20));
        const ids = rows.map((_, i) => idOf(i));
        for (const reverse of [false, true]) {
          const options = { k: 20, reverse, maxDistance: Infinity };
          const [found] = search([query], options);
          expect(shown(found, resident.ids)).toEqual(plain(metric, query, rows, ids, options));
        }
        file.close();
      }
    },
  );

  test.each(["cosine", "dotproduct", "euclidean"] as const)(
    "%s of vectors nearer to each other than float32 sums can tell",
    (metric) => {
      const [base, noise] = [vectors(1, metric, 9, 512).data, vectors(4000, metric, 10, 512).data];
      const data = Float32Array.from(noise, (value, i) => (base[i % 512] ?? 0) + 2e-5 * value);
      const { resident, file, search } = load(metric, 512, data, way);
      const query = vectors(1, metric, 11, 512).row(0);
      const rows = Array.from({ length: 4000 }, (_, i) => data.subarray(i * 512, i * 512 + 512));
      const ids = rows.map((_, i) => idOf(i));
      for (const k of [1, 10, 50, 200]) {
        const options = { k, reverse: false, maxDistance: Infinity };
        const [found] = search([query], options);
        expect(shown(found, resident.ids)).toEqual(plain(metric, query, rows, ids, options));
      }
      file.close();
    },
  );

  test("thousands of doubles come by id", () => {
    const data = new Float32Array(5000 * 8);
    for (let row = 0; row < 5000; row++) data.set([1, 2, 3, row % 50 === 0 ? 4 : 5], row * 8);
    const { resident, file, search } = load("cosine", 8, data, way);
    const query = Float32Array.from([2, 4, 6, 10, 0, 0, 0, 0]);
    const options = { k: 30, reverse: false, maxDistance: Infinity };
    const [found] = search([query], options);
    const doubles = Array.from({ length: 5000 }, (_, i) => i).filter((row) => row % 50 !== 0);
    expect(shown(found, resident.ids)).toEqual(
      doubles
        .map((row) => `${idOf(row)} 0`)
        .sort()
        .slice(0, 30),
    );
    file.close();
  });
});

test("ids that ascend no more are noticed", () => {
  const { resident, file, refresh, search } = load("cosine", 2, new Float32Array(4).fill(1), {
    kernel: loadKernel(),
  });
  const found = () => {
    const [hits] = search([Float32Array.of(1, 1)], { k: null, reverse: false, maxDistance: Infinity });
    return Array.from(hits?.slots ?? [], (slot) => resident.ids[slot]);
  };
  const add = (id: string) => {
    upsertEntries(file, { ids: [id], sampleIds: [id], data: Float32Array.of(1, 1) });
    refresh();
  };
  const [first = "", second = ""] = resident.ids.map(String);
  add("~~");
  expect(resident.ascending).toBe(true);
  expect(found()).toEqual([first, second, "~~"]);
  add("!");
  expect(resident.ascending).toBe(false);
  expect(found()).toEqual(["!", first, second, "~~"]);
  deleteEntries(file, ["!"]);
  expect(found()).toEqual([first, second, "~~"]);
  file.close();
});

test("rank sorts any numbers as a plain sort does", () => {
  const distance = fc.oneof(fc.float({ noNaN: true }), fc.constantFrom(0, 1, -1, 0.5));
  fc.assert(
    fc.property(
      // From 512 on they are sorted by their digits.
      fc.array(distance, { maxLength: 1500, size: "max" }),
      fc.boolean(),
      fc.option(fc.integer({ min: 1, max: 50 })),
      (values, reverse, k) => {
        // A distance is never minus zero.
        const distances = Float32Array.from(values, (value) => value + 0);
        const slots = Uint32Array.from(distances.keys());
        const ids = Array.from(slots, (slot) => idOf(slot));
        const options = { k, reverse, maxDistance: Infinity };
        const found = rank({ slots, distances }, { ids }, options);
        const sign = reverse ? -1 : 1;
        const expected = [...slots]
          .sort(
            (a, b) =>
              sign * compare(distances[a] ?? 0, distances[b] ?? 0) || compare(ids[a] ?? "", ids[b] ?? ""),
          )
          .slice(0, k ?? undefined);
        expect([...found.slots]).toEqual(expected);
        const half = Math.floor(slots.length / 2);
        const parts = [slots.subarray(0, half), slots.subarray(half)].map((part) =>
          sortHits(
            { slots: part, distances: Float32Array.from(part, (slot) => distances[slot] ?? 0) },
            options,
          ),
        );
        expect(rankSorted(parts, { ids }, options)).toEqual(found);
        const ascending = ids.map((_, slot) => String(slot).padStart(4, "0"));
        expect(rankSorted(parts, { ids: ascending, ascending: true }, options)).toEqual(
          rank({ slots, distances }, { ids: ascending }, options),
        );
      },
    ),
    { seed: 3, numRuns: 100 },
  );
});

function compare<Value extends number | string>(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

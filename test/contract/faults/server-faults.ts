/** Faults of drivers for servers, each one seen in a driver or invited by what a server does. */

import type { Backend } from "../../../core/backends/backend.ts";
import type { Metric } from "../../../core/backends/metric.ts";
import { isNearsightError } from "../../../core/errors.ts";
import { matrix } from "../../../core/matrix.ts";
import { stream } from "../context.ts";
import { type ReferenceServer, referenceBackend } from "../reference-backend.ts";
import {
  answering,
  approximate,
  asking,
  cut,
  faulty,
  fetching,
  first,
  only,
  renaming,
  selecting,
  storedIds,
  withDistances,
  writing,
} from "./spoil.ts";

/** Entries of a full page. */
const PAGE = 1000;

/** An id pasted into an expression of Milvus ends the list and adds a condition of its own. */
const INJECTED = /"\] or pk != "" or pk in \["/;

/** Clients that read what was there when they opened the collection, except what they wrote themselves. */
function lateForOthers(): () => Backend {
  const server: ReferenceServer = new Map();
  return () => {
    const backend = referenceBackend(server);
    return {
      ...backend,
      async open(name) {
        const collection = await backend.open(name);
        const seen: ReferenceServer = new Map(
          [...server].map(([other, { spec, entries }]) => [other, { spec, entries: new Map(entries) }]),
        );
        const { describe, search, fetch } = await referenceBackend(seen).open(name);
        return { ...collection, describe, search, fetch };
      },
    };
  };
}

export const SERVER_FAULTS = {
  "loses the last entry of each full page of a fetch": fetching(async function* (batches) {
    for await (const batch of batches)
      yield batch.ids.length < PAGE ? batch : only(batch, (row) => row < PAGE - 1);
  }),
  "begins each page of a fetch with the last entry of the one before": fetching(async function* (batches) {
    for await (const batch of batches) {
      yield batch;
      if (batch.ids.length === PAGE) yield only(batch, (row) => row === PAGE - 1);
    }
  }),
  "fetches 10 entries of a selection": fetching(async function* (batches, selection) {
    for await (const batch of batches) yield selection === undefined ? batch : only(batch, (row) => row < 10);
  }),
  "makes up entries for unknown ids": faulty((collection) => ({
    async *fetch(selection) {
      yield* collection.fetch(selection);
      if (selection === undefined) return;
      const known = new Set(await storedIds(collection));
      const { dimension } = await collection.describe();
      for await (const part of selection.ids()) {
        const ids = part.filter((id) => !known.has(id));
        yield { ids, sampleIds: ids, vectors: matrix(new Float32Array(ids.length * dimension), dimension) };
      }
    },
  })),
  "takes a k above 10,000 for 10,000": asking((options) => ({
    ...options,
    k: options.k === null ? null : Math.min(options.k, 10_000),
  })),
  "takes a k above 16,384 for 16,384": asking((options) => ({
    ...options,
    k: options.k === null ? null : Math.min(options.k, 16_384),
  })),
  "finds one of eight hits where many are asked for": answering((hits, { k }) =>
    k === null || k < PAGE ? hits : first(hits, Math.ceil(k / 8)),
  ),
  "halves cosine distances": answering((hits, _, metric) =>
    metric === "cosine" ? withDistances(hits, (distance) => distance / 2) : hits,
  ),
  "takes inner products for distances": answering((hits, _, metric) =>
    metric === "dotproduct" ? withDistances(hits, (distance) => -distance) : hits,
  ),
  "takes maxDistance for a least score": faulty((collection) => ({
    async search(queries, options) {
      const { metric } = await collection.describe();
      const { maxDistance } = options;
      if (metric !== "dotproduct" || maxDistance === undefined) return collection.search(queries, options);
      return collection.search(queries, { ...options, maxDistance: -maxDistance });
    },
  })),
  "turns the nearest around for reverse": faulty((collection) => ({
    async search(queries, options) {
      const found = await collection.search(queries, { ...options, reverse: false });
      if (options.reverse !== true) return found;
      return found.map(({ ids, sampleIds, distances }) => ({
        ids: ids.toReversed(),
        sampleIds: sampleIds.toReversed(),
        distances: distances.toReversed(),
      }));
    },
  })),
  "ignores selections of more than 65,536 ids": selecting((within) =>
    within.size > 65_536 ? undefined : within,
  ),
  "cuts a selection to 65,536 ids": selecting((within) => cut(within, 65_536)),
  "cuts a selection to 10,000 ids": selecting((within) => cut(within, 10_000)),
  "searches first and selects afterwards": faulty((collection) => ({
    async search(queries, options) {
      const { within, ...rest } = options;
      if (within === undefined || options.k === null) return collection.search(queries, options);
      const found = await collection.search(queries, { ...rest, k: 4 * options.k });
      const chosen = new Set<string>();
      for await (const part of within.ids()) for (const id of part) chosen.add(id);
      return found.map(({ ids, sampleIds, distances }) => {
        const rows = [...ids.keys()].filter((i) => chosen.has(ids[i] ?? "")).slice(0, options.k ?? 0);
        return {
          ids: rows.map((i) => ids[i] ?? ""),
          sampleIds: rows.map((i) => sampleIds[i] ?? ""),
          distances: Float32Array.from(rows, (i) => distances[i] ?? 0),
        };
      });
    },
  })),
  "misses one hit in twenty": approximate(20),
  "says that its approximate answers are exact": approximate(100, false),
  "reads ids as part of an expression": faulty((collection) => ({
    async delete(ids, options) {
      const parts: string[][] = [];
      for await (const part of ids)
        parts.push(part.some((id) => INJECTED.test(id)) ? await storedIds(collection) : [...part]);
      return collection.delete(stream(...parts), options);
    },
  })),
  "takes ids in any case": renaming((id) => id.toLowerCase()),
  "strips blanks from ids": renaming((id) => id.trim()),
  "cuts long ids to 512 characters": renaming((id) => id.slice(0, 512)),
  "keeps the first vector of an id": writing(async (batches, collection) => {
    const known = new Set(await storedIds(collection));
    return batches.map((part) => only(part, (row) => !known.has(part.ids[row] ?? "")));
  }),
  "size counts overwritten entries": faulty((collection) => {
    let doubled = 0;
    return {
      async upsert(batches, options) {
        const before = (await collection.describe()).size;
        const report = await collection.upsert(batches, options);
        doubled += report.written - ((await collection.describe()).size - before);
        return report;
      },
      async describe() {
        const info = await collection.describe();
        return { ...info, size: info.size + doubled };
      },
    };
  }),
  "counts as deleted what it was asked to delete": faulty((collection) => ({
    async delete(ids, options) {
      let asked = 0;
      async function* counted() {
        for await (const part of ids) {
          asked += part.length;
          yield part;
        }
      }
      const report = await collection.delete(counted(), options);
      return { ...report, written: asked };
    },
  })),
  "deletes by the id of the sample, too": faulty((collection) => ({
    async delete(ids, options) {
      const wanted = new Set<string>();
      for await (const part of ids) for (const id of part) wanted.add(id);
      for await (const part of collection.fetch())
        part.sampleIds.forEach((sampleId, i) => {
          if (wanted.has(sampleId)) wanted.add(part.ids[i] ?? "");
        });
      return collection.delete(stream([...wanted]), options);
    },
  })),
  "lets a refused entry take its batch along": writing((batches) =>
    batches.map((part) => {
      const bad = [...part.ids.keys()].filter((row) => part.vectors.row(row).every((value) => value === 0));
      return bad.length === 0 ? part : only(part, (row) => bad.includes(row));
    }),
  ),
  "keeps three digits of each number": writing((batches) =>
    batches.map((part) => ({
      ...part,
      vectors: matrix(
        part.vectors.data.map((value) => Number(value.toPrecision(3))),
        part.vectors.dimension,
      ),
    })),
  ),
  "shows writes to other clients later": lateForOthers(),
  "takes a name in use for the same collection": faulty(
    () => ({}),
    (backend) => ({ create: (spec) => backend.open(spec.name).catch(() => backend.create(spec)) }),
  ),
  "takes a prefix for a pattern": faulty(
    () => ({}),
    (backend) => ({
      async list(prefix = "") {
        const pattern = new RegExp(`^${prefix.replaceAll("*", ".*")}`);
        return (await backend.list()).filter((name) => pattern.test(name));
      },
    }),
  ),
  "takes an unknown metric for cosine": faulty(
    () => ({}),
    (backend) => ({
      create(spec) {
        const known: readonly Metric[] = backend.capabilities.metrics;
        return backend.create({ ...spec, metric: known.includes(spec.metric) ? spec.metric : "cosine" });
      },
    }),
  ),
  "says that a dropped collection is empty": faulty((collection) => ({
    describe: () =>
      collection.describe().catch((error: unknown) => {
        if (!isNearsightError(error, "INDEX_NOT_FOUND")) throw error;
        return { dimension: 8, metric: "cosine", vectorType: "float32", size: 0 };
      }),
  })),
} satisfies Record<string, () => Backend>;

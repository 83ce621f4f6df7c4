/** Faults that any backend may have. */

import type { Backend } from "../../../core/backends/backend.ts";
import { scoreOf } from "../../../core/backends/metric.ts";
import { neighborhoods } from "../../../core/brain/compare/neighbors.ts";
import { isNearsightError } from "../../../core/errors.ts";
import { stream } from "../context.ts";
import {
  answering,
  asking,
  cut,
  faulty,
  filtered,
  first,
  neighboring,
  selecting,
  stale,
  storedIds,
  withDistances,
  writing,
} from "./spoil.ts";

export const FAULTS = {
  "returns at most 10 hits": answering((hits) => first(hits, 10)),
  "returns at most 1,000 hits": answering((hits) => first(hits, 1000)),
  "upsert replaces the whole collection": writing(async (batches, collection) => {
    await collection.delete(stream(await storedIds(collection)));
    return batches;
  }),
  "makes doubles of ids that are written again": answering((hits, { k }) => {
    const doubled = { ...hits, ids: hits.ids.flatMap((id) => [id, id]) };
    return first(
      {
        ids: doubled.ids,
        sampleIds: hits.sampleIds.flatMap((id) => [id, id]),
        distances: Float32Array.from([...hits.distances].flatMap((distance) => [distance, distance])),
      },
      k ?? doubled.ids.length,
    );
  }),
  "gives the score in place of the distance": answering((hits, _, metric) =>
    withDistances(hits, (distance) => scoreOf(metric, distance)),
  ),
  "gives squared euclidean distances": answering((hits, _, metric) =>
    metric === "euclidean" ? withDistances(hits, (distance) => distance ** 2) : hits,
  ),
  "gives cosine distances off by a thousandth": answering((hits, _, metric) =>
    metric === "cosine" ? withDistances(hits, (distance) => distance * 1.001) : hits,
  ),
  "ignores the selection": asking(({ within, ...options }) => options),
  "ignores maxDistance": asking(({ maxDistance, ...options }) => options),
  "ignores reverse": asking(({ reverse, ...options }) => options),
  "caps the distance before it takes the farthest": faulty((collection) => ({
    async search(queries, options) {
      const { maxDistance, ...rest } = options;
      if (!options.reverse || maxDistance === undefined) return collection.search(queries, options);
      return (await collection.search(queries, rest)).map((hits) => {
        const near = [...hits.distances.keys()].filter((i) => (hits.distances[i] ?? 0) <= maxDistance);
        return {
          ids: near.map((i) => hits.ids[i] ?? ""),
          sampleIds: near.map((i) => hits.sampleIds[i] ?? ""),
          distances: Float32Array.from(near, (i) => hits.distances[i] ?? 0),
        };
      });
    },
  })),
  "loses the last batch": writing((batches) => (batches.length > 1 ? batches.slice(0, -1) : batches)),
  "swallows refused entries": faulty((collection) => ({
    async upsert(batches, options) {
      const { written, failed } = await collection.upsert(batches, options);
      return { written: written + failed.length, failed: [] };
    },
  })),
  "size counts deleted entries": faulty((collection) => {
    let deleted = 0;
    return {
      async delete(ids, options) {
        const report = await collection.delete(ids, options);
        deleted += report.written;
        return report;
      },
      async describe() {
        const info = await collection.describe();
        return { ...info, size: info.size + deleted };
      },
    };
  }),
  "normalises the caller's vectors in place": writing((batches) => {
    for (const { vectors } of batches) {
      for (let row = 0; row < vectors.rows; row++) {
        const vector = vectors.row(row);
        const length = Math.hypot(...vector);
        vector.forEach((value, i) => {
          vector[i] = value / length;
        });
      }
    }
    return batches;
  }),
  "changes the caller's query": faulty((collection) => ({
    async search(queries, options) {
      const found = await collection.search(queries, options);
      queries.data.fill(0);
      return found;
    },
  })),
  "finds nothing in an absent collection": faulty((collection) => ({
    search: (queries, options) =>
      collection.search(queries, options).catch((error: unknown) => {
        if (!isNearsightError(error, "INDEX_NOT_FOUND")) throw error;
        return [{ ids: [], sampleIds: [], distances: new Float32Array(0) }];
      }),
  })),
  "does not escape quotes in ids": faulty((collection) => ({
    async delete(ids, options) {
      const parts: string[][] = [];
      for await (const part of ids) parts.push(part.filter((id) => !/["']/.test(id)));
      return collection.delete(stream(...parts), options);
    },
  })),
  "answers several queries in the wrong order": faulty((collection) => ({
    search: async (queries, options) => (await collection.search(queries, options)).reverse(),
  })),
  "cuts a selection to 1,024 ids": selecting((within) => cut(within, 1024)),
  "answers from before the last write": faulty((collection) => ({ search: stale(collection.search) })),
  "breaks ties as it likes": answering((hits, _, metric) => {
    const order = [...hits.ids.keys()].sort(
      (a, b) =>
        (hits.distances[a] ?? 0) - (hits.distances[b] ?? 0) ||
        (hits.ids[a] ?? "").localeCompare(hits.ids[b] ?? ""),
    );
    if (metric !== "cosine") return hits;
    const sorted = {
      ...hits,
      ids: order.map((i) => hits.ids[i] ?? ""),
      sampleIds: order.map((i) => hits.sampleIds[i] ?? ""),
    };
    return (hits.distances[0] ?? 0) > (hits.distances.at(-1) ?? 0) ? hits : sorted;
  }),
  "fetches a selection in the order of writing": faulty((collection) => ({
    async *fetch(selection) {
      if (selection === undefined) return yield* collection.fetch();
      const wanted = new Set<string>();
      for await (const part of selection.ids()) for (const id of part) wanted.add(id);
      const ids = (await storedIds(collection)).filter((id) => wanted.has(id));
      yield* collection.fetch({ ...selection, ids: () => stream(ids) });
    },
  })),
  "keeps the sample id of the first write": writing(async (batches, collection) => {
    const known = new Map<string, string>();
    for await (const part of collection.fetch())
      part.ids.forEach((id, i) => void known.set(id, part.sampleIds[i] ?? ""));
    return batches.map((part) => ({
      ...part,
      sampleIds: part.ids.map((id, i) => known.get(id) ?? part.sampleIds[i] ?? ""),
    }));
  }),
  "takes a name that is in use": faulty(
    () => ({}),
    (backend) => ({
      async create(spec) {
        const known = await backend.open(spec.name).catch(() => undefined);
        await known?.drop();
        return backend.create(spec);
      },
    }),
  ),
  "takes every copy for the entry itself": neighboring((hits) =>
    filtered(hits, (_, distance) => Math.abs(distance) > 1e-6),
  ),
  "counts the entry among its neighbours": neighboring((hits, id, { k }) => {
    const own = { ids: [id], sampleIds: [`sample-${id}`], distances: new Float32Array(1) };
    const all = {
      ids: [...own.ids, ...hits.ids],
      sampleIds: [...own.sampleIds, ...hits.sampleIds],
      distances: Float32Array.from([0, ...hits.distances]),
    };
    return first(all, k ?? all.ids.length);
  }),
  "loses one neighbour to the entry itself": neighboring((hits, _, { k }) =>
    k === null ? hits : first(hits, k - 1),
  ),
  "gives the neighbours of a selection from everywhere": neighboring(
    (hits) => hits,
    ({ within, ...options }) => options,
  ),
  "looks for neighbours at any distance": neighboring(
    (hits) => hits,
    ({ maxDistance, ...options }) => options,
  ),
  "lists each pair of neighbours once": neighboring((hits, id) => filtered(hits, (other) => other > id)),
  "gives neighbours in no order": neighboring(({ ids, sampleIds, distances }) => ({
    ids: ids.toReversed(),
    sampleIds: sampleIds.toReversed(),
    distances: distances.toReversed(),
  })),
  "gives squared distances of neighbours": neighboring((hits) =>
    withDistances(hits, (distance) => distance ** 2),
  ),
  "gives the first part of the neighbours only": faulty((collection, backend) => ({
    async *neighbors(options) {
      for await (const part of neighborhoods(backend, collection, options)) {
        yield part;
        return;
      }
    },
  })),
  "does not hear the signal": faulty((collection) => ({
    upsert: (batches) => collection.upsert(batches),
    search: (queries, { signal, ...options }) => collection.search(queries, options),
  })),
} satisfies Record<string, () => Backend>;

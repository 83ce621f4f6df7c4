/** The contract itself is tried: each of these backends has one fault, and a case has to find it. */

import { describe, expect, test } from "vitest";
import type {
  Backend,
  Batch,
  Collection,
  Columns,
  Neighborhoods,
  NeighborOptions,
  SearchOptions,
} from "../../core/backends/backend.ts";
import { type Metric, scoreOf } from "../../core/backends/metric.ts";
import { neighborhoods } from "../../core/brain/compare/neighbors.ts";
import { isNearsightError } from "../../core/errors.ts";
import { failedCases } from "./backend-contract.ts";
import { stream } from "./context.ts";
import { type ReferenceServer, referenceBackend } from "./reference-backend.ts";

type Search = Collection["search"];
type Change = (collection: Collection, backend: Backend) => Partial<Collection>;

/** Clients whose collections have some methods replaced. */
function faulty(
  change: Change,
  backendChange: (backend: Backend) => Partial<Backend> = () => ({}),
): () => Backend {
  const server: ReferenceServer = new Map();
  return () => {
    const backend = referenceBackend(server);
    const spoil = (collection: Collection): Collection => ({ ...collection, ...change(collection, backend) });
    return {
      ...backend,
      create: async (spec) => spoil(await backend.create(spec)),
      open: async (name) => spoil(await backend.open(name)),
      ...backendChange(backend),
    };
  };
}

/** A fault in what searches answer. */
function answering(spoil: (hits: Columns, options: SearchOptions, metric: Metric) => Columns): () => Backend {
  return faulty((collection) => ({
    async search(queries, options) {
      const [found, { metric }] = [await collection.search(queries, options), await collection.describe()];
      return found.map((hits) => spoil(hits, options, metric));
    },
  }));
}

/** A fault in what searches are asked. */
function asking(spoil: (options: SearchOptions) => SearchOptions): () => Backend {
  return faulty((collection) => ({
    search: (queries, options) => collection.search(queries, spoil(options)),
  }));
}

/** A fault in what is written: `spoil` gives the batches that arrive. */
function writing(
  spoil: (batches: Batch[], collection: Collection) => Batch[] | Promise<Batch[]>,
): () => Backend {
  return faulty((collection) => ({
    async upsert(batches, options) {
      const parts: Batch[] = [];
      for await (const part of batches) parts.push(part);
      const report = await collection.upsert(stream(...(await spoil(parts, collection))), options);
      return {
        ...report,
        written: parts.reduce((sum, part) => sum + new Set(part.ids).size, 0) - report.failed.length,
      };
    },
  }));
}

/** A fault in what the neighbours of every entry are: `spoil` gives those of one entry. */
function neighboring(
  spoil: (hits: Columns, id: string, options: NeighborOptions) => Columns,
  ask: (options: NeighborOptions) => NeighborOptions = (options) => options,
): () => Backend {
  return faulty((collection, backend) => ({
    async *neighbors(options) {
      const { neighbors: _, ...plain } = collection;
      for await (const part of neighborhoods(backend, plain, ask(options)))
        yield spoiled(part, options, spoil);
    },
  }));
}

function spoiled(
  { ids, sampleIds, starts, neighbors }: Neighborhoods,
  options: NeighborOptions,
  spoil: (hits: Columns, id: string, options: NeighborOptions) => Columns,
): Neighborhoods {
  const each = ids.map((id, i) => spoil(between(neighbors, starts[i] ?? 0, starts[i + 1] ?? 0), id, options));
  const ends = each.map((_, i) => each.slice(0, i + 1).reduce((sum, hits) => sum + hits.ids.length, 0));
  return {
    ids,
    sampleIds,
    starts: Uint32Array.from([0, ...ends]),
    neighbors: {
      ids: each.flatMap((hits) => hits.ids),
      sampleIds: each.flatMap((hits) => hits.sampleIds),
      distances: Float32Array.from(each.flatMap((hits) => [...hits.distances])),
    },
  };
}

function between({ ids, sampleIds, distances }: Columns, start: number, end: number): Columns {
  return {
    ids: ids.slice(start, end),
    sampleIds: sampleIds.slice(start, end),
    distances: distances.slice(start, end),
  };
}

function filtered(hits: Columns, keep: (id: string, distance: number) => boolean): Columns {
  const rows = [...hits.ids.keys()].filter((i) => keep(hits.ids[i] ?? "", hits.distances[i] ?? 0));
  return {
    ids: rows.map((i) => hits.ids[i] ?? ""),
    sampleIds: rows.map((i) => hits.sampleIds[i] ?? ""),
    distances: Float32Array.from(rows, (i) => hits.distances[i] ?? 0),
  };
}

function first({ ids, sampleIds, distances }: Columns, count: number): Columns {
  return {
    ids: ids.slice(0, count),
    sampleIds: sampleIds.slice(0, count),
    distances: distances.slice(0, count),
  };
}

function withDistances(hits: Columns, change: (distance: number) => number): Columns {
  return { ...hits, distances: hits.distances.map(change) };
}

async function storedIds(collection: Collection): Promise<string[]> {
  const ids: string[] = [];
  for await (const part of collection.fetch()) ids.push(...part.ids);
  return ids;
}

/** Remembers the first answer to each question. */
function stale(search: Search): Search {
  const answers = new Map<string, Columns[]>();
  return async (queries, options) => {
    const question = `${options.k}/${options.within?.key}/${options.reverse}/${options.maxDistance}/${queries.data.join()}`;
    const answer = answers.get(question) ?? (await search(queries, options));
    answers.set(question, answer);
    return answer;
  };
}

const FAULTS = {
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
  "cuts a selection to 1,024 ids": asking((options) => {
    const { within } = options;
    if (within === undefined) return options;
    const ids = async function* () {
      let left = 1024;
      for await (const part of within.ids()) {
        yield part.slice(0, left);
        left = Math.max(0, left - part.length);
      }
    };
    return { ...options, within: { ...within, ids } };
  }),
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

/** The case made to find each fault; others may find it too. */
const FOUND_BY: Readonly<Record<keyof typeof FAULTS, string>> = {
  "returns at most 10 hits": "search > more hits than entries gives all entries, and so does k null",
  "returns at most 1,000 hits": "limits > over a thousand hits are given when asked for",
  "upsert replaces the whole collection":
    "write > upsert replaces entries of the same id and touches no other",
  "makes doubles of ids that are written again": "write > writing the same batch again makes no doubles",
  "gives the score in place of the distance":
    "search > cosine: distances, order and sample ids are the oracle's",
  "gives squared euclidean distances": "search > euclidean: distances, order and sample ids are the oracle's",
  "gives cosine distances off by a thousandth":
    "search > cosine: distances, order and sample ids are the oracle's",
  "ignores the selection": "selection > hits are only of the selection, few or most of the entries",
  "ignores maxDistance": "search > an entry within maxDistance exactly is a hit",
  "ignores reverse": "search > dotproduct: reverse gives the farthest first",
  "caps the distance before it takes the farthest":
    "selection > reverse and maxDistance work within a selection",
  "loses the last batch": "write > every batch arrives, the short last one too",
  "swallows refused entries": "write > vectors with NaN or infinite numbers are reported, the others written",
  "size counts deleted entries": "write > delete removes those entries and counts only them",
  "normalises the caller's vectors in place": "write > the caller's arrays stay as they are",
  "changes the caller's query": "search > the caller's query stays as it is",
  "finds nothing in an absent collection": "errors > each call on a dropped collection is INDEX_NOT_FOUND",
  "does not escape quotes in ids": "write > any text is an id",
  "answers several queries in the wrong order":
    "search > several queries are answered in their order, as one by one",
  "cuts a selection to 1,024 ids": "limits > a batch and a selection of thousands are taken whole",
  "answers from before the last write": "search > a write is seen by the next search",
  "breaks ties as it likes":
    "search > doubles have the same distance, near 0 and never clearly below, and come by id",
  "fetches a selection in the order of writing":
    "fetch > a selection comes in its order, without what does not exist",
  "keeps the sample id of the first write":
    "write > upsert replaces entries of the same id and touches no other",
  "takes a name that is in use": "lifecycle > a taken name is INDEX_EXISTS and changes nothing",
  "takes every copy for the entry itself":
    "neighbors > copies are neighbours of each other at distance 0, by id, and no entry is its own",
  "counts the entry among its neighbours":
    "neighbors > cosine: the nearest of each entry are the oracle's, itself left out",
  "loses one neighbour to the entry itself":
    "neighbors > cosine: the nearest of each entry are the oracle's, itself left out",
  "gives the neighbours of a selection from everywhere":
    "neighbors > a selection limits entries and neighbours alike",
  "looks for neighbours at any distance": "neighbors > cosine: all within a distance are the oracle's",
  "lists each pair of neighbours once": "neighbors > euclidean: all within a distance are the oracle's",
  "gives neighbours in no order":
    "neighbors > cosine: the nearest of each entry are the oracle's, itself left out",
  "gives squared distances of neighbours": "neighbors > euclidean: all within a distance are the oracle's",
  "gives the first part of the neighbours only":
    "neighbors > over a thousand entries are all there, in parts",
  "does not hear the signal": "errors > a signal that has fired is ABORTED and nothing is done",
};

describe("a backend that", () => {
  test("has none of these faults passes", async () => {
    expect(await failedCases({ open: faulty(() => ({})) })).toEqual([]);
  });

  for (const [fault, open] of Object.entries(FAULTS)) {
    test(`${fault} fails the contract`, async () => {
      const failed = await failedCases({ open });
      expect(failed.map(({ name }) => name)).toContain(FOUND_BY[fault as keyof typeof FAULTS]);
    });
  }
});

/** Ways to put one fault into the reference backend. */

import { Buffer } from "node:buffer";
import type {
  Backend,
  Batch,
  Collection,
  Columns,
  Neighborhoods,
  NeighborOptions,
  SearchOptions,
  Selection,
} from "../../../core/backends/backend.ts";
import type { Metric } from "../../../core/backends/metric.ts";
import { neighborhoods } from "../../../core/brain/compare/neighbors.ts";
import { NearsightError } from "../../../core/errors.ts";
import { takeRows } from "../../../core/matrix.ts";
import { between } from "../answers.ts";
import { type Limits, stream } from "../context.ts";
import { type ReferenceServer, referenceBackend } from "../reference-backend.ts";

type Search = Collection["search"];
type Change = (collection: Collection, backend: Backend) => Partial<Collection>;

/** Clients whose collections have some methods replaced. */
export function faulty(
  change: Change,
  backendChange: (backend: Backend) => Partial<Backend> = () => ({}),
): () => Backend {
  const server: ReferenceServer = new Map();
  return () => {
    const backend = referenceBackend(server);
    const spoil = (collection: Collection): Collection => ({ ...collection, ...change(collection, backend) });
    const changed = { ...backend, ...backendChange(backend) };
    return {
      ...changed,
      create: async (spec) => spoil(await changed.create(spec)),
      open: async (name) => spoil(await changed.open(name)),
    };
  };
}

/** A fault in what searches answer. */
export function answering(
  spoil: (hits: Columns, options: SearchOptions, metric: Metric) => Columns,
): () => Backend {
  return faulty((collection) => ({
    async search(queries, options) {
      const [found, { metric }] = [await collection.search(queries, options), await collection.describe()];
      return found.map((hits) => spoil(hits, options, metric));
    },
  }));
}

/** A fault in what searches are asked. */
export function asking(spoil: (options: SearchOptions) => SearchOptions): () => Backend {
  return faulty((collection) => ({
    search: (queries, options) => collection.search(queries, spoil(options)),
  }));
}

/** A fault in what is written: `spoil` gives the batches that arrive. */
export function writing(
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
export function neighboring(
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

export function filtered(hits: Columns, keep: (id: string, distance: number) => boolean): Columns {
  const rows = [...hits.ids.keys()].filter((i) => keep(hits.ids[i] ?? "", hits.distances[i] ?? 0));
  return {
    ids: rows.map((i) => hits.ids[i] ?? ""),
    sampleIds: rows.map((i) => hits.sampleIds[i] ?? ""),
    distances: Float32Array.from(rows, (i) => hits.distances[i] ?? 0),
  };
}

export function first(hits: Columns, count: number): Columns {
  return between(hits, 0, count);
}

export function withDistances(hits: Columns, change: (distance: number) => number): Columns {
  return { ...hits, distances: hits.distances.map(change) };
}

export async function storedIds(collection: Collection): Promise<string[]> {
  const ids: string[] = [];
  for await (const part of collection.fetch()) ids.push(...part.ids);
  return ids;
}

/** Remembers the first answer to each question. */
export function stale(search: Search): Search {
  const answers = new Map<string, Columns[]>();
  return async (queries, options) => {
    const question = `${options.k}/${options.within?.key}/${options.reverse}/${options.maxDistance}/${queries.data.join()}`;
    const answer = answers.get(question) ?? (await search(queries, options));
    answers.set(question, answer);
    return answer;
  };
}

/** A fault in what is read back: `spoil` gives the batches that arrive. */
export function fetching(
  spoil: (batches: AsyncIterable<Batch>, selection: Selection | undefined) => AsyncIterable<Batch>,
): () => Backend {
  return faulty((collection) => ({ fetch: (selection) => spoil(collection.fetch(selection), selection) }));
}

/** Some entries of a batch. */
export function only(batch: Batch, keep: (row: number) => boolean): Batch {
  const rows = [...batch.ids.keys()].filter(keep);
  return {
    ids: rows.map((row) => batch.ids[row] ?? ""),
    sampleIds: rows.map((row) => batch.sampleIds[row] ?? ""),
    vectors: takeRows(batch.vectors, rows),
  };
}

/** Other ids in place of some, in writes and deletions. */
export function renaming(change: (id: string) => string): () => Backend {
  return faulty((collection) => ({
    async upsert(batches, options) {
      const parts: Batch[] = [];
      for await (const part of batches) parts.push({ ...part, ids: part.ids.map(change) });
      return collection.upsert(stream(...parts), options);
    },
    async delete(ids, options) {
      const parts: string[][] = [];
      for await (const part of ids) parts.push(part.map(change));
      return collection.delete(stream(...parts), options);
    },
  }));
}

/** Another selection in place of the one given. */
export function selecting(change: (within: Selection) => Selection | undefined): () => Backend {
  return asking((options) =>
    options.within === undefined ? options : { ...options, within: change(options.within) },
  );
}

/** The first `count` ids of a selection. */
export function cut(within: Selection, count: number): Selection {
  const ids = async function* () {
    let left = count;
    for await (const part of within.ids()) {
      yield part.slice(0, left);
      left = Math.max(0, left - part.length);
    }
  };
  return { ...within, ids };
}

/**
 * A backend that searches large collections approximately: one hit of `every` is missed, and the next farther one
 * given in its place. `honest` ones tell of it.
 */
export function approximate(every: number, honest = true): () => Backend {
  const open = faulty((collection) => ({
    async search(queries, options) {
      const { k, reverse, maxDistance } = options;
      const { size } = await collection.describe();
      const whole = k === null || k > 1000 || reverse || maxDistance !== undefined || size <= 1000;
      if (whole) return collection.search(queries, options);
      if (honest) options.onExplain?.({ exact: false });
      let place = 0;
      const more = await collection.search(queries, { ...options, k: 2 * k });
      return more.map((hits) => {
        if (hits.ids.length < 2 * k) return first(hits, k);
        const missed = new Set(hits.ids.slice(1, k).filter(() => ++place % every === 0));
        return first(
          filtered(hits, (id) => !missed.has(id)),
          k,
        );
      });
    },
  }));
  return () => {
    const backend = open();
    return { ...backend, capabilities: { ...backend.capabilities, exact: false } };
  };
}

/** No fault: a backend with the limits a server has. */
export function limited({
  idBytes,
  dimension,
}: Required<Pick<Limits, "idBytes" | "dimension">>): () => Backend {
  return faulty(
    (collection) => ({
      async upsert(batches, options) {
        const failed: { id: string; reason: string }[] = [];
        const fits = (id: string) => Buffer.byteLength(id) <= idBytes;
        async function* fitting() {
          for await (const part of batches) {
            for (const id of part.ids)
              if (!fits(id)) failed.push({ id, reason: `Expected an id of at most ${idBytes} bytes` });
            yield only(part, (row) => fits(part.ids[row] ?? ""));
          }
        }
        const report = await collection.upsert(fitting(), options);
        return { ...report, failed: [...failed, ...report.failed] };
      },
    }),
    (backend) => ({
      async create(spec) {
        if (spec.dimension <= dimension) return backend.create(spec);
        throw new NearsightError({
          code: "LIMIT_EXCEEDED",
          message: `Expected a dimension of at most ${dimension} but found ${spec.dimension}`,
          hint: "See the contract cases",
        });
      },
    }),
  );
}

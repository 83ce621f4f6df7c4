/** A backend like those of servers: a limit on `k`, searches that miss entries, and no order in what is read. */

import type {
  Backend,
  Batch,
  Collection,
  CollectionSpec,
  SearchOptions,
} from "../../core/backends/backend.ts";
import type { BackendDriver } from "../../core/backends/registry.ts";
import { NearsightError } from "../../core/errors.ts";
import { type ReferenceServer, referenceBackend } from "../contract/reference-backend.ts";

/** Hits of one call at most. */
export const MOST_HITS = 100;

/** One of so many entries is missed by every search that is not told to look at few. */
const MISSED = 5;

export interface ApproximateDriver extends BackendDriver {
  /** What it keeps, to take vectors away behind everybody's back. */
  readonly server: ReferenceServer;
  /** The options of each connection. */
  readonly connections: Readonly<Record<string, unknown>>[];
}

/** `token` asks for that secret: another one, or none, is AUTHENTICATION_FAILED. */
export function approximateDriver({ token }: { token?: string } = {}): ApproximateDriver {
  const server: ReferenceServer = new Map();
  const connections: Readonly<Record<string, unknown>>[] = [];
  return {
    name: "approximate",
    server,
    connections,
    connectionOptions: ["url", "token"],
    indexOptions: ["shards"],
    async connect(_, options) {
      connections.push(options);
      if (token !== undefined && options["token"] !== token) throw unknownToken(options["token"]);
      return approximate(referenceBackend(server));
    },
  };
}

function approximate(backend: Backend<ReferenceServer>): Backend<ReferenceServer> {
  return {
    ...backend,
    name: "approximate",
    capabilities: { ...backend.capabilities, maxK: MOST_HITS, exact: false },
    create: async (spec: CollectionSpec) => unreliable(await backend.create(spec)),
    open: async (name) => unreliable(await backend.open(name)),
    facts: async () => ({ version: "1.2.3", limits: { k: MOST_HITS } }),
  };
}

function unreliable(collection: Collection): Collection {
  return {
    ...collection,
    async search(queries, options: SearchOptions) {
      if (options.k === null || options.k > MOST_HITS) throw new Error(`k is ${options.k}`);
      const found = await collection.search(queries, { ...options, k: null });
      const isExact = (options.within?.size ?? Number.POSITIVE_INFINITY) <= options.k;
      options.onExplain?.({ exact: isExact, effort: 7 });
      return found.map(({ ids, sampleIds, distances }) => {
        const seen = [...ids.keys()].filter((i) => isExact || hash(ids[i] ?? "") % MISSED !== 0);
        const missed = [...ids.keys()].filter((i) => !seen.includes(i));
        const rows = [...seen, ...missed].slice(0, options.k ?? undefined).sort((a, b) => a - b);
        return {
          ids: rows.map((i) => ids[i] ?? ""),
          sampleIds: rows.map((i) => sampleIds[i] ?? ""),
          distances: Float32Array.from(rows, (i) => distances[i] ?? Number.NaN),
        };
      });
    },
    async *fetch(select) {
      const batches: Batch[] = [];
      for await (const batch of collection.fetch(select)) batches.unshift(batch);
      for (const { ids, sampleIds, vectors } of batches) {
        const data = vectors.data.slice();
        const length = data.length / Math.max(1, vectors.rows);
        for (const i of ids.keys()) data.set(vectors.row(vectors.rows - 1 - i), i * length);
        const turned = { ...vectors, data, row: (i: number) => data.subarray(i * length, (i + 1) * length) };
        yield { ids: ids.toReversed(), sampleIds: sampleIds.toReversed(), vectors: turned };
      }
    },
    facts: async () => ({ index: "SOME_GRAPH", state: "finished" }),
    handle: async () => ({
      name: collection.name,
      describe: () => collection.describe(),
      query: async () => [],
      count: async () => (await collection.describe()).size,
    }),
  };
}

function hash(text: string): number {
  let sum = 7;
  for (const character of text) sum = (sum * 31 + character.charCodeAt(0)) % 1_000_003;
  return sum;
}

function unknownToken(found: unknown): NearsightError {
  return new NearsightError({
    code: "AUTHENTICATION_FAILED",
    message: `Expected a token that the server knows but found ${found === undefined ? "none" : "another"}`,
    hint: "Give token",
  });
}

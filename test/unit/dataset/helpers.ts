/** Data sets on a temporary store, with a similarity search that sorts by a number. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { SearchExplanation } from "../../../core/dataset/answer-port.ts";
import type { BrainPort } from "../../../core/dataset/brain-port.ts";
import { createDatasets, type Datasets } from "../../../core/dataset/datasets.ts";
import type { SimilarityRequest, SimilarityResolver } from "../../../core/dataset/similarity-port.ts";
import { NearsightError } from "../../../core/errors.ts";
import { createIo } from "../../../core/io/io.ts";
import { openSqliteStore } from "../../../core/store/sqlite-store.ts";
import type { MetadataStore } from "../../../core/store/store.ts";

/** Searches asked for so far; `failing` makes the next ones fail. */
export interface Searches {
  readonly asked: SimilarityRequest[];
  failing: boolean;
}

const ALL = { offset: 0, limit: 1_000_000 };

const EXPLANATION: SearchExplanation = {
  brainKey: "places",
  backend: "places",
  collectionName: "places",
  metric: "euclidean",
  model: null,
  patchesField: null,
  query: { kind: "vector", vectors: 1, aggregation: "mean" },
  k: null,
  reverse: false,
  maxDistance: null,
  within: { by: "index" },
  exact: true,
  calls: { search: 1, scan: 0 },
  fallbacks: [],
  dropped: 0,
  refills: 0,
  hits: 0,
  lost: [],
  driver: {},
  milliseconds: { planning: 0, query: 0, viewRead: 0, search: 0, liveCheck: 0 },
};

/** Ranks rows by how near their place in the data set is to the vector's only number. */
function byPlace(store: MetadataStore, searches: Searches): SimilarityResolver {
  return {
    async resolve(request) {
      searches.asked.push(request);
      if (searches.failing) throw new NearsightError({ code: "RUN_NOT_FOUND", message: "no index yet" });
      const { dataset, before, patchesField, stage } = request;
      const wanted = "vector" in stage.query ? (stage.query.vector[0] ?? 0) : 0;
      const all = await store.samples.ids(
        dataset.id,
        patchesField === null ? [] : [{ stage: "toPatches", field: patchesField }],
        ALL,
      );
      const place = new Map(all.map((row, i) => [row.id, i]));
      const ranked = (await store.samples.ids(dataset.id, before, ALL))
        .map((row) => ({ ...row, distance: Math.abs((place.get(row.id) ?? 0) - wanted) }))
        .sort((a, b) => (stage.reverse ? b.distance - a.distance : a.distance - b.distance))
        .slice(0, stage.k);
      const distances = ranked.map((row) => row.distance);
      const ids = ranked.map((row) => row.id);
      return {
        order: {
          stage: "resolvedOrder",
          ids,
          ...(stage.distField === undefined
            ? {}
            : { distances: { field: stage.distField, values: distances } }),
        },
        hits: {
          ids,
          sampleIds: ranked.map((row) => row.sampleId),
          distances: Float32Array.from(distances),
          scores: Float32Array.from(distances, (distance) => 1 / (1 + distance)),
          brainKey: stage.brainKey ?? "places",
        },
        explanation: EXPLANATION,
        facts: async () => ({ exact: true, indexed: ids.length, missing: 0, stale: 0 }),
      };
    },
  };
}

/** No test of the data sets reaches the brain's other methods. */
const NO_BRAIN = new Proxy({} as BrainPort, {
  get(_, method) {
    throw new Error(`The brain's ${String(method)} was not expected to be called`);
  },
});

export function useDatasets(): {
  readonly ns: Datasets;
  readonly store: MetadataStore;
  readonly searches: Searches;
} {
  const searches: Searches = { asked: [], failing: false };
  const state: { store?: MetadataStore; ns?: Datasets; folder?: string } = {};
  beforeAll(async () => {
    state.folder = await mkdtemp(join(tmpdir(), "nearsight-dataset-"));
    state.store = await openSqliteStore({ folder: state.folder });
    state.ns = createDatasets({
      store: state.store,
      similarity: byPlace(state.store, searches),
      brain: NO_BRAIN,
      io: createIo(),
    });
  });
  afterAll(async () => {
    await state.store?.close();
    if (state.folder !== undefined) await rm(state.folder, { recursive: true });
  });
  return {
    searches,
    get store() {
      if (state.store === undefined) throw new Error("The store is opened before the tests");
      return state.store;
    },
    get ns() {
      if (state.ns === undefined) throw new Error("The store is opened before the tests");
      return state.ns;
    },
  };
}

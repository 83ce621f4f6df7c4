/** Data sets on a temporary store, with a similarity search that sorts by a number. */

import { beforeAll } from "vitest";
import type { SearchExplanation } from "../../../core/dataset/answer-port.ts";
import type { BrainPort } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { createDatasets, type Datasets } from "../../../core/dataset/datasets.ts";
import type { LabelInput } from "../../../core/dataset/labels.ts";
import type { SimilarityRequest, SimilarityResolver } from "../../../core/dataset/similarity-port.ts";
import type { SyncPort } from "../../../core/dataset/sync-port.ts";
import { NearsightError } from "../../../core/errors.ts";
import { createIo } from "../../../core/io/io.ts";
import type { MetadataStore } from "../../../core/store/store.ts";
import { EVERYTHING, useStore } from "../../store/helpers.ts";
import { throughDoor } from "../../support/door.ts";

/** Searches asked for so far; `failing` makes the next ones fail. */
export interface Searches {
  readonly asked: SimilarityRequest[];
  failing: boolean;
}

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
        EVERYTHING,
      );
      const place = new Map(all.map((row, i) => [row.id, i]));
      const ranked = (await store.samples.ids(dataset.id, before, EVERYTHING))
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

/** No test of the data sets reaches what is behind these ports. */
const NO_BRAIN = unexpected<BrainPort>("brain");
const NO_SYNC = unexpected<SyncPort>("sync");

function unexpected<Port extends object>(name: string): Port {
  return new Proxy({} as Port, {
    get(_, method) {
      throw new Error(`${String(method)} of the ${name} was not expected to be called`);
    },
  });
}

/** Detections of these names, the surer the later. */
export function detections(...labels: string[]): LabelInput {
  return {
    _cls: "Detections",
    detections: labels.map((label, i) => ({
      label,
      boundingBox: [0, 0, 0.5, 0.5],
      confidence: (i + 1) / 10,
    })),
  };
}

/** Data sets for the tests of one file, in a folder that is removed after them. */
export function useDatasets(): {
  readonly ns: Datasets;
  readonly searches: Searches;
  /** A data set of so many samples, with their numbers in `n`. */
  newDataset(size?: number): Promise<Dataset>;
} {
  const searches: Searches = { asked: [], failing: false };
  const files = useStore();
  let datasets: Datasets | undefined;
  beforeAll(async () => {
    const { store } = files;
    const similarity = byPlace(store, searches);
    const ports = { store, similarity, brain: NO_BRAIN, io: createIo(), sync: NO_SYNC };
    datasets = await throughDoor(createDatasets(ports));
  });
  const ns = (): Datasets => {
    if (datasets === undefined) throw new Error("The data sets are made before the tests");
    return datasets;
  };
  return {
    searches,
    get ns() {
      return ns();
    },
    async newDataset(size = 0) {
      const dataset = await ns().createDataset();
      await dataset.addSamples(Array.from({ length: size }, (_, n) => ({ filepath: `/${n}.jpg`, n })));
      return dataset;
    },
  };
}

/** What data sets and views use of a store, over the API. */

import type { DatasetStores } from "../core/dataset/context.ts";
import { concatRows, type Matrix } from "../core/matrix.ts";
import { type PackedVectors, unpackVectors } from "../core/packed-vectors.ts";
import type { Stage } from "../core/stages.ts";
import type { SavedViewStore } from "../core/store/store.ts";
import { type DatasetPath, type RemoteDatasets, unlessAbsent } from "./datasets.ts";
import type { Http } from "./http.ts";
import { parts, vectorParts } from "./parts.ts";
import { remoteSamples } from "./samples.ts";
import { unsupported } from "./unsupported.ts";

export function remoteStores(http: Http, datasets: RemoteDatasets): DatasetStores {
  const { pathOf } = datasets;
  return {
    datasets,
    samples: remoteSamples(http, pathOf),
    vectors: remoteVectors(http, pathOf),
    views: remoteViews(http, pathOf),
  };
}

function remoteVectors(http: Http, pathOf: DatasetPath): DatasetStores["vectors"] {
  return {
    async get(datasetId, field, ownerIds) {
      const found = { ids: [] as string[], vectors: [] as Matrix[] };
      // Also without ids: the answer tells the dimension.
      for (const ids of parts(ownerIds)) {
        const body = { field, ids };
        const part = await http<{ ids: string[]; vectors: PackedVectors }>(
          "post",
          pathOf(datasetId, "vectors"),
          { body, repeatable: true },
        );
        found.ids.push(...part.ids);
        found.vectors.push(unpackVectors(part.vectors) as Matrix);
      }
      const dimension = found.vectors[0]?.dimension ?? 0;
      return { ids: found.ids, vectors: concatRows(found.vectors, dimension) };
    },
    async put(datasetId, field, ownerIds, vectors) {
      for (const { start, end, vectors: packed } of vectorParts(vectors, ownerIds.length)) {
        const body = { field, ids: ownerIds.slice(start, end), vectors: packed };
        await http("put", pathOf(datasetId, "vectors"), { body });
      }
    },
  };
}

/** A bare string is an id or a prompt, whichever the index of the moment knows: the API takes what says so. */
function assertTagged(stages: readonly Stage[]): void {
  const isBare = stages.some((stage) => stage.stage === "sortBySimilarity" && "bare" in stage.query);
  if (!isBare) return;
  unsupported(
    "Saving a search for a bare string",
    "it may be an id or a prompt",
    "Search by { id } or { prompt }",
  );
}

type SavedView = NonNullable<Awaited<ReturnType<SavedViewStore["load"]>>>;

function remoteViews(http: Http, pathOf: DatasetPath): SavedViewStore {
  return {
    async save(datasetId, name, view) {
      assertTagged(view.stages);
      await http("put", pathOf(datasetId, "views", name), { body: view });
    },
    load: (datasetId, name) =>
      unlessAbsent(http<SavedView>("get", pathOf(datasetId, "views", name)), "ID_NOT_FOUND"),
    list: async (datasetId) => (await http<{ views: string[] }>("get", pathOf(datasetId, "views"))).views,
    async delete(datasetId, name) {
      await http("delete", pathOf(datasetId, "views", name));
    },
  };
}

/** Where a run's vectors come from: given ones, a stored field, or a model; one stream whichever it is. */

import type { EmbeddingOptions } from "../../dataset/brain-port.ts";
import { type Matrix, stackRows, type VectorData } from "../../matrix.ts";
import type { BoundingBox, CropOptions } from "../../media/input-spec.ts";
import type { EmbeddingModel } from "../../models/model.ts";
import type { MediaRow, RowIdentity } from "../../store/store.ts";
import type { RunRecord } from "../../store/store-runs.ts";
import type { BrainContext } from "../context.ts";
import { once } from "../entries.ts";
import { type EmbeddedRows, type EmbedRow, embedMedia } from "./embed-media.ts";

/** A row that wants a vector. */
export interface WantedRow extends RowIdentity {
  /** Its vector was made from its medium before and is out of date: one that is stored would be, too. */
  readonly isChanged?: boolean;
}

/** Gives vectors for rows, in any order; rows it has nothing for are in `failed`. */
export type VectorSource = (rows: AsyncIterable<readonly WantedRow[]>) => AsyncIterable<EmbeddedRows>;

/** Where media of a run are found. */
export interface MediaOrigin {
  readonly datasetId: string;
  readonly patchesField: string | null;
  readonly roiField: string | null;
}

/** How the boxes of a run are cut out. */
export function croppingOf({ config: { forceSquare, alpha } }: RunRecord): CropOptions {
  return { forceSquare, ...(alpha === null ? {} : { alpha }) };
}

/** Vectors already in memory, by row id. */
export function fromMap(vectors: ReadonlyMap<string, VectorData>, dimension: number): VectorSource {
  return async function* (pages) {
    for await (const page of pages) {
      const found = page.filter((row) => vectors.has(row.id));
      const missing = page.filter((row) => !vectors.has(row.id));
      yield {
        ids: found.map((row) => row.id),
        sampleIds: found.map((row) => row.sampleId),
        vectors: stackRows(
          found.flatMap((row) => vectors.get(row.id) ?? []),
          dimension,
        ),
        failed: missing.map((row) => ({ id: row.id, reason: "no vector was given for it" })),
      };
    }
  };
}

/** Vectors of a stored field. */
export function fromField(context: BrainContext, datasetId: string, field: string): VectorSource {
  return async function* (pages) {
    for await (const page of pages) {
      const ids = page.map((row) => row.id);
      const stored = await context.store.vectors.get(datasetId, field, ids);
      const sampleIds = new Map(page.map((row) => [row.id, row.sampleId]));
      const found = new Set(stored.ids);
      yield {
        ids: stored.ids,
        sampleIds: stored.ids.map((id) => sampleIds.get(id) ?? id),
        vectors: stored.vectors,
        failed: ids
          .filter((id) => !found.has(id))
          .map((id) => ({ id, reason: `it has no vector in field '${field}'` })),
      };
    }
  };
}

/** Vectors of a stored field, and from `rest` those that it lacks. */
export function firstFromField(
  context: BrainContext,
  datasetId: string,
  field: string,
  rest: VectorSource,
): VectorSource {
  const stored = fromField(context, datasetId, field);
  return async function* (pages) {
    for await (const page of pages) {
      for await (const { failed: missing, ...found } of stored(once(page.filter((row) => !row.isChanged)))) {
        if (found.ids.length > 0) yield { ...found, failed: [] };
        const ids = new Set(missing.map(({ id }) => id));
        for (const row of page) if (row.isChanged) ids.add(row.id);
        if (ids.size > 0) yield* rest(once(page.filter((row) => ids.has(row.id))));
      }
    }
  };
}

/** Vectors computed from media; kept in `embeddingsField` as well if one is named. */
export function fromModel(
  context: BrainContext,
  model: EmbeddingModel,
  origin: MediaOrigin,
  options: EmbeddingOptions,
  embeddingsField: string | null,
): VectorSource {
  return async function* (pages) {
    for await (const rows of embedMedia(context, model, embedRows(context, origin, pages), options)) {
      if (embeddingsField !== null && rows.ids.length > 0) {
        await context.store.vectors.put(origin.datasetId, embeddingsField, rows.ids, rows.vectors as Matrix);
      }
      yield rows;
    }
  };
}

/** Adds to each row where its pixels are. */
async function* embedRows(
  context: BrainContext,
  origin: MediaOrigin,
  pages: AsyncIterable<readonly RowIdentity[]>,
): AsyncGenerator<EmbedRow> {
  for await (const page of pages) {
    const media = await mediaOf(context, origin, page);
    const regions = origin.roiField === null ? null : await regionsOf(context, origin, origin.roiField, page);
    for (const row of page) {
      const found = media.get(row.id);
      // A sample deleted while the run is built has no media any more: its entry is being removed.
      if (found === undefined) continue;
      const box = found.boundingBox === null ? [] : [found.boundingBox];
      yield {
        id: row.id,
        sampleId: row.sampleId,
        filepath: found.filepath,
        boxes: regions?.get(row.id) ?? box,
      };
    }
  }
}

async function mediaOf(
  context: BrainContext,
  { datasetId, patchesField }: MediaOrigin,
  page: readonly RowIdentity[],
): Promise<Map<string, MediaRow>> {
  const ids = page.map((row) => row.id);
  const stages =
    patchesField === null
      ? ([{ stage: "select", ids }] as const)
      : ([
          { stage: "select", ids: [...new Set(page.map((row) => row.sampleId))] },
          { stage: "toPatches", field: patchesField },
          { stage: "select", ids },
        ] as const);
  const rows = await context.store.samples.media(datasetId, stages, null, { offset: 0, limit: ids.length });
  return new Map(rows.map((row) => [row.id, row]));
}

async function regionsOf(
  context: BrainContext,
  { datasetId }: MediaOrigin,
  field: string,
  page: readonly RowIdentity[],
): Promise<Map<string, BoundingBox[]>> {
  const stages = [{ stage: "select", ids: page.map((row) => row.sampleId) }] as const;
  const regions = new Map<string, BoundingBox[]>();
  const limit = 10_000;
  for (let offset = 0; ; offset += limit) {
    const rows = await context.store.samples.media(datasetId, stages, field, { offset, limit });
    for (const row of rows) {
      if (row.boundingBox === null) continue;
      const boxes = regions.get(row.sampleId) ?? [];
      boxes.push(row.boundingBox);
      regions.set(row.sampleId, boxes);
    }
    if (rows.length < limit) return regions;
  }
}

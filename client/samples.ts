/** Samples over the API: adds, changes and deletes them, and reads views of them page by page. */

import type { DatasetStores } from "../core/dataset/context.ts";
import { isNearsightError, NearsightError } from "../core/errors.ts";
import type {
  MediaRow,
  Page,
  RowIdentity,
  SampleChange,
  StoreStage,
  VectorColumn,
  ViewRow,
  ViewSnapshot,
} from "../core/store/store.ts";
import type { DatasetPath } from "./datasets.ts";
import type { Http } from "./http.ts";
import { labelJson, type RowJson, sampleJson, vectorsJson, viewRow } from "./rows.ts";
import { stagesOfRows, wireView } from "./stages.ts";

/** The most that one request gives. */
const ROWS_PER_REQUEST = 1_000;
const VALUES_PER_REQUEST = 50_000;

type RemoteSamples = DatasetStores["samples"];

export function remoteSamples(http: Http, pathOf: DatasetPath): RemoteSamples {
  const ask = <Answer>(datasetId: string, what: string, body: object): Promise<Answer> =>
    http("post", pathOf(datasetId, what), { body, repeatable: true });

  /** A part of a view, in as many requests as it takes. */
  async function pages<Item>(
    page: Page,
    most: number,
    read: (page: Page) => Promise<readonly Item[]>,
  ): Promise<Item[]> {
    const items: Item[] = [];
    while (items.length < page.limit) {
      const limit = Math.min(most, page.limit - items.length);
      const some = await read({ offset: page.offset + items.length, limit });
      for (const item of some) items.push(item);
      if (some.length < limit) break;
    }
    return items;
  }

  const rows = (datasetId: string, stages: readonly StoreStage[], page: Page): Promise<ViewRow[]> =>
    pages(page, ROWS_PER_REQUEST, async (part) => {
      const asked = { view: wireView(stages), ...part };
      return (await ask<{ rows: RowJson[] }>(datasetId, "rows", asked)).rows.map(viewRow);
    });

  const ids = (datasetId: string, stages: readonly StoreStage[], page: Page): Promise<RowIdentity[]> =>
    pages(page, VALUES_PER_REQUEST, async (part) => {
      const found = await ask<{ ids: string[]; sampleIds: string[] }>(datasetId, "ids", {
        view: wireView(stages),
        ...part,
      });
      return found.ids.map((id, i) => ({ id, sampleId: found.sampleIds[i] ?? id }));
    });

  /** The ids are read at once, so that later changes move no rows. */
  async function snapshot(
    datasetId: string,
    viewStages: readonly StoreStage[],
    patchesField: string | null = null,
  ): Promise<ViewSnapshot> {
    const ofPatches = viewStages.some(({ stage }) => stage === "toPatches");
    const stages: readonly StoreStage[] =
      patchesField === null || ofPatches
        ? viewStages
        : [...viewStages, { stage: "toPatches", field: patchesField }];
    const all = await ids(datasetId, stages, { offset: 0, limit: Number.MAX_SAFE_INTEGER });
    const rowsOf = ({ offset, limit }: Page) => {
      const asked = all.slice(offset, offset + limit).map(({ id }) => id);
      return asked.length === 0
        ? Promise.resolve([])
        : rows(datasetId, stagesOfRows(stages, asked), { offset: 0, limit: asked.length });
    };
    return {
      size: all.length,
      ids: async ({ offset, limit }) => all.slice(offset, offset + limit),
      rows: rowsOf,
      media: async (page) => (await rowsOf(page)).map(mediaRow),
    };
  }

  return {
    rows,
    ids,
    snapshot,
    async add(datasetId, samples, vectors = []) {
      if (samples.length === 0) return;
      await inHalves(samples, (some) => {
        const body = { samples: some.map((sample) => sampleJson(sample, vectors)) };
        return http("post", pathOf(datasetId, "samples"), { body });
      });
    },
    async delete(datasetId, sampleIds) {
      if (sampleIds.length === 0) return 0;
      const body = { ids: sampleIds };
      const { deleted } = await http<{ deleted: number }>("post", pathOf(datasetId, "samples", "delete"), {
        body,
      });
      return deleted;
    },
    async update(datasetId, changes, vectors = []) {
      await setTags(changes, (body) => http("post", pathOf(datasetId, "tags"), { body, repeatable: true }));
      await setFields(changes, vectors, (body) => http("put", pathOf(datasetId, "values"), { body }));
    },
    async count(datasetId, stages) {
      return (await ask<{ count: number }>(datasetId, "count", { view: wireView(stages) })).count;
    },
    values: (datasetId, stages, field, page) =>
      pages(page, VALUES_PER_REQUEST, async (part) => {
        const asked = { view: wireView(stages), field, ...part };
        return (await ask<{ values: unknown[] }>(datasetId, "values", asked)).values;
      }),
    async countValues(datasetId, stages, field) {
      const { counts } = await ask<{ counts: { value: unknown; count: number }[] }>(
        datasetId,
        "count-values",
        {
          view: wireView(stages),
          field,
        },
      );
      return counts.map(({ value, count }) => [value, count]);
    },
    async byId(datasetId, sampleIds) {
      const named = { stage: "select", ids: sampleIds, ordered: true } as const;
      const found = await rows(datasetId, [named], { offset: 0, limit: sampleIds.length });
      return found.map(({ sample }) => sample);
    },
  };
}

function mediaRow({ id, sample, label }: ViewRow): MediaRow {
  const boundingBox = label?.boundingBox ?? null;
  return { id, sampleId: sample.id, filepath: sample.filepath, boundingBox };
}

/** One request for each kind of change: callers make the same one to all samples of a call. */
async function setTags(
  changes: readonly SampleChange[],
  send: (body: object) => Promise<unknown>,
): Promise<void> {
  const tagged = changes.filter(
    ({ addTags, removeTags }) => addTags !== undefined || removeTags !== undefined,
  );
  const alike = Map.groupBy(tagged, ({ addTags = [], removeTags = [] }) =>
    JSON.stringify([addTags, removeTags]),
  );
  for (const [tags, some] of alike) {
    const [add, remove] = JSON.parse(tags) as [string[], string[]];
    await send({ ids: some.map(({ id }) => id), add, remove });
  }
}

/** One request for each field. */
async function setFields(
  changes: readonly SampleChange[],
  columns: readonly VectorColumn[],
  send: (body: object) => Promise<unknown>,
): Promise<void> {
  const byField = new Map<string, { id: string; value: unknown }[]>();
  for (const change of changes) {
    for (const [field, value] of Object.entries(valuesOf(change, columns))) {
      byField.set(field, [...(byField.get(field) ?? []), { id: change.id, value }]);
    }
  }
  for (const [field, values] of byField) await inHalves(values, (some) => send({ field, values: some }));
}

/** Sends the items together; where the server takes no body as long as that, by halves. */
async function inHalves<Item>(
  items: readonly Item[],
  send: (items: readonly Item[]) => Promise<unknown>,
): Promise<void> {
  try {
    await send(items);
  } catch (error) {
    if (!isNearsightError(error, "REQUEST_TOO_LARGE") || items.length === 1) throw error;
    const middle = items.length >> 1;
    await inHalves(items.slice(0, middle), send);
    await inHalves(items.slice(middle), send);
  }
}

function valuesOf({ id, fields, labels, tags }: SampleChange, columns: readonly VectorColumn[]) {
  if (tags !== undefined) throw tagsReplaced();
  const byField = Object.entries(labels ?? {}).map(([field, given]) => [
    field,
    given === null ? null : labelJson(given.kind, given.records),
  ]);
  return { ...fields, ...Object.fromEntries(byField), ...vectorsJson(id, columns) };
}

function tagsReplaced(): NearsightError {
  return new NearsightError({
    code: "REMOTE_UNSUPPORTED",
    message: "Tags are added and removed over HTTP, not replaced",
    hint: "Use tagSamples() and untagSamples()",
  });
}

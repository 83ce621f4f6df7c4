/** The points of a visualization as users hold them: all, those of a view, as columns to plot. */

import type { SampleCollection } from "../../dataset/sample-collection.ts";
import type {
  PlotData,
  VisualizationConfig,
  VisualizationResults,
  VisualizeOptions,
} from "../../dataset/visualization-port.ts";
import { NearsightError } from "../../errors.ts";
import { concatRows, type Matrix, stackRows, takeRows } from "../../matrix.ts";
import type { RunRecord } from "../../store/store-runs.ts";
import type { BrainContext } from "../context.ts";
import { entryPages } from "../entries.ts";
import { runConfigOf } from "../runs.ts";
import type { VisualizationRequest } from "./request.ts";

/** Points read at a time. */
const PAGE_ROWS = 10_000;

type LayoutFacts = Pick<
  VisualizationConfig,
  "numDims" | "seed" | "pointsField" | "similarityIndex" | "layout"
>;

/** What a run keeps of a request beside what all runs have. */
export function layoutOf(request: VisualizationRequest): LayoutFacts & Readonly<Record<string, unknown>> {
  const { numDims, seed, pointsField, similarityIndex, layout } = request;
  return { numDims, seed, pointsField, similarityIndex, layout };
}

/** Reads the points of a run; those of deleted samples are removed for good. INDEX_NOT_FOUND where some are not written. */
export async function loadVisualization(
  context: BrainContext,
  samples: SampleCollection,
  run: RunRecord,
): Promise<VisualizationResults> {
  const { store } = context;
  if (run.state === "planned") throw cutOff(run);
  for await (const page of entryPages(store, run.id, ["deleting"])) {
    await store.entries.remove(
      run.id,
      page.map((entry) => entry.entryId),
    );
  }
  const config = runConfigOf(run) as VisualizationConfig;
  const parts: Matrix[] = [];
  const ids: string[] = [];
  const sampleIds: string[] = [];
  for (let after = 0; ; ) {
    const page = await store.points.page(run.id, after, PAGE_ROWS);
    parts.push(
      stackRows(
        page.map((entry) => entry.point),
        config.numDims,
      ),
    );
    for (const { entryId, sampleId } of page) {
      ids.push(entryId);
      sampleIds.push(sampleId);
    }
    if (page.length < PAGE_ROWS) break;
    after = page.at(-1)?.sequence ?? after;
  }
  return createResults(context, samples, run, config, {
    ids,
    sampleIds,
    points: concatRows(parts, config.numDims),
  });
}

interface Placed {
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
  readonly points: Matrix;
}

function createResults(
  context: BrainContext,
  samples: SampleCollection,
  run: RunRecord,
  config: VisualizationConfig,
  { ids, sampleIds, points }: Placed,
): VisualizationResults {
  const { patchesField } = config;
  let view: SampleCollection = samples.stages.length > 0 ? samples : samples.dataset;

  /** Positions of the points that the current view has, and how many rows it has without one. */
  const current = async () => {
    const rows = await idsOf(view, patchesField);
    const positions = ids.flatMap((id, i) => (rows.delete(id) ? [i] : []));
    return { positions, missing: rows.size };
  };
  const at = (list: readonly string[], positions: readonly number[]) => positions.map((i) => list[i] ?? "");
  const valuesAt = <Value>(path: string, positions: readonly number[]) =>
    valuesOf<Value>(view, patchesField, at(ids, positions), path);

  const self: VisualizationResults = {
    key: run.key,
    config,
    points,
    sampleIds,
    labelIds: patchesField === null ? null : ids,
    get hasView() {
      return view.stages.length > 0;
    },
    get view() {
      return view;
    },
    useView(next) {
      view = next;
      return self;
    },
    clearView() {
      view = samples.dataset;
    },
    async currentPoints() {
      return takeRows(points, (await current()).positions);
    },
    async currentSampleIds() {
      return at(sampleIds, (await current()).positions);
    },
    async currentLabelIds() {
      return patchesField === null ? null : at(ids, (await current()).positions);
    },
    async indexSize() {
      return (await current()).positions.length;
    },
    async missingSize() {
      return (await current()).missing;
    },
    async values<Value>(path: string) {
      return valuesAt<Value>(path, (await current()).positions);
    },
    async visualize(options = {}) {
      const { positions } = await current();
      const columns = {
        labels: await columnOf(options.labels, positions, valuesAt, "labels"),
        sizes: await columnOf(options.sizes, positions, valuesAt, "sizes"),
      };
      const kept = keptRows(positions.length, columns.labels, options);
      const shown = takeRows(
        points,
        kept.map((i) => positions[i] ?? 0),
      );
      const named = (list: readonly string[]) =>
        at(
          list,
          kept.map((i) => positions[i] ?? 0),
        );
      return {
        ...coordinates(shown),
        ids: named(ids),
        sampleIds: named(sampleIds),
        labelIds: patchesField === null ? null : named(ids),
        ...(columns.labels === undefined ? {} : { labels: kept.map((i) => columns.labels?.[i]) }),
        ...(columns.sizes === undefined ? {} : { sizes: kept.map((i) => Number(columns.sizes?.[i])) }),
      };
    },
    async delete() {
      await context.store.runs.delete(run.id);
    },
  };
  return self;
}

/** Ids of the view's rows: samples, or their labels for a visualization of patches. */
async function idsOf(view: SampleCollection, patchesField: string | null): Promise<Set<string>> {
  const ofPatches = patchesField !== null && view.patchesField === null;
  const ids = new Set<string>();
  for await (const page of (ofPatches ? view.toPatches(patchesField) : view).ids()) {
    for (const row of page) ids.add(patchesField === null ? row.sampleId : row.id);
  }
  return ids;
}

function valuesOf<Value>(
  view: SampleCollection,
  patchesField: string | null,
  ids: readonly string[],
  path: string,
): Promise<Value[]> {
  const rows = patchesField === null ? view.dataset : view.dataset.toPatches(patchesField);
  return rows.select(ids, { ordered: true }).values<Value>(path);
}

/** A column of the plot: a field's values, or the list given, which must have one value for each point. */
async function columnOf(
  given: string | readonly unknown[] | undefined,
  positions: readonly number[],
  valuesAt: <Value>(path: string, positions: readonly number[]) => Promise<Value[]>,
  name: string,
): Promise<readonly unknown[] | undefined> {
  if (given === undefined) return undefined;
  if (typeof given === "string") return valuesAt(given, positions);
  if (given.length === positions.length) return given;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected ${name} for ${positions.length} points but found ${given.length}`,
    hint: "Give one value for each of currentPoints(), in that order, or the path of a field",
  });
}

function keptRows(
  rows: number,
  labels: readonly unknown[] | undefined,
  { classes }: VisualizeOptions,
): number[] {
  const all = Array.from({ length: rows }, (_, i) => i);
  if (classes === undefined) return all;
  if (labels !== undefined) return all.filter((i) => classes.includes(labels[i]));
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: "Expected labels beside classes but found none",
    hint: 'Name the field whose values they are, such as labels: "ground_truth.label"',
  });
}

function coordinates(points: Matrix): Pick<PlotData, "x" | "y" | "z"> {
  const { data, rows, dimension } = points;
  const column = (d: number) =>
    Float32Array.from({ length: rows }, (_, i) => (d < dimension ? (data[i * dimension + d] ?? 0) : 0));
  return { x: column(0), y: column(1), ...(dimension > 2 ? { z: column(2) } : {}) };
}

function cutOff(run: RunRecord): NearsightError {
  return new NearsightError({
    code: "INDEX_NOT_FOUND",
    message: `Expected the points of visualization '${run.key}' but not all of them were written`,
    hint: "Wait for the process that writes them, or compute it again under the same key",
    details: { brainKey: run.key },
  });
}

/** Views: lazy, frozen lists of stages over a data set. */

import { type SortBySimilarityStage, STAGES_VERSION, type Stage } from "../stages.ts";
import type { AnswerFacts, ViewExplanation } from "./answer-port.ts";
import type { ConnectionOptions } from "./brain-port.ts";
import { checkStage } from "./check.ts";
import type { DatasetContext } from "./context.ts";
import type { Dataset } from "./dataset.ts";
import { explainStages, printedWhole } from "./explain-view.ts";
import { type ResolvedView, resolveStage } from "./resolve-view.ts";
import { deepFreeze, type Patch, type Sample } from "./sample.ts";
import { SampleCollection } from "./sample-collection.ts";

/** What `explain` reads of a view. */
const EXPLAINED_ROWS = { offset: 0, limit: 100 } as const;

/** One result of a similarity search. */
export interface Hit {
  /** Of a sample, or of a label where patches were searched. */
  readonly id: string;
  readonly sampleId: string;
  /** From 1. */
  readonly rank: number;
  /** Higher is more similar. */
  readonly score: number;
  /** Lower is more similar. */
  readonly distance: number;
}

/** Some of a data set's samples, or their patches, in some order. Nothing is read until it is asked for. */
export class DatasetView<Row extends Sample | Patch = Sample> extends SampleCollection<Row> {
  readonly dataset: Dataset;
  readonly stages: readonly Stage[];
  protected readonly context: DatasetContext;
  readonly #before: () => Promise<ResolvedView>;
  // Out of reach of stages, JSON and printing: it may hold credentials.
  readonly #connection: ConnectionOptions | undefined;
  #resolved: Promise<ResolvedView> | undefined;
  #resolveMs = 0;

  constructor(
    dataset: Dataset,
    context: DatasetContext,
    before: { readonly stages: readonly Stage[]; readonly resolve: () => Promise<ResolvedView> },
    stage: Stage,
    connection?: ConnectionOptions,
  ) {
    super();
    this.dataset = dataset;
    this.context = context;
    this.stages = Object.freeze([...before.stages, freezeStage(checkStage(stage))]);
    this.#before = before.resolve;
    this.#connection = connection;
  }

  addStage<Next extends Sample | Patch = Row>(stage: Stage): DatasetView<Next> {
    const before = { stages: this.stages, resolve: () => this.resolve() };
    return new DatasetView<Next>(this.dataset, this.context, before, stage);
  }

  protected addSearch(stage: SortBySimilarityStage, connection: ConnectionOptions | undefined) {
    const before = { stages: this.stages, resolve: () => this.resolve() };
    return new DatasetView<Row>(this.dataset, this.context, before, stage, connection);
  }

  protected resolve(): Promise<ResolvedView> {
    this.#resolved ??= this.#resolveAfterBefore().catch((error) => {
      // A search that failed may succeed later, once its index is there.
      this.#resolved = undefined;
      throw error;
    });
    return this.#resolved;
  }

  async #resolveAfterBefore(): Promise<ResolvedView> {
    const stage = this.stages.at(-1) as Stage;
    const start = performance.now();
    const before = await this.#before();
    const resolved = await resolveStage(this.context, this.dataset.record, before, stage, this.#connection);
    this.#resolveMs = performance.now() - start;
    return resolved;
  }

  /** What the view's last similarity search found, of the rows that are still in the view, nearest first. */
  async hits(): Promise<Hit[]> {
    const { found } = await this.resolve();
    if (found === null) return [];
    const { ids, sampleIds, distances, scores } = found.hits;
    const hits = ids.map((id, i) => ({
      id,
      sampleId: sampleIds[i] ?? id,
      rank: i + 1,
      score: scores[i] ?? Number.NaN,
      distance: distances[i] ?? Number.NaN,
    }));
    return this.stages.at(-1)?.stage === "sortBySimilarity" ? hits : this.#stillThere(hits);
  }

  /**
   * How complete the view's last similarity search is: whether it was exact, and how many rows of the searched
   * view were `indexed`, `missing` or `stale`, counted now. Null on a view without a search.
   *
   * @example
   * const { exact, missing } = await view.facts(); // true, 0
   */
  async facts(): Promise<AnswerFacts | null> {
    return (await this.resolve()).found?.facts() ?? null;
  }

  /**
   * Tells the index that the view's last search used, as it was, from others and from itself after it was built again
   * or added to by a build: pages of one ranking fit together while it is the same. Null on a view without a search.
   */
  async indexVersion(): Promise<string | null> {
    return (await this.resolve()).found?.indexVersion ?? null;
  }

  /**
   * How the view is read: for each stage where it runs, and for a search the run, the backend, what was searched,
   * whether exactly, fallbacks, and milliseconds by phase. Plain JSON without vectors and secrets.
   *
   * @example
   * console.log(await dataset.sortBySimilarity({ id }, { k: 25 }).explain());
   */
  async explain(): Promise<ViewExplanation> {
    const { stages, searches } = await this.resolve();
    const start = performance.now();
    await this.context.store.samples.ids(this.dataset.id, stages, EXPLAINED_ROWS);
    const firstRows = performance.now() - start;
    const round = (milliseconds: number) => Number(milliseconds.toFixed(2));
    return printedWhole({
      dataset: this.dataset.name,
      stages: explainStages(this.stages, searches),
      milliseconds: { resolve: round(this.#resolveMs), firstRows: round(firstRows) },
    });
  }

  async #stillThere(hits: readonly Hit[]): Promise<Hit[]> {
    const rows = new Set<string>();
    const samples = new Set<string>();
    for await (const page of this.ids()) {
      for (const row of page) {
        rows.add(row.id);
        samples.add(row.sampleId);
      }
    }
    // Rows and hits can be of different kinds: samples found by their patches.
    const alike = hits.some((hit) => rows.has(hit.id));
    return hits.filter((hit) => (alike ? rows.has(hit.id) : samples.has(hit.sampleId)));
  }

  /** Plain JSON that makes the same view again, with `dataset.view(json)`. */
  toJSON(): { version: number; stages: readonly Stage[] } {
    return { version: STAGES_VERSION, stages: this.stages };
  }
}

/** A frozen copy, so that a caller's later changes do not reach the view; bytes of images stay bytes. */
function freezeStage(stage: Stage): Stage {
  if (stage.stage === "sortBySimilarity") return Object.freeze(structuredClone(stage));
  return deepFreeze(structuredClone(stage));
}

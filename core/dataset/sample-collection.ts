/** What data sets and views have in common: their stages, and everything that reads their rows. */

import { NearsightError } from "../errors.ts";
import type { Stage } from "../stages.ts";
import type { MediaRow, RowIdentity, StoreStage } from "../store/store.ts";
import { BrainMethods } from "./brain-methods.ts";
import type { DatasetContext } from "./context.ts";
import type { Dataset } from "./dataset.ts";
import type { ExportOptions, ExportReport } from "./io-port.ts";
import { patchesFieldOf, type ResolvedView } from "./resolve-view.ts";
import { type Patch, type Sample, toRow } from "./sample.ts";
import { changeSamples, sampleIds, setEach } from "./write-samples.ts";

/** Whole rows read at a time by a loop over a view. */
const ROWS_PER_PAGE = 500;

/** Ids and media rows read at a time. */
const IDS_PER_PAGE = 2_000;

const EVERYTHING = { offset: 0, limit: Number.MAX_SAFE_INTEGER } as const;

/** A data set, or a view of one: an ordered choice of its samples, or of their patches. */
export abstract class SampleCollection<Row extends Sample | Patch = Sample> extends BrainMethods<Row> {
  abstract override readonly dataset: Dataset;
  /** The steps that lead from the data set to these rows; none for the data set itself. */
  abstract readonly stages: readonly Stage[];
  protected abstract override readonly context: DatasetContext;

  /** The view as the store runs it; searches on first use and keeps the answer. */
  protected abstract resolve(): Promise<ResolvedView>;

  /** The field the patches come from, or null where rows are samples. */
  get patchesField(): string | null {
    return patchesFieldOf(this.stages);
  }

  /** The stages with similarity resolved to an order, as the store takes them. */
  async resolvedStages(): Promise<readonly StoreStage[]> {
    return (await this.resolve()).stages;
  }

  /** How many rows there are. */
  async count(): Promise<number> {
    return this.context.store.samples.count(this.dataset.id, await this.resolvedStages());
  }

  /** The first row; ID_NOT_FOUND where there is none. */
  async first(): Promise<Row> {
    const [row] = await this.head(1);
    if (row === undefined) throw emptyView(this.dataset.name);
    return row;
  }

  /** The last row; ID_NOT_FOUND where there is none. */
  async last(): Promise<Row> {
    const stages = await this.resolvedStages();
    const { samples } = this.context.store;
    const count = await samples.count(this.dataset.id, stages);
    const [row] =
      count === 0 ? [] : await samples.rows(this.dataset.id, stages, { offset: count - 1, limit: 1 });
    if (row === undefined) throw emptyView(this.dataset.name);
    return toRow(row) as Row;
  }

  /** The first `count` rows, default 3. */
  head(count = 3): Promise<Row[]> {
    return this.page(0, count);
  }

  /** `limit` rows from `offset` on. */
  async page(offset: number, limit: number): Promise<Row[]> {
    const stages = await this.resolvedStages();
    const rows = await this.context.store.samples.rows(this.dataset.id, stages, { offset, limit });
    return rows.map((row) => toRow(row) as Row);
  }

  /** Every row in order, read in pages: memory does not grow with the view. Changes made meanwhile do not move rows. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    const snapshot = await this.snapshot(null);
    for (let offset = 0; offset < snapshot.size; offset += ROWS_PER_PAGE) {
      for (const row of await snapshot.rows({ offset, limit: ROWS_PER_PAGE })) yield toRow(row) as Row;
    }
  }

  /** Ids of every row in order, in pages. */
  async *ids(pageSize = IDS_PER_PAGE): AsyncGenerator<RowIdentity[], void, undefined> {
    const snapshot = await this.snapshot(null);
    for (let offset = 0; offset < snapshot.size; offset += pageSize) {
      yield await snapshot.ids({ offset, limit: pageSize });
    }
  }

  /** What is needed to read each row's pixels, in pages; with `patchesField` one row per object of the samples. */
  async *mediaPages(
    options: { patchesField?: string | null; pageSize?: number } = {},
  ): AsyncGenerator<MediaRow[], void, undefined> {
    const { patchesField = null, pageSize = IDS_PER_PAGE } = options;
    const snapshot = await this.snapshot(patchesField);
    for (let offset = 0; offset < snapshot.size; offset += pageSize) {
      yield await snapshot.media({ offset, limit: pageSize });
    }
  }

  /** What Node.js prints: the name and the stages, not the store behind them. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const stages = this.stages.map(({ stage, ...options }) => `  ${stage} ${JSON.stringify(options)}`);
    return [`${this.constructor.name} '${this.dataset.name}'`, ...stages].join("\n");
  }

  /**
   * Writes the samples, as the view shows them, to a folder, file or archive; see docs/formats.md. Nothing is at the
   * target before all is written. What cannot be written is listed in `failed`, or thrown with `skipFailures: false`.
   * INVALID_ARGUMENT, WRITE_FAILED, ABORTED.
   *
   * @example
   * await dataset.match(F("uniqueness").gt(0.5)).export("unique.zip", { format: "tree" });
   */
  export(path: string, options: ExportOptions = {}): Promise<ExportReport> {
    return this.context.io.export(this as unknown as SampleCollection, path, options);
  }

  private async snapshot(patchesField: string | null) {
    return this.context.store.samples.snapshot(this.dataset.id, await this.resolvedStages(), patchesField);
  }

  /**
   * One field of every row in order: null where it is missing, a list where rows have several labels,
   * a Float32Array for vector fields.
   *
   * @example
   * await dataset.values("ground_truth.detections.label"); // [["cat", "dog"], [], ...]
   */
  async values<Value = unknown>(path: string): Promise<Value[]> {
    const stages = await this.resolvedStages();
    if (await this.isVector(path)) return (await this.vectorValues(path)) as Value[];
    return this.context.store.samples.values(this.dataset.id, stages, path, EVERYTHING) as Promise<Value[]>;
  }

  private async isVector(path: string): Promise<boolean> {
    const fields = await this.context.store.datasets.fields(this.dataset.id);
    return fields.some((field) => field.name === path && field.type === "vector");
  }

  private async vectorValues(field: string): Promise<(Float32Array | null)[]> {
    const values: (Float32Array | null)[] = [];
    for await (const page of this.ids()) {
      const asked = page.map((row) => row.id);
      const { ids, vectors } = await this.context.store.vectors.get(this.dataset.id, field, asked);
      const rows = new Map(ids.map((id, i) => [id, vectors.row(i)]));
      values.push(...asked.map((id) => rows.get(id) ?? null));
    }
    return values;
  }

  /** How often each value occurs, most frequent first; lists and labels count one by one. */
  async countValues<Value = unknown>(path: string): Promise<Map<Value, number>> {
    const stages = await this.resolvedStages();
    const counts = await this.context.store.samples.countValues(this.dataset.id, stages, path);
    return new Map(counts as [Value, number][]);
  }

  /** Adds tags to every sample (on a patches view, to the samples the patches are of). */
  tagSamples(tags: string | readonly string[]): Promise<void> {
    return changeSamples(this.context.store, this.dataset.id, this, { addTags: [tags].flat() });
  }

  /** Removes tags from every sample; those a sample does not have are fine. */
  untagSamples(tags: string | readonly string[]): Promise<void> {
    return changeSamples(this.context.store, this.dataset.id, this, { removeTags: [tags].flat() });
  }

  /** Sets a field of every sample to one value; null unsets it. FIELD_TYPE_MISMATCH */
  setField(field: string, value: unknown): Promise<void> {
    return setEach(this.context.store, this.dataset.id, field, sameForAll(this, value));
  }

  /** The different values that occur, sorted, without missing ones. */
  async distinct<Value = unknown>(path: string): Promise<Value[]> {
    const values = [...(await this.countValues(path)).keys()].filter((value) => value !== null);
    return values.sort(compareValues) as Value[];
  }

  /** Smallest and largest number of a field, or nulls where there is none. */
  async bounds(path: string): Promise<[smallest: number | null, largest: number | null]> {
    const values = (await this.distinct(path)).filter((value) => typeof value === "number");
    return [values[0] ?? null, values.at(-1) ?? null];
  }
}

async function* sameForAll(
  samples: SampleCollection<Sample | Patch>,
  value: unknown,
): AsyncGenerator<[string, unknown]> {
  for await (const id of sampleIds(samples)) yield [id, value];
}

/** Numbers by size, texts by their bytes, other values by their JSON. */
function compareValues(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [left, right] =
    typeof a === "string" && typeof b === "string" ? [a, b] : [JSON.stringify(a), JSON.stringify(b)];
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function emptyView(name: string): NearsightError {
  return new NearsightError({
    code: "ID_NOT_FOUND",
    message: `Expected at least one row but the view of data set '${name}' is empty`,
    hint: "Look at its stages with view.toJSON(), or count() it first",
  });
}

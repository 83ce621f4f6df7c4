/** Regions of media -> vectors: looked up by content first, so that equal bytes are embedded once. */

import { createHash } from "node:crypto";
import { pMapIterable } from "p-map";
import type { EmbeddingOptions } from "../../dataset/brain-port.ts";
import { isNearsightError, throwIfAborted } from "../../errors.ts";
import type { BoundingBox, CropOptions } from "../../media/input-spec.ts";
import { type EmbeddedBatch, type EmbedItem, embedAll } from "../../models/embed.ts";
import type { EmbeddingModel } from "../../models/model.ts";
import type { BrainContext, Crop, Medium } from "../context.ts";

/** Pictures decoded at the same time when nothing else is asked. */
const DEFAULT_WORKERS = 4;

/** Media read and looked up at the same time: waiting, not work. */
const READERS = 8;

/** Media whose regions follow each other are read once; a few, for they are large. */
const KEPT_MEDIA = 4;

/** Vectors kept at a time: a write for each batch of the model would cost a build more than it saves. */
const VECTORS_PER_PUT = 64;

/** Vectors just computed, in case their like was looked up before they were kept. */
const RECENT_VECTORS = 1_024;

/** Rises when pictures are prepared differently, so that vectors of before are not found. */
const PREPARATION = 1;

/** A picture, or one box of it, to embed for the row `id`. */
export interface Region {
  readonly id: string;
  readonly filepath: string;
  readonly box: BoundingBox | null;
}

/** What became of a region; `version` is that of the medium it was cut from. */
export type EmbeddedRegion =
  | { readonly id: string; readonly version: string; readonly vector: Float32Array }
  | { readonly id: string; readonly error: Error };

/** A region that was read: `key` is null where the model's vectors cannot be kept. */
interface OpenedRegion {
  readonly region: Region;
  readonly medium: Medium;
  readonly key: string | null;
  readonly vector: Float32Array | null;
}

interface FailedRegion {
  readonly region: Region;
  readonly error: Error;
}

interface ComputedVector {
  readonly key: string;
  readonly vector: Float32Array;
}

/** What is left of a region while its vector is computed. */
interface Ticket {
  readonly id: string;
  readonly version: string;
  readonly key: string | null;
  /** The vector came from the cache. */
  readonly isKept: boolean;
}

/** Embeds regions; the outcomes come in batches, those of equal content together. */
export async function* embedRegions(
  context: BrainContext,
  model: EmbeddingModel,
  regions: AsyncIterable<Region>,
  options: EmbeddingOptions,
): AsyncGenerator<readonly EmbeddedRegion[]> {
  const { signal } = options;
  const equals = new EqualContent();
  const opened = pMapIterable(regions, opener(context, model, options), {
    concurrency: READERS,
    backpressure: 2 * READERS,
  });
  const concurrency = Math.max(1, options.numWorkers ?? DEFAULT_WORKERS);
  const items = pMapIterable(opened, preparer(model, options), {
    concurrency,
    // The backlog keeps whole batches ready while the model runs.
    backpressure: concurrency + 2 * (options.batchSize ?? 8),
  });
  let computed: ComputedVector[] = [];
  let writing: Promise<void> = Promise.resolve();
  try {
    for await (const batch of embedAll(model, equals.first(items), batchOptions(options))) {
      throwIfAborted(signal);
      const [failure] = batch.failed;
      if (failure !== undefined && options.skipFailures === false) throw failure.error;
      const outcomes = equals.outcomes(batch);
      computed.push(...outcomes.computed);
      if (computed.length >= VECTORS_PER_PUT) {
        await writing;
        writing = context.embeddings.put(computed);
        computed = [];
      }
      yield outcomes.regions;
    }
  } finally {
    await writing;
    await context.embeddings.put(computed);
  }
}

/** Reads a region's medium and looks its vector up. */
function opener(context: BrainContext, model: EmbeddingModel, options: EmbeddingOptions) {
  const kept = new Map<string, Promise<Medium>>();
  const modelKey = keyOf(model);

  function open({ filepath, box }: Region): Promise<Medium> {
    const found = kept.get(filepath);
    if (found !== undefined) return found;
    const medium = context.media.open(filepath, options.signal);
    if (box === null) return medium;
    kept.set(filepath, medium);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_MEDIA && oldest !== undefined) kept.delete(oldest);
    return medium;
  }

  return async (region: Region): Promise<OpenedRegion | FailedRegion> => {
    try {
      const medium = await open(region);
      const crop = cropOf(region, options);
      const key = modelKey === null ? null : sha256(JSON.stringify([modelKey, medium.contentHash, crop]));
      const found = key === null ? null : await context.embeddings.get(key);
      const vector = found?.length === model.dimension ? found : null;
      return { region, medium, key, vector };
    } catch (error) {
      return failed(region, error, options);
    }
  };
}

/** Makes the tensor of a region that was not found. */
function preparer(model: EmbeddingModel, options: EmbeddingOptions) {
  return async (opened: OpenedRegion | FailedRegion): Promise<EmbedItem<Ticket>> => {
    const { region } = opened;
    if ("error" in opened) return { id: ticket(region, "", null, false), error: opened.error };
    const { medium, key, vector } = opened;
    if (vector !== null) return { id: ticket(region, medium.version, key, true), vector };
    const id = ticket(region, medium.version, key, false);
    try {
      model.prepare?.();
      return { id, tensor: await medium.tensor(model.input, cropOf(region, options)) };
    } catch (error) {
      return { id, error: failed(region, error, options).error };
    }
  };
}

/** Regions of equal content inside one run: the first is embedded, the others get its vector. */
class EqualContent {
  readonly #waiting = new Map<string, Ticket[]>();
  readonly #recent = new Map<string, Float32Array>();

  /** The items of which no equal one is being embedded. */
  async *first(items: AsyncIterable<EmbedItem<Ticket>>): AsyncGenerator<EmbedItem<Ticket>> {
    for await (const item of items) {
      const { key } = item.id;
      if (key === null || !("tensor" in item)) {
        yield item;
        continue;
      }
      const others = this.#waiting.get(key);
      const vector = this.#recent.get(key);
      if (others !== undefined) others.push(item.id);
      else if (vector !== undefined) yield { id: { ...item.id, isKept: true }, vector };
      else {
        this.#waiting.set(key, []);
        yield item;
      }
    }
  }

  /** Outcomes of a batch and of all that waited for it, and the vectors that are new. */
  outcomes({ ids, vectors, failed }: EmbeddedBatch<Ticket>): {
    regions: EmbeddedRegion[];
    computed: ComputedVector[];
  } {
    const regions: EmbeddedRegion[] = [];
    const computed: ComputedVector[] = [];
    ids.forEach((one, i) => {
      const vector = vectors.row(i).slice();
      for (const { id, version } of this.#all(one)) regions.push({ id, version, vector });
      if (one.key === null || one.isKept) return;
      computed.push({ key: one.key, vector });
      this.#remember(one.key, vector);
    });
    for (const { id: one, error } of failed) {
      for (const { id } of this.#all(one)) regions.push({ id, error });
    }
    return { regions, computed };
  }

  #all(one: Ticket): readonly Ticket[] {
    if (one.key === null || one.isKept) return [one];
    const others = this.#waiting.get(one.key) ?? [];
    this.#waiting.delete(one.key);
    return [one, ...others];
  }

  #remember(key: string, vector: Float32Array): void {
    this.#recent.set(key, vector);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > RECENT_VECTORS && oldest !== undefined) this.#recent.delete(oldest);
  }
}

/** A media failure that costs only its own item; others are thrown. */
function failed(region: Region, error: unknown, { skipFailures }: EmbeddingOptions): FailedRegion {
  if (skipFailures === false || isNearsightError(error, "PACKAGE_MISSING")) throw error;
  return { region, error: error as Error };
}

function ticket({ id }: Region, version: string, key: string | null, isKept: boolean): Ticket {
  return { id, version, key, isKept };
}

/** Null for a model that does not say when its vectors change. */
function keyOf({ fingerprint, input }: EmbeddingModel): string | null {
  return fingerprint === "" ? null : sha256(JSON.stringify([PREPARATION, fingerprint, input]));
}

function cropOf({ box }: Region, { forceSquare, alpha }: CropOptions): Crop | null {
  if (box === null) return null;
  return {
    box,
    ...(forceSquare === undefined ? {} : { forceSquare }),
    ...(alpha === undefined ? {} : { alpha }),
  };
}

function batchOptions(options: EmbeddingOptions): { batchSize?: number; signal?: AbortSignal } {
  return {
    ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Runs a model over a stream of items: batched, read ahead, with an outcome for every item. */

import { isNearsightError, NearsightError, throwIfAborted, wrapError } from "../errors.ts";
import { type Matrix, matrix, vectorProblem } from "../matrix.ts";
import type { InputSpec } from "../media/input-spec.ts";
import type { EmbeddingModel, EmbedOptions } from "./model.ts";

/** One item: its tensor, its vector if that is known, or the reason why there is neither. `Id` is anything the caller tells items apart by. */
export type EmbedItem<Id = string> =
  | { readonly id: Id; readonly tensor: Float32Array }
  | { readonly id: Id; readonly vector: Float32Array }
  | { readonly id: Id; readonly error: Error };

/** What became of a run of items: `vectors` has one row for each of `ids`, in the order they came. */
export interface EmbeddedBatch<Id = string> {
  readonly ids: readonly Id[];
  readonly vectors: Matrix;
  readonly failed: readonly { readonly id: Id; readonly error: Error }[];
}

export interface EmbedAllOptions extends EmbedOptions {
  /** Items per run; at most the model's `maxBatch`. Default 8. */
  readonly batchSize?: number | undefined;
}

/** Larger batches gain little on a CPU and cost memory. */
const DEFAULT_BATCH = 8;

/** Items of a batch at most, as a multiple of those the model has to work on. */
const KNOWN_SHARE = 8;

/** These mean that no item can be embedded. */
const FATAL = ["ABORTED", "CLOSED", "PACKAGE_MISSING"] as const;

/**
 * Embeds a stream of items.
 *
 * While one batch is computed the next is read, and the one before is with the caller. An item whose tensor the
 * model refuses is found by halving its batch and reported in `failed`, as is one with NaN in its vector.
 * Throws what makes every item fail: ABORTED, CLOSED, PACKAGE_MISSING, a model that cannot be loaded (MODEL_INVALID).
 *
 * @example
 * for await (const { ids, vectors, failed } of embedAll(model, tensors)) await save(ids, vectors, failed);
 */
export function embedAll<Id = string>(
  model: EmbeddingModel,
  items: AsyncIterable<EmbedItem<Id>>,
  options: EmbedAllOptions = {},
): AsyncIterable<EmbeddedBatch<Id>> {
  const wanted = options.batchSize ?? DEFAULT_BATCH;
  if (!Number.isInteger(wanted) || wanted < 1) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected batchSize to be a whole number of at least 1 but found ${wanted}`,
      hint: "Leave it out for 8",
    });
  }
  const batches = ahead(inBatches(items, Math.min(wanted, model.maxBatch), options.signal));
  return ahead(embedBatches(model, batches, options));
}

async function* embedBatches<Id>(
  model: EmbeddingModel,
  batches: AsyncIterable<readonly EmbedItem<Id>[]>,
  options: EmbedOptions,
): AsyncIterable<EmbeddedBatch<Id>> {
  const shape = itemShape(model.input);
  for await (const batch of batches) {
    throwIfAborted(options.signal);
    const outcomes = await embedBatch(model, batch, shape, options);
    const good = outcomes.filter((outcome) => "vector" in outcome);
    const data = new Float32Array(good.length * model.dimension);
    good.forEach(({ vector }, i) => {
      data.set(vector, i * model.dimension);
    });
    yield {
      ids: good.map(({ id }) => id),
      vectors: matrix(data, model.dimension),
      failed: outcomes.filter((outcome) => "error" in outcome),
    };
  }
}

type Outcome<Id> =
  | { readonly id: Id; readonly vector: Float32Array }
  | { readonly id: Id; readonly error: Error };

async function embedBatch<Id>(
  model: EmbeddingModel,
  batch: readonly EmbedItem<Id>[],
  shape: readonly number[],
  options: EmbedOptions,
): Promise<Outcome<Id>[]> {
  const length = shape.reduce((product, size) => product * size, 1);
  const checked = batch.map((item) => ("tensor" in item ? checkLength(item, length) : item));
  const tensors = checked.filter((item) => "tensor" in item);
  const vectors = await embedHalving(model, tensors, shape, options);
  let next = 0;
  return checked.map((item) => {
    if (!("tensor" in item)) return item;
    const result = vectors[next++] as Float32Array | Error;
    if (result instanceof Float32Array) return { id: item.id, vector: result };
    return { id: item.id, error: result };
  });
}

/** A vector or an error for each tensor; where a batch throws, its halves are tried, down to single items. */
async function embedHalving(
  model: EmbeddingModel,
  items: readonly { readonly tensor: Float32Array }[],
  shape: readonly number[],
  options: EmbedOptions,
): Promise<(Float32Array | Error)[]> {
  if (items.length === 0) return [];
  try {
    const batch = { data: stack(items), shape: [items.length, ...shape] };
    const vectors = await model.embed(batch, { signal: options.signal, handOver: true });
    assertAnswers(model, vectors, items.length);
    return items.map((_, i) => usableRow(vectors, i));
  } catch (error) {
    if (isFatal(error)) throw error;
    if (items.length === 1)
      return [wrapError(error, { code: "MODEL_INVALID", message: `The model failed: ${error}` })];
  }
  const middle = Math.ceil(items.length / 2);
  const first = await embedHalving(model, items.slice(0, middle), shape, options);
  return [...first, ...(await embedHalving(model, items.slice(middle), shape, options))];
}

function assertAnswers(model: EmbeddingModel, vectors: Matrix, items: number): void {
  if (vectors.rows === items && vectors.dimension === model.dimension) return;
  throw new NearsightError({
    code: "MODEL_INVALID",
    message: `Expected ${items} vectors of ${model.dimension} numbers from ${model.name} but found ${vectors.rows} of ${vectors.dimension}`,
    hint: "Export the model with a free batch size, and one vector an item",
  });
}

function usableRow(vectors: Matrix, row: number): Float32Array | Error {
  const vector = vectors.row(row);
  const problem = vectorProblem(vector, false);
  if (problem === null) return vector;
  return new NearsightError({
    code: "VECTOR_INVALID",
    message: `Expected finite numbers from the model but the vector ${problem}`,
    hint: "Try dtype fp32, or leave this item out",
  });
}

function checkLength<Id>(
  item: { readonly id: Id; readonly tensor: Float32Array },
  length: number,
): EmbedItem<Id> {
  if (item.tensor.length === length) return item;
  const error = new NearsightError({
    code: "DIMENSION_MISMATCH",
    message: `Expected a tensor of ${length} numbers but found ${item.tensor.length}`,
    hint: "Prepare every item with the model's own input spec",
  });
  return { id: item.id, error };
}

function isFatal(error: unknown): boolean {
  if (FATAL.some((code) => isNearsightError(error, code))) return true;
  return isNearsightError(error, "MODEL_INVALID") && error.details.stage === "load";
}

function stack(items: readonly { readonly tensor: Float32Array }[]): Float32Array {
  const length = items[0]?.tensor.length ?? 0;
  const data = new Float32Array(items.length * length);
  items.forEach(({ tensor }, i) => {
    data.set(tensor, i * length);
  });
  return data;
}

function itemShape(input: InputSpec): readonly number[] {
  return [3, input.height, input.width];
}

/** Batches of `size` tensors; items that need no work come along, up to a bound. */
async function* inBatches<Id>(
  items: AsyncIterable<EmbedItem<Id>>,
  size: number,
  signal: AbortSignal | undefined,
): AsyncIterable<readonly EmbedItem<Id>[]> {
  let batch: EmbedItem<Id>[] = [];
  let tensors = 0;
  for await (const item of items) {
    throwIfAborted(signal);
    batch.push(item);
    if ("tensor" in item) tensors++;
    if (tensors < size && batch.length < size * KNOWN_SHARE) continue;
    yield batch;
    batch = [];
    tensors = 0;
  }
  if (batch.length > 0) yield batch;
}

/** Asks for the next value before the current one is done with. */
async function* ahead<Value>(source: AsyncIterable<Value>): AsyncIterable<Value> {
  const iterator = source[Symbol.asyncIterator]();
  const ask = () => {
    const next = iterator.next();
    // Its failure is thrown when it is this value's turn, not before.
    next.catch(() => undefined);
    return next;
  };
  let next = ask();
  try {
    while (true) {
      const { done, value } = await next;
      if (done) return;
      next = ask();
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}

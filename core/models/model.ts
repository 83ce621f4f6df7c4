/** The interface of embedding models. */

import type { Matrix } from "../matrix.ts";
import type { InputSpec, Tensor } from "../media/input-spec.ts";

export interface EmbedOptions {
  readonly signal?: AbortSignal | undefined;
  /** The caller gives `batch.data` away: a model may move it to another thread, which empties it. Default false. */
  readonly handOver?: boolean | undefined;
}

/** Turns prepared media, and prompts where it can, into vectors of one space. */
export interface EmbeddingModel {
  readonly name: string;
  /** Numbers per vector. */
  readonly dimension: number;
  /** SHA-256 over weights and preprocessing, in hexadecimal: equal fingerprints give equal vectors. */
  readonly fingerprint: string;
  readonly input: InputSpec;
  /** Items per call at most. */
  readonly maxBatch: number;
  /** Begins to load what `embed` needs, where that takes a while. Called before each medium is decoded; never throws. */
  prepare?(): void;
  /** One vector per item; `batch.shape` is [items, ...input]. */
  embed(batch: Tensor, options?: EmbedOptions): Promise<Matrix>;
  /** One vector per text in the space of the media vectors; present only where prompts are supported. */
  embedPrompts?(prompts: readonly string[], options?: EmbedOptions): Promise<Matrix>;
  /** Frees native memory; the model cannot be used after it. */
  close?(): Promise<void>;
}

/** True where the model takes text. */
export function supportsPrompts(
  model: EmbeddingModel,
): model is EmbeddingModel & Required<Pick<EmbeddingModel, "embedPrompts">> {
  return typeof model.embedPrompts === "function";
}

/** What the brain works with; put together by `core/nearsight.ts`. */

import type { Backend } from "../backends/backend.ts";
import type { BoundingBox, CropOptions, InputSpec } from "../media/input-spec.ts";
import type { EmbeddingModel } from "../models/model.ts";
import type { ImageQuery } from "../stages.ts";
import type { MetadataStore } from "../store/store.ts";

/** Reads one picture, or one box of it, in the form a model wants. */
export type ReadTensor = (
  source: ImageQuery,
  spec: InputSpec,
  crop: ({ readonly box: BoundingBox } & CropOptions) | null,
  signal: AbortSignal | undefined,
) => Promise<Float32Array>;

export interface BrainContext {
  readonly store: MetadataStore;
  /** Version of nearsight, kept with each run. */
  readonly version: string;
  /** Names this process in leases. */
  readonly owner: string;
  readonly defaultBackend: string;
  /** The resolved name (`sklearn` is `local`); BACKEND_NOT_SUPPORTED. */
  backendName(name: string): string;
  /** Options of a backend from environment and file. */
  backendDefaults(name: string): Readonly<Record<string, unknown>>;
  /** The connected backend; equal names and options share one. */
  backend(name: string, options: Readonly<Record<string, unknown>>): Promise<Backend>;
  /** Options of a backend that say where it is or who asks, as opposed to what to make. */
  isConnectionOption(backend: string, option: string): boolean;
  knownOptions(backend: string): readonly string[];
  /** A loaded model by zoo name or directory, or the given one. */
  model(
    reference: string | EmbeddingModel,
    modelArguments: Readonly<Record<string, unknown>>,
  ): Promise<EmbeddingModel>;
  readonly defaultModel: string;
  readonly readTensor: ReadTensor;
  /** Connection options given when a run was made or loaded in this process, by run id; never stored. */
  readonly connections: Map<string, Readonly<Record<string, unknown>>>;
  warn(message: string): void;
}

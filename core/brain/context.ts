/** What the brain works with; put together by `core/nearsight.ts`. */

import type { Backend } from "../backends/backend.ts";
import type { BoundingBox, CropOptions, InputSpec } from "../media/input-spec.ts";
import type { EmbeddingModel } from "../models/model.ts";
import type { ImageQuery } from "../stages.ts";
import type { MetadataStore } from "../store/store.ts";
import type { HeldLeases } from "./lease.ts";

/** One box of a picture, and how it is cut out. */
export type Crop = { readonly box: BoundingBox } & CropOptions;

/** A medium whose bytes were read once. */
export interface Medium {
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly contentHash: string;
  /** Tells this version of the medium from others; kept with the entries made from it. */
  readonly version: string;
  /** The picture, or one box of it, in the form a model wants. */
  tensor(spec: InputSpec, crop: Crop | null): Promise<Float32Array>;
}

/** Where media are read. */
export interface MediaReader {
  open(source: ImageQuery, signal: AbortSignal | undefined): Promise<Medium>;
  /** The version of a medium now; cheap where it is `known`. */
  version(uri: string, known: string | null, signal: AbortSignal | undefined): Promise<string>;
}

/** Vectors kept by what they were computed from; it never throws, and losing it costs only time. */
export interface EmbeddingCache {
  /** `key` has 64 hexadecimal digits. */
  get(key: string): Promise<Float32Array | null>;
  put(vectors: readonly { readonly key: string; readonly vector: Float32Array }[]): Promise<void>;
}

/** What tells files of the same bytes. */
export interface MediaHashes {
  /** Bytes of a medium. */
  size(uri: string, signal: AbortSignal | undefined): Promise<number>;
  /** In hexadecimal. */
  sha256(uri: string, signal: AbortSignal | undefined): Promise<string>;
}

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
  readonly defaultVisualizationMethod: string;
  /** Options of a visualization method from environment and file. */
  visualizationOptions(method: string): Readonly<Record<string, unknown>>;
  readonly media: MediaReader;
  readonly embeddings: EmbeddingCache;
  readonly mediaHashes: MediaHashes;
  /** Connection options given when a run was made or loaded in this process, by run id; never stored. */
  readonly connections: Map<string, Readonly<Record<string, unknown>>>;
  readonly leases: HeldLeases;
  warn(message: string): void;
}

/** Builds of indexes that go on in this process after their request was answered. */

import {
  type BrainRunInfo,
  type ComputeSimilarityOptions,
  type CopyRunOptions,
  type Dataset,
  type EmbeddingOptions,
  isNearsightError,
  NearsightError,
  type ProgressEvent,
  type SampleCollection,
} from "../core/index.ts";

type WorkOptions = Required<Pick<ComputeSimilarityOptions, "signal" | "progress">>;

/** Work on a run: it reports its progress once the run is recorded, and ends when its signal fires. */
type Work = (options: WorkOptions) => Promise<unknown>;

interface Build {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Starts, resumes and stops builds, wherever they are done. */
export type BuildService = Pick<
  Builds,
  "running" | "start" | "resume" | "copy" | "info" | "cancel" | "close"
>;

export class Builds {
  readonly #running = new Map<string, Build>();
  /** Why the last build of a run failed, by run; its record keeps the reason only. */
  readonly #problems = new Map<string, NearsightError>();
  readonly #most: number;

  /** `most` builds go on at once. Default 8. */
  constructor(most = 8) {
    this.#most = most;
  }

  /** How many go on. */
  get running(): number {
    return this.#running.size;
  }

  /** Builds an index of these rows; the run as it is recorded. Errors from before that are thrown. */
  start(
    samples: SampleCollection,
    options: ComputeSimilarityOptions & { brainKey: string },
  ): Promise<BrainRunInfo> {
    const { dataset } = samples;
    return this.#run(dataset, options.brainKey, (more) => samples.computeSimilarity({ ...options, ...more }));
  }

  /** Goes on with a build that was stopped, and tries again what failed. RUN_NOT_FOUND, RUN_BUSY. */
  async resume(
    samples: SampleCollection,
    brainKey: string,
    options: EmbeddingOptions = {},
  ): Promise<BrainRunInfo> {
    const index = await samples.loadBrainResults(brainKey);
    return this.#run(samples.dataset, brainKey, (more) => index.addMissing({ ...options, ...more }));
  }

  /** Copies a run to another backend, collection or metric; the copy as it is recorded. */
  copy(
    dataset: Dataset,
    brainKey: string,
    options: CopyRunOptions & { brainKey: string },
  ): Promise<BrainRunInfo> {
    return this.#run(dataset, options.brainKey, (more) => dataset.copyRun(brainKey, { ...options, ...more }));
  }

  /** A run, and why its last build failed where that was in this process. RUN_NOT_FOUND */
  async info(
    dataset: Dataset,
    brainKey: string,
  ): Promise<{ info: BrainRunInfo; problem: NearsightError | undefined }> {
    const key = keyOf(dataset, brainKey);
    const info = await dataset.getBrainInfo(brainKey);
    // The record says that a build has ended a moment before the build itself has.
    if (info.state !== "building" && info.state !== "planned") await this.#running.get(key)?.ended;
    return { info, problem: this.#problems.get(key) };
  }

  /** Stops a build of this process; false where there is none. What it has written is kept. */
  async cancel(dataset: Dataset, brainKey: string): Promise<boolean> {
    const build = this.#running.get(keyOf(dataset, brainKey));
    if (build === undefined) return false;
    build.stop.abort();
    await build.ended;
    return true;
  }

  /** Stops all builds; they go on where they were when they are resumed. */
  async close(): Promise<void> {
    for (const { stop } of this.#running.values()) stop.abort();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  async #run(dataset: Dataset, brainKey: string, work: Work): Promise<BrainRunInfo> {
    if (this.#running.size >= this.#most) throw tooManyBuilds(this.#most);
    const stop = new AbortController();
    const recorded = Promise.withResolvers<void>();
    const progress = (_event: ProgressEvent) => recorded.resolve();
    const result = work({ signal: stop.signal, progress });
    const key = keyOf(dataset, brainKey);
    // Another build of the key, which this one is refused for, stays the one that can be cancelled.
    if (!this.#running.has(key)) this.#register(key, stop, result);
    await Promise.race([recorded.promise, result]);
    return dataset.getBrainInfo(brainKey);
  }

  #register(key: string, stop: AbortController, result: Promise<unknown>): void {
    this.#problems.delete(key);
    const ended = result.then(
      () => undefined,
      (error: unknown) => {
        if (isNearsightError(error)) this.#problems.set(key, error);
      },
    );
    this.#running.set(key, { stop, ended });
    void ended.then(() => this.#running.delete(key));
  }
}

function tooManyBuilds(limit: number): NearsightError {
  return new NearsightError({
    code: "OVERLOADED",
    message: `The service builds ${limit} indexes, as many as it does at once`,
    hint: "Try again when one of them is ready",
    details: { limit },
  });
}

function keyOf(dataset: Dataset, brainKey: string): string {
  return JSON.stringify([dataset.id, brainKey]);
}

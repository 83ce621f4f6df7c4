/** Exact duplicates: samples whose files have the same bytes. */

import { pMapIterable } from "p-map";
import type { FailedEntry } from "../../dataset/brain-port.ts";
import type { ExactDuplicates, ExactDuplicatesOptions } from "../../dataset/duplicates-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { throwIfAborted } from "../../errors.ts";
import type { BrainContext } from "../context.ts";
import { assertSamples } from "./compared-index.ts";

const DEFAULT_WORKERS = 4;

interface File {
  readonly id: string;
  readonly filepath: string;
  /** Position in the view. */
  readonly position: number;
}

/** A file with what was found out about it, or why nothing was. */
type Outcome<Found> = { readonly file: File } & ({ readonly found: Found } | { readonly reason: string });

/** See `computeExactDuplicates` in `core/default-instance.ts`. */
export async function computeExactDuplicates(
  { mediaHashes }: BrainContext,
  samples: SampleCollection,
  options: ExactDuplicatesOptions,
): Promise<ExactDuplicates> {
  const { signal } = options;
  assertSamples(samples);
  throwIfAborted(signal);
  const failed: FailedEntry[] = [];
  const total = await samples.count();
  let done = 0;
  const seen = () => options.progress?.({ phase: "hashing", done: ++done, total, failed: failed.length });
  const sized = attempt(files(samples), (file) => mediaHashes.size(file.filepath, signal), options);
  const candidates = sameSize(sized, failed, seen);
  const hashed = attempt(candidates, (file) => mediaHashes.sha256(file.filepath, signal), options);
  const groups = new Map<string, File[]>();
  for await (const outcome of hashed) {
    if ("reason" in outcome) failed.push(failure(outcome));
    else groups.set(outcome.found, [...(groups.get(outcome.found) ?? []), outcome.file]);
  }
  throwIfAborted(signal);
  return { duplicates: byFirst([...groups.values()]), failed };
}

async function* files(samples: SampleCollection): AsyncGenerator<File> {
  let position = 0;
  for await (const page of samples.mediaPages()) {
    for (const { id, filepath } of page) yield { id, filepath, position: position++ };
  }
}

/** Does `work` for several files at a time and gives the outcomes in order. */
function attempt<Found>(
  files: AsyncIterable<File>,
  work: (file: File) => Promise<Found>,
  { numWorkers = DEFAULT_WORKERS, skipFailures = true, signal }: ExactDuplicatesOptions,
): AsyncIterable<Outcome<Found>> {
  const concurrency = Math.max(1, numWorkers);
  return pMapIterable(
    files,
    async (file): Promise<Outcome<Found>> => {
      throwIfAborted(signal);
      try {
        return { file, found: await work(file) };
      } catch (error) {
        throwIfAborted(signal);
        if (!skipFailures) throw error;
        return { file, reason: error instanceof Error ? error.message : String(error) };
      }
    },
    { concurrency, backpressure: 4 * concurrency },
  );
}

/** Files that share their size with another: only those have to be read. The first waits for the second. */
async function* sameSize(
  sized: AsyncIterable<Outcome<number>>,
  failed: FailedEntry[],
  seen: () => void,
): AsyncGenerator<File> {
  const waiting = new Map<number, File | null>();
  for await (const outcome of sized) {
    if ("reason" in outcome) failed.push(failure(outcome));
    seen();
    if ("reason" in outcome) continue;
    const first = waiting.get(outcome.found);
    waiting.set(outcome.found, first === undefined ? outcome.file : null);
    if (first != null) yield first;
    if (first !== undefined) yield outcome.file;
  }
}

/** Groups of two files and more, in the order of their first ones. */
function byFirst(groups: readonly File[][]): Map<string, string[]> {
  const duplicates = groups
    .filter((group) => group.length > 1)
    .sort((a, b) => (a[0]?.position ?? 0) - (b[0]?.position ?? 0));
  return new Map(duplicates.map(([first, ...rest]) => [first?.id ?? "", rest.map((file) => file.id)]));
}

function failure({ file, reason }: { readonly file: File; readonly reason: string }): FailedEntry {
  return { id: file.id, sampleId: file.id, reason };
}

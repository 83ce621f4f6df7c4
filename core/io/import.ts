/** Adds what a format reads to a data set: in chunks, with a report of what could not be read or added. */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Dataset } from "../dataset/dataset.ts";
import type { ImportOptions, ImportReport, IoFailure } from "../dataset/io-port.ts";
import type { SampleInput } from "../dataset/sample-input.ts";
import { type ErrorCode, isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import type { MediaSource } from "../media/media-source.ts";
import { assertBucketOptions, bucketFormat } from "./bucket.ts";
import type { Extras, Format, ReadItem } from "./format.ts";
import { detectFormat, FORMATS, formatNamed } from "./formats.ts";
import { isZip, unpackedFolders, unzip } from "./unzip.ts";

/** Samples added in one transaction. */
const SAMPLES_PER_WRITE = 1_000;

/** What is the fault of one sample: the others of its chunk are added. */
const SAMPLE_FAULTS: readonly ErrorCode[] = [
  ...(["INVALID_ARGUMENT", "VECTOR_INVALID", "DIMENSION_MISMATCH"] as const),
  ...(["FIELD_TYPE_MISMATCH", "ID_EXISTS", "LIMIT_EXCEEDED"] as const),
];

const NO_EXTRAS: Extras = { savedViews: [], brainRuns: [], failed: [] };

interface ReadSample {
  readonly sample: SampleInput;
  readonly place?: string;
}

/** See `IoPort.checkImport`. */
export async function checkImport(
  path: string,
  options: ImportOptions,
  sources: readonly MediaSource[],
): Promise<void> {
  throwIfAborted(options.signal);
  const isElsewhere = sources.some((source) => source.matches(path));
  if (isElsewhere) assertBucketOptions(options);
  else if (options.format !== undefined) formatNamed(options.format);
  const { maxSamples = 0 } = options;
  if (!Number.isInteger(maxSamples) || maxSamples < 0) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected a whole number from 0 for 'maxSamples' but found ${maxSamples}`,
      hint: "Leave it out to read all samples",
    });
  }
  if (isElsewhere || (await stat(path).catch(() => null)) !== null) return;
  throw new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `No file or folder at '${path}'`,
    hint: "Check the path; relative ones start at the current folder",
    details: { path },
  });
}

/** See `Dataset.addDir`. */
export async function addDir(
  dataset: Dataset,
  path: string,
  options: ImportOptions,
  sources: readonly MediaSource[],
): Promise<ImportReport> {
  await checkImport(path, options, sources);
  const bucket = bucketFormat(dataset, sources);
  const source = (await bucket.detect(path))
    ? { path, format: bucket }
    : await openSource(resolve(path), options);
  const tally = new Tally(options);
  try {
    for await (const chunk of readChunks(source, options, tally)) {
      await addChunk(dataset, chunk, tally);
      tally.report();
    }
    const extras = (await source.format.finish?.(source.path, dataset, options)) ?? NO_EXTRAS;
    const { savedViews, brainRuns, updated = 0 } = extras;
    for (const failure of extras.failed) tally.fail(failure);
    const { added, failed } = tally;
    return { format: source.format.name, added, updated, failed, savedViews, brainRuns };
  } catch (error) {
    throw unreadable(error, path);
  }
}

/** What was added and what failed so far. */
class Tally {
  added = 0;
  readonly failed: IoFailure[] = [];
  readonly #options: ImportOptions;

  constructor(options: ImportOptions) {
    this.#options = options;
  }

  /** Notes a failure, or throws it: the error itself where there is one. */
  fail(failure: IoFailure, error?: unknown): void {
    if (this.#options.skipFailures ?? true) {
      this.failed.push(failure);
      return;
    }
    if (error !== undefined) throw error;
    throw new NearsightError({
      code: "MEDIA_INVALID",
      message: `'${failure.path}' cannot be imported: ${failure.reason}`,
      hint: "Correct it, or pass skipFailures: true to go on without it",
      details: { ...failure },
    });
  }

  /** How many samples a format has is not known before its end: the total is what was seen. */
  report(): void {
    const { added: done, failed } = this;
    this.#options.progress?.({
      phase: "importing",
      done,
      total: done + failed.length,
      failed: failed.length,
    });
  }
}

/** The folder or file to read, and its format; archives are unpacked. */
async function openSource(path: string, options: ImportOptions): Promise<{ path: string; format: Format }> {
  const named = options.format === undefined ? null : formatNamed(options.format);
  const candidates = (await isZip(path)) ? await unpackedFolders(await unzip(path, options)) : [path];
  for (const candidate of candidates) {
    if (named !== null && (await named.detect(candidate))) return { path: candidate, format: named };
    const format = named === null ? await detectFormat(candidate) : null;
    if (format !== null) return { path: candidate, format };
  }
  if (named !== null) return { path: candidates[0] ?? path, format: named };
  throw new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected pictures or a data set at '${path}' but found nothing that a format knows`,
    hint: `Check the path, or name the format: ${FORMATS.map((format) => format.name).join(", ")}`,
    details: { path },
  });
}

async function* readChunks(
  { path, format }: { path: string; format: Format },
  options: ImportOptions,
  tally: Tally,
): AsyncGenerator<ReadSample[], void, undefined> {
  const { maxSamples = Number.POSITIVE_INFINITY, signal } = options;
  let chunk: ReadSample[] = [];
  let read = 0;
  if (maxSamples === 0) return;
  for await (const item of format.read(path, options)) {
    throwIfAborted(signal);
    if ("failed" in item) tally.fail(item.failed);
    else chunk.push(withTags(item, options.tags));
    if (!("failed" in item) && ++read >= maxSamples) break;
    if (chunk.length < SAMPLES_PER_WRITE) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function withTags(item: Exclude<ReadItem, { failed: IoFailure }>, tags: ImportOptions["tags"]): ReadSample {
  if (tags === undefined) return item;
  const { sample } = item;
  return { ...item, sample: { ...sample, tags: [...new Set([...(sample.tags ?? []), ...[tags].flat()])] } };
}

/** Adds samples together; where that fails by the fault of one, by halves down to that one. */
async function addChunk(dataset: Dataset, chunk: readonly ReadSample[], tally: Tally): Promise<void> {
  const [first] = chunk;
  if (first === undefined) return;
  try {
    await dataset.addSamples(chunk.map(({ sample }) => sample));
    tally.added += chunk.length;
  } catch (error) {
    if (!isNearsightError(error) || !SAMPLE_FAULTS.includes(error.code)) throw error;
    if (chunk.length === 1) {
      tally.fail({ path: first.place ?? first.sample.filepath, reason: error.message }, error);
      return;
    }
    const middle = chunk.length >> 1;
    await addChunk(dataset, chunk.slice(0, middle), tally);
    await addChunk(dataset, chunk.slice(middle), tally);
  }
}

/** Failures of the file system become MEDIA_INVALID; our own errors, and defects, stay as they are. */
function unreadable(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (isNearsightError(error) || code === undefined || syscall === undefined) return error;
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `'${path}' could not be read: ${code}`,
    hint: "Check the files and their permissions",
    details: { path, reason: code },
    cause: error,
  });
}

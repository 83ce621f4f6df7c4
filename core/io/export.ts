/** Writes a data set or view in a format: beside the target first, then moved into its place. */

import { readdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, relative, resolve, sep } from "node:path";
import type { ExportOptions, ExportReport, IoFailure } from "../dataset/io-port.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { NearsightError, throwIfAborted } from "../errors.ts";
import type { Format, WriteItem } from "./format.ts";
import { FORMATS, formatForPath, formatNamed } from "./formats.ts";
import { openStaging, writeFailed } from "./staging.ts";
import { zipFolder } from "./zip.ts";

/** A name before the ending, not the ending alone. */
const ARCHIVE_ENDING = /(?<=[^/\\])\.zip$/i;

/** Samples between two reports of progress. */
const REPORT_EVERY = 100;

type Write = NonNullable<Format["write"]>;

/** See `SampleCollection.export`. */
export async function exportSamples(
  samples: SampleCollection,
  path: string,
  options: ExportOptions,
): Promise<ExportReport> {
  throwIfAborted(options.signal);
  const { overwrite = false } = options;
  const target = resolve(path);
  const inner = target.replace(ARCHIVE_ENDING, "");
  const archive = inner !== target;
  const format = options.format === undefined ? formatForPath(inner) : formatNamed(options.format);
  const write = writerOf(format, samples);
  await assertFree(target, samples, overwrite);
  const staging = await openStaging(target);
  const content = archive ? await openStaging(inner) : staging;
  try {
    const given = archive && !isFileOf(format, inner) ? withLinks(options) : options;
    const report = await writeAll(samples, (all) => write(all, content.path, given), options);
    if (archive) await zipFolder(dirname(content.path), staging.path, options.signal);
    throwIfAborted(options.signal);
    await staging.publish({ overwrite });
    return { format: format.name, ...report };
  } catch (error) {
    throw writeFailed(error, target);
  } finally {
    await content.remove();
    await staging.remove();
  }
}

async function writeAll(
  samples: SampleCollection,
  write: (samples: SampleCollection) => AsyncIterable<WriteItem>,
  { skipFailures = true, progress, signal }: ExportOptions,
): Promise<Omit<ExportReport, "format">> {
  const total = progress === undefined ? 0 : await samples.count();
  const failed: IoFailure[] = [];
  let exported = 0;
  const report = () => progress?.({ phase: "exporting", done: exported, total, failed: failed.length });
  for await (const item of write(samples)) {
    throwIfAborted(signal);
    if (!("failed" in item)) exported++;
    else if (skipFailures) failed.push(item.failed);
    else throw failure(item.failed);
    if ((exported + failed.length) % REPORT_EVERY === 0) report();
  }
  report();
  return { exported, failed };
}

function failure(failed: IoFailure): NearsightError {
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `'${failed.path}' cannot be exported: ${failed.reason}`,
    hint: "Correct it, or pass skipFailures: true to go on without it",
    details: { ...failed },
  });
}

function writerOf(format: Format, samples: SampleCollection): Write {
  const { write } = format;
  if (write === undefined) {
    const names = FORMATS.filter((one) => one.write !== undefined).map((one) => one.name);
    throw invalid(
      `a format that is written but '${format.name}' is only read`,
      `Use one of: ${names.join(", ")}`,
    );
  }
  if (samples.patchesField !== null && format.patches !== true) {
    throw invalid(
      `whole samples for the format '${format.name}' but found the patches of '${samples.patchesField}'`,
      "Export the view before toPatches(), or in the format 'tree', which cuts the patches out",
    );
  }
  return write.bind(format);
}

function isFileOf(format: Format, path: string): boolean {
  return format.endings.some((ending) => path.toLowerCase().endsWith(ending));
}

/** In an archive there are contents, not links: what is linked here is copied once, while packing. */
function withLinks(options: ExportOptions): ExportOptions {
  const linked = options.exportMedia !== false && process.platform !== "win32";
  return linked ? { ...options, exportMedia: "symlink" } : options;
}

/** Throws INVALID_ARGUMENT where something is at the target that is not to be replaced. */
async function assertFree(target: string, samples: SampleCollection, overwrite: boolean): Promise<void> {
  const found = await stat(target).catch(() => null);
  if (found === null) return;
  const isFolder = found.isDirectory();
  if (isFolder && (await readdir(target)).length === 0) return;
  if (!overwrite) {
    throw invalid(
      `a free place but '${target}' is there already`,
      "Choose another path, or pass overwrite: true",
    );
  }
  if (isFolder) await assertReplaceable(target, samples);
}

/** Replacing a folder deletes what is in it: never a home folder, and never the media of the samples. */
async function assertReplaceable(folder: string, samples: SampleCollection): Promise<void> {
  for (const [name, path] of [
    ["your home folder", homedir()],
    ["the current folder", process.cwd()],
  ] as const) {
    if (isInside(path, folder)) throw notReplaceable(folder, name);
  }
  for await (const page of samples.dataset.mediaPages()) {
    const inside = page.find(({ filepath }) => isInside(filepath, folder));
    if (inside !== undefined) throw notReplaceable(folder, `a medium of the data set, '${inside.filepath}'`);
  }
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return (
    way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && resolve(folder, way) === resolve(path))
  );
}

function notReplaceable(folder: string, what: string): NearsightError {
  return invalid(
    `a folder of an export to replace but '${folder}' holds ${what}`,
    "Choose another folder: replacing deletes what is in it",
  );
}

function invalid(expected: string, hint: string): NearsightError {
  return new NearsightError({ code: "INVALID_ARGUMENT", message: `Expected ${expected}`, hint });
}

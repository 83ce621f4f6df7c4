/** Finds entries whose medium is another than the one they were made from, and plans them anew. */

import pMap from "p-map";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { throwIfAborted } from "../../errors.ts";
import type { MediaRow } from "../../store/store.ts";
import type { EntryRecord } from "../../store/store-runs.ts";
import type { OpenIndex } from "../open-index.ts";

/** Media looked at at the same time: mostly waiting. */
const READERS = 8;

/** The entries that were made from one version of a medium. */
interface Source {
  readonly filepath: string;
  readonly version: string;
  readonly entries: EntryRecord[];
}

/**
 * Makes indexed entries of these rows pending again where their file has other content by now. Files are only
 * read where size or time differ; those that are gone, and entries of given vectors, are left alone.
 */
export async function planChanged(
  index: OpenIndex,
  samples: SampleCollection,
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { context, run } = index;
  const { entries } = context.store;
  for await (const page of samples.mediaPages({ patchesField: run.config.patchesField })) {
    throwIfAborted(signal);
    const changed: EntryRecord[] = [];
    const marks = new Map<string, string>();
    const sources = await sourcesOf(index, page);
    const look = async ({ filepath, version, entries: made }: Source) => {
      const now = await context.media.version(filepath, version, signal).catch(() => version);
      if (contentOf(now) !== contentOf(version)) changed.push(...made);
      else if (now !== version) for (const { entryId } of made) marks.set(entryId, now);
    };
    await pMap(sources, look, { concurrency: READERS });
    throwIfAborted(signal);
    if (marks.size > 0) await entries.recordSources(run.id, marks, epoch);
    if (changed.length > 0) await entries.plan(run.id, changed, { overwrite: true, epoch });
  }
}

async function sourcesOf({ context, run }: OpenIndex, page: readonly MediaRow[]): Promise<Source[]> {
  const entryIds = page.map((row) => row.id);
  const paths = new Map(page.map((row) => [row.id, row.filepath]));
  const sources = new Map<string, Source>();
  for (const entry of await context.store.entries.list(run.id, { entryIds, states: ["indexed"] })) {
    const filepath = paths.get(entry.entryId);
    if (filepath === undefined || entry.sourceVersion === null) continue;
    const key = `${entry.sourceVersion} ${filepath}`;
    const source = sources.get(key) ?? { filepath, version: entry.sourceVersion, entries: [] };
    source.entries.push(entry);
    sources.set(key, source);
  }
  return [...sources.values()];
}

/** A version ends in the hash of the content. */
export function contentOf(version: string): string {
  return version.slice(version.lastIndexOf(" ") + 1);
}

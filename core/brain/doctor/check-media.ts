/** Looks whether the media of a run's entries are there and as they were when they were embedded. */

import pMap from "p-map";
import { isNearsightError, throwIfAborted } from "../../errors.ts";
import type { EntryRecord } from "../../store/store-runs.ts";
import { contentOf } from "../build/changed-sources.ts";
import { entryPages } from "../entries.ts";
import type { OpenIndex } from "../open-index.ts";
import { type DoctorOptions, type Outcome, ok, warning } from "./report.ts";

/** Files looked at at the same time. */
const CONCURRENCY = 8;

type Finding = "unchanged" | "changed" | "missing" | "unreadable";

export async function checkMedia(index: OpenIndex, options: DoctorOptions): Promise<Outcome> {
  const counts: Record<Finding, number> = { unchanged: 0, changed: 0, missing: 0, unreadable: 0 };
  const seen = new Set<string>();
  const { indexed: total } = await index.context.store.entries.counts(index.run.id);
  let done = 0;
  for await (const page of entryPages(index.context.store, index.run.id, ["indexed"])) {
    throwIfAborted(options.signal);
    // All patches of a sample are in one file.
    const fresh = page.filter(({ sampleId }) => !seen.has(sampleId) && seen.add(sampleId));
    for (const finding of await findings(index, fresh, options.signal)) counts[finding]++;
    done += page.length;
    options.progress?.({ phase: "looking at media", done, total, failed: seen.size - counts.unchanged });
  }
  const { unchanged, changed, missing, unreadable } = counts;
  if (unchanged === seen.size) return ok(`${seen.size} media are there and unchanged`);
  const parts = [
    ...(missing > 0 ? [`${missing} are gone`] : []),
    ...(changed > 0 ? [`${changed} changed since they were indexed`] : []),
    ...(unreadable > 0 ? [`${unreadable} cannot be read`] : []),
  ];
  return warning(
    `of ${seen.size} media ${parts.join(", ")}`,
    missing > 0 ? "Put the files back, or delete their samples" : "Call addMissing() to embed them again",
  );
}

async function findings(
  { context, run }: OpenIndex,
  entries: readonly EntryRecord[],
  signal: AbortSignal | undefined,
): Promise<Finding[]> {
  const samples = await context.store.samples.byId(
    run.datasetId,
    entries.map((entry) => entry.sampleId),
  );
  const paths = new Map(samples.map((sample) => [sample.id, sample.filepath]));
  return pMap(
    entries,
    async ({ sampleId, sourceVersion }) => {
      const path = paths.get(sampleId);
      if (path === undefined) return "missing";
      try {
        const version = await context.media.version(path, sourceVersion, signal);
        return sourceVersion === null || contentOf(version) === contentOf(sourceVersion)
          ? "unchanged"
          : "changed";
      } catch (error) {
        throwIfAborted(signal);
        return isNearsightError(error, "MEDIA_NOT_FOUND") ? "missing" : "unreadable";
      }
    },
    { concurrency: CONCURRENCY },
  );
}

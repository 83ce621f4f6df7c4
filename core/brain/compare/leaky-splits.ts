/** Leaks: samples that have a near duplicate in another split. */

import type { SimilarityIndex } from "../../dataset/brain-port.ts";
import type {
  ComparingOptions,
  IndexedOptions,
  LeakySplitsIndex,
  Splits,
} from "../../dataset/duplicates-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { toIds } from "../../dataset/stage-methods.ts";
import { NearsightError, throwIfAborted } from "../../errors.ts";
import type { BrainContext } from "../context.ts";
import type { OpenIndex } from "../open-index.ts";
import { getVectors, selectIds } from "../query/fetch-vectors.ts";
import { assertSamples, assertWholeSamples, comparedIndex, openRun } from "./compared-index.ts";
import { type EntryRows, entryRows, placesOf } from "./entry-rows.ts";
import { comparingExactly } from "./exact-copy.ts";
import { assertThreshold } from "./find-duplicates.ts";
import { DEFAULT_THRESHOLD } from "./near-duplicates.ts";
import { neighborhoodsOf, searchNeighbors } from "./neighbors.ts";
import { isAcross, isInSeveral, splitCodes, splitViews } from "./splits.ts";

/** What the last look found. */
interface Leaks {
  readonly thresh: number;
  readonly rows: EntryRows;
  readonly codes: Int32Array;
  readonly ids: readonly string[];
}

/** See `computeLeakySplits` in `core/default-instance.ts`. */
export async function computeLeakySplits(
  context: BrainContext,
  samples: SampleCollection,
  splits: Splits,
  options: IndexedOptions,
): Promise<LeakySplitsIndex> {
  const { threshold = DEFAULT_THRESHOLD } = options;
  assertThreshold(threshold);
  assertSamples(samples);
  const views = await splitViews(samples, splits);
  const similarityIndex = await comparedIndex(context, samples, options);
  const index = await openRun(context, samples, similarityIndex.key);
  assertWholeSamples(index);
  const leaks = createLeakySplits(index, samples, similarityIndex, views);
  await leaks.findLeaks(threshold, options);
  return leaks;
}

function createLeakySplits(
  index: OpenIndex,
  samples: SampleCollection,
  similarityIndex: SimilarityIndex,
  views: Readonly<Record<string, SampleCollection>>,
): LeakySplitsIndex {
  let found: Leaks | null = null;
  const known = (): Leaks => {
    if (found !== null) return found;
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: "Expected results of findLeaks() but it has not ended well yet",
      hint: "Await findLeaks(0.2) first",
    });
  };
  const self: LeakySplitsIndex = {
    similarityIndex,
    splitViews: views,
    get thresh() {
      return found?.thresh ?? null;
    },
    get leakIds() {
      return found?.ids ?? null;
    },
    async findLeaks(thresh, options = {}) {
      assertThreshold(thresh);
      throwIfAborted(options.signal);
      await index.refresh();
      const rows = await entryRows(index, samples, options.signal);
      const { codes, overlapping, missing } = await splitCodes(rows, views);
      if (overlapping > 0) index.context.warn(`${overlapping} samples are in several splits at once`);
      if (missing > 0)
        index.context.warn(`${missing} samples of the splits are not in index '${index.run.key}'`);
      const ids = await comparingExactly(index, rows, (compared) =>
        leakIds(compared, rows, codes, thresh, options),
      );
      found = { thresh, rows, codes, ids };
    },
    leaksView: () => samples.select(known().ids, { ordered: true }),
    noLeaksView: (view = samples) => view.exclude(known().ids),
    async leaksForSample(sample) {
      const [id = ""] = toIds(sample);
      return samples.select([id, ...(await leaksOf(index, known(), id))], { ordered: true });
    },
    async tagLeaks(tag = "leak") {
      await self.leaksView().tagSamples(tag);
    },
  };
  return self;
}

/** Ids of the leaks; those that are connected by pairs across splits follow each other. */
async function leakIds(
  index: OpenIndex,
  rows: EntryRows,
  codes: Int32Array,
  thresh: number,
  { progress, signal }: ComparingOptions,
): Promise<string[]> {
  const groups = new Groups(rows.ids.length);
  codes.forEach((code, place) => void (isInSeveral(code) && groups.join(place, place)));
  let done = 0;
  for await (const part of neighborhoodsOf(index, rows, { k: null, maxDistance: thresh, signal })) {
    part.places.forEach((place, i) => {
      for (let hit = part.starts[i] ?? 0; hit < (part.starts[i + 1] ?? 0); hit++) {
        const neighbor = part.neighbors[hit] ?? 0;
        if (isAcross(codes[place] ?? 0, codes[neighbor] ?? 0)) groups.join(place, neighbor);
      }
    });
    done += part.places.length;
    progress?.({ phase: "neighbors", done, total: rows.ids.length, failed: 0 });
  }
  return groups.places().map((place) => rows.ids[place] ?? "");
}

/** The samples of other splits within the threshold of one sample, nearest first. */
async function leaksOf(index: OpenIndex, { thresh, rows, codes }: Leaks, id: string): Promise<string[]> {
  const place = rows.places.get(id);
  const collection = await index.collection();
  const batch = collection === null || place === undefined ? null : await getVectors(collection, [id]);
  if (collection === null || place === undefined || batch?.ids.length !== 1) throw notIndexed(index, id);
  const within = rows.isWhole ? undefined : selectIds(rows.ids);
  const wanted = { k: null, maxDistance: thresh, within };
  const part = placesOf(rows, await searchNeighbors(await index.backend(), collection, batch, wanted));
  return [...part.neighbors]
    .filter((neighbor) => isAcross(codes[place] ?? 0, codes[neighbor] ?? 0))
    .map((neighbor) => rows.ids[neighbor] ?? "");
}

/** Places joined into groups, in memory that grows with the places and not with the pairs. */
class Groups {
  readonly #parents: Int32Array;

  constructor(size: number) {
    this.#parents = new Int32Array(size).fill(-1);
  }

  join(a: number, b: number): void {
    const [one, other] = [this.#root(a), this.#root(b)];
    this.#parents[Math.max(one, other)] = Math.min(one, other);
  }

  /** Places that were joined, group by group, in the order of their first ones. */
  places(): number[] {
    const groups = new Map<number, number[]>();
    this.#parents.forEach((parent, place) => {
      if (parent === -1) return;
      const root = this.#root(place);
      const group = groups.get(root) ?? [];
      group.push(place);
      groups.set(root, group);
    });
    return [...groups.values()].flat();
  }

  /** The first place of the group; a place alone becomes a group of its own. */
  #root(place: number): number {
    let root = place;
    if (this.#parents[root] === -1) this.#parents[root] = root;
    while (this.#parents[root] !== root) {
      const above = this.#parents[root] ?? root;
      this.#parents[root] = this.#parents[above] ?? above;
      root = above;
    }
    return root;
  }
}

function notIndexed(index: OpenIndex, id: string): NearsightError {
  return new NearsightError({
    code: "ID_NOT_FOUND",
    message: `Sample '${id}' is not among those compared in index '${index.run.key}'`,
    hint: "Take an id of the samples that were given",
    details: { ids: [id] },
  });
}

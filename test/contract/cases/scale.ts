/** Contract: collections of a size that servers index, with answers at and one beyond what servers give at once. */

import { expect } from "vitest";
import { takeRows } from "../../../core/matrix.ts";
import { at } from "../answers.ts";
import type { ContractCase } from "../backend-contract.ts";
import { type Context, fetched, joined } from "../context.ts";
import { type HitsOptions, type Kind, SCALE, scaleOf, selectMany, someQueries } from "../scale.ts";

const KINDS: readonly Kind[] = ["random", "clustered"];

/** Parts of the entries that searches are limited to. Of clustered data the small one is two whole clusters. */
const VIEWS: readonly { name: string; among?: (row: number) => boolean }[] = [
  { name: "all entries" },
  { name: "1 % of them", among: (row) => row % 100 === 7 },
  { name: "50 % of them", among: (row) => row % 2 === 1 },
];

/** For each `k`, of how many queries the recall is taken. */
const RECALLS: readonly [k: number, queries: number][] = [
  [10, 20],
  [25, 10],
  [1000, 3],
];

/** Hits that servers give at once and one more: Elasticsearch's `size` unset, its most, Milvus' most. */
const KS = [1, 10, 11, 100, 1000, 10_000, 10_001, 16_384, 16_385, SCALE, SCALE + 1];

/**
 * Ids that servers take at once and one more: Elasticsearch's `max_result_window` and `max_terms_count`, Milvus'
 * query window; the last is more than there are entries.
 */
const SELECTED = [10_000, 10_001, 16_384, 16_385, 65_536, 65_537, 100_000];

/** Searches the collection of a kind with its first queries and compares with the exact ranking. */
async function checkScale(
  { search, scaled, compare }: Context,
  kind: Kind,
  count: number,
  options: HitsOptions,
): Promise<void> {
  const data = scaleOf(kind);
  const { among, ...rest } = options;
  const chosen = among === undefined ? undefined : data.batch.ids.filter((_, row) => among(row));
  const within = chosen === undefined ? undefined : selectMany(chosen, `${kind} ${chosen.length}`);
  const { found, exact } = await search(await scaled(kind), someQueries(data, count), { ...rest, within });
  expect(found).toHaveLength(count);
  const answers = found.map((actual, query) => ({
    actual,
    expected: data.hits(query, options),
    truth: data.truth(query),
  }));
  compare(answers, { exact, reverse: options.reverse });
}

/** A distance in the widest gap near the hit at `place`, so that rounding decides nothing. */
function gapNear(kind: Kind, query: number, place: number): number {
  const { distances } = scaleOf(kind).hits(query, { k: null });
  const width = (i: number) => at(distances, i + 1) - at(distances, i);
  const places = Array.from({ length: 50 }, (_, i) => place + i);
  const widest = places.reduce((best, i) => (width(i) > width(best) ? i : best));
  return (at(distances, widest) + at(distances, widest + 1)) / 2;
}

/** Ids of entries and of none in turn, `count` in all; the last one is an entry. */
function mixedIds(ids: readonly string[], count: number): string[] {
  const known = ids.slice(0, Math.floor(Math.min(ids.length, count) / 2));
  const mixed: string[] = [];
  for (let i = 0; mixed.length + known.length < count; i++) mixed.push(`unknown ${i}`);
  // Spread over the whole selection: entry i comes after its share of the unknown.
  const step = count / known.length;
  const all: string[] = [];
  for (const [i, id] of known.entries()) {
    while (all.length < Math.round((i + 1) * step) - 1) all.push(mixed.pop() ?? "");
    all.push(id);
  }
  return all;
}

const filling: ContractCase[] = KINDS.map((kind) => ({
  name: `${kind}: ${SCALE} entries are written in one batch and indexed`,
  async run({ scaled }) {
    expect((await (await scaled(kind)).describe()).size).toBe(SCALE);
  },
}));

const recalls: ContractCase[] = KINDS.flatMap((kind) =>
  VIEWS.map(({ name, among }) => ({
    name: `${kind}: hits among ${name} are the oracle's`,
    async run(context: Context) {
      for (const [k, queries] of RECALLS)
        await checkScale(context, kind, queries, { k, ...(among === undefined ? {} : { among }) });
    },
  })),
);

const numbers: ContractCase[] = KS.map((k) => ({
  name: `k ${k} gives ${Math.min(k, SCALE)} hits`,
  run: (context) => checkScale(context, "random", 1, { k }),
}));

const claimed: ContractCase = {
  name: "the largest k of one call and one more give as many hits",
  needs: ({ maxK }) => maxK !== null,
  async run(context) {
    const maxK = context.capabilities.maxK ?? 0;
    for (const k of [maxK, maxK + 1]) await checkScale(context, "clustered", 1, { k });
  },
};

const selections: ContractCase[] = SELECTED.map((count) => ({
  name: `a selection of ${count} ids is taken whole`,
  async run({ scaled, search, compare }) {
    const { batch, hits, truth, queries } = scaleOf("random");
    const ids = mixedIds(batch.ids, count);
    expect(ids).toHaveLength(count);
    const chosen = new Set(ids);
    const collection = await scaled("random");
    const within = selectMany(ids, `mixed ${count}`);
    const options = { k: 25, within };
    const { found, exact } = await search(collection, takeRows(queries, [0, 1, 2]), options);
    const among = (row: number) => chosen.has(at(batch.ids, row));
    const answers = found.map((actual, query) => ({
      actual,
      expected: hits(query, { k: 25, among }),
      truth: truth(query),
    }));
    compare(answers, { exact });
    // The last id of the selection: what cuts it loses this one.
    const last = batch.ids.indexOf(at(ids, count - 1));
    const [near] = await collection.search(takeRows(batch.vectors, [last]), options);
    expect(near?.ids).toContain(batch.ids[last]);
  },
}));

export const SCALE_CASES: readonly ContractCase[] = [
  ...filling,
  ...recalls,
  ...numbers,
  claimed,
  ...selections,
  {
    name: "k null gives the whole ranking",
    run: (context) => checkScale(context, "random", 1, { k: null }),
  },
  {
    name: "a scan gives the whole ranking, exactly",
    async run({ scaled, compare }) {
      const { hits, truth, queries } = scaleOf("random");
      const pages = (await scaled("random")).scan(takeRows(queries, [1]), {});
      const answer = { actual: await joined(pages), expected: hits(1, { k: null }), truth: truth(1) };
      compare([answer], { exact: true });
    },
  },
  {
    name: "a scan goes backwards through half of the entries, exactly",
    needs: ({ reverse }) => reverse,
    async run({ scaled, compare }) {
      const { batch, hits, truth, queries } = scaleOf("clustered");
      const among = (row: number) => row % 2 === 0;
      const within = selectMany(
        batch.ids.filter((_, row) => among(row)),
        "even",
      );
      const pages = (await scaled("clustered")).scan(takeRows(queries, [2]), { reverse: true, within });
      const expected = hits(2, { k: null, reverse: true, among });
      const answer = { actual: await joined(pages), expected, truth: truth(2) };
      compare([answer], { exact: true, reverse: true });
    },
  },
  {
    name: "reverse gives the farthest of all, of few and of half",
    needs: ({ reverse }) => reverse,
    async run(context) {
      for (const { among } of VIEWS)
        await checkScale(context, "random", 2, {
          k: 25,
          reverse: true,
          ...(among === undefined ? {} : { among }),
        });
    },
  },
  {
    name: "reverse gives more hits than one call of a server",
    needs: ({ reverse }) => reverse,
    run: (context) => checkScale(context, "clustered", 1, { k: 16_385, reverse: true }),
  },
  {
    name: "maxDistance leaves few hits, and more than one call of a server gives",
    needs: ({ radius }) => radius,
    async run(context) {
      for (const place of [40, 17_000]) {
        const maxDistance = gapNear("random", 0, place);
        for (const k of [25, null]) await checkScale(context, "random", 1, { k, maxDistance });
      }
    },
  },
  {
    name: "a fetch of everything gives each entry once, as it was, in batches of at most 1,000",
    async run({ scaled, stored }) {
      const { batch } = scaleOf("random");
      const seen = new Set<string>();
      for await (const { ids, sampleIds, vectors } of (await scaled("random")).fetch()) {
        expect(ids.length).toBeLessThanOrEqual(1000);
        ids.forEach((id, i) => {
          const row = Number(id.slice(1));
          expect([sampleIds[i], vectors.row(i)], id).toEqual([
            batch.sampleIds[row],
            stored(batch.vectors.row(row)),
          ]);
          expect(batch.ids[row]).toBe(id);
          if (seen.has(id)) throw new Error(`Expected each entry once but found ${id} again`);
          seen.add(id);
        });
      }
      expect(seen.size).toBe(SCALE);
    },
  },
  {
    name: "a fetch of 16,385 ids and unknown ones gives them in the order asked",
    async run({ scaled }) {
      const { batch } = scaleOf("clustered");
      const wanted = batch.ids.slice(-16_385).reverse();
      const mixed = wanted.flatMap((id, i) => (i % 10 === 0 ? [`unknown ${i}`, id] : [id]));
      const found = await fetched((await scaled("clustered")).fetch(selectMany(mixed, "backwards")));
      expect([...found.keys()].join()).toBe(wanted.join());
    },
  },
];

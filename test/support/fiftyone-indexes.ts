/** What the real FiftyOne and nearsight promise each other on a server: the indexes of either answer both alike. */

import { beforeAll, describe, expect, test } from "vitest";
import {
  expectFoundThere,
  FIELD,
  type IndexKind,
  indexOf,
  keyThere,
  ROWS,
  type Rows,
  type SharedDataset,
  type SharedServer,
  unit,
} from "./fiftyone-on-server.ts";
import { type Entries, expectNearest, meanOf, nearest, vectorOf } from "./nearest.ts";

const K = 5;

/** Registers the tests. */
export function testAnswers(server: SharedServer, shared: () => SharedDataset): void {
  const cases = server.kinds.flatMap((kind) => ROWS.map((of) => [kind.name, of, kind] as const));

  /** FiftyOne's answers to each query, of all entries and of half of them. */
  async function expectAlike(
    run: { readonly dataset: string; readonly key: string; readonly of: Rows },
    entries: Entries,
    kind: IndexKind,
    answers: Pick<IndexKind, "metric" | "rounding" | "isUnit">,
  ): Promise<void> {
    const half = [...entries.keys()].filter((_, i) => i % 2 === 0);
    for (const { query, vector } of queriesFor(kind, entries)) {
      for (const within of [[...entries.keys()], half]) {
        const ids = within === half ? half : undefined;
        const found = await shared().sortThere(run, { query, k: K, ids });
        const asked = answers.isUnit === true ? unit(vector) : vector;
        const truth = nearest(entries, kind.ours, asked, { within });
        expectFoundThere(server, found, truth, { ...answers, k: K });
      }
    }
  }

  describe.each(cases)("an index by %s of %s that FiftyOne made", (_name, of, kind) => {
    const key = keyThere(kind, of);

    test("is there and ready", async () => {
      const { config } = await shared().runThere(shared().there, key);
      expect(shared().report.failed).toEqual([]);
      expect(shared().report.brainRuns).toContain(key);
      expect(await shared().here.getBrainInfo(key)).toMatchObject({
        state: "ready",
        config: {
          ...{ method: server.driver.name, collectionName: config[server.nameOption], metric: kind.ours },
          patchesField: of === "boxes" ? FIELD : null,
        },
      });
      const index = await indexOf(shared().here, key);
      expect(await index.totalIndexSize()).toBe(shared().indexed[of].length);
      const ids = of === "samples" ? await index.sampleIds() : await index.labelIds();
      expect(ids?.toSorted()).toEqual(shared().indexed[of].toSorted());
    });

    test("answers as exact arithmetic does", async () => {
      const entries = shared().entries(kind, of, shared().indexed[of]);
      const within = [...entries.keys()].filter((_, i) => i % 3 === 0);
      for (const { query, vector } of queries(entries)) {
        for (const options of [{ k: K }, {}, { k: K, reverse: true }, { k: K, within }, { within }]) {
          const hits = await shared().hitsHere(key, of, query, options);
          expectNearest(hits, nearest(entries, kind.ours, vector, options));
        }
      }
    });

    test("answers FiftyOne alike", async () => {
      const entries = shared().entries(kind, of, shared().indexed[of]);
      const run = { dataset: shared().there, key, of };
      await expectAlike(run, entries, kind, kind);
    });

    test("gives its vectors by sample", async () => {
      const index = await indexOf(shared().here, key);
      const { ids, ownerOf } = shared();
      const asked = ids.samples.slice(2, 9);
      const { embeddings, sampleIds, labelIds } = await index.getEmbeddings({ sampleIds: asked });
      const found = labelIds ?? sampleIds;
      expect(found.toSorted()).toEqual((of === "samples" ? asked : ids.boxes.slice(2, 9).flat()).toSorted());
      expect(sampleIds).toEqual(found.map(ownerOf));
      const wanted = shared().entries(kind, of, found);
      found.forEach((id, row) => {
        const right = vectorOf(wanted, id);
        expect(
          Math.max(...embeddings.row(row).map((value, i) => Math.abs(value - (right[i] ?? 0)))),
        ).toBeLessThan(1e-5);
      });
    });
  });

  describe("indexes that were made here", () => {
    const dataset = "made here";
    const keyHere = ({ name }: IndexKind, of: Rows) => `here_${name}_${of}`;
    const entriesOf = (kind: IndexKind, of: Rows) => shared().entries(kind, of, shared().indexed[of]);

    beforeAll(async () => {
      for (const [, of, kind] of cases) {
        await shared().makeHere(keyHere(kind, of), kind, of, entriesOf(kind, of));
      }
      const runs = await shared().bringThere(dataset);
      expect(runs).toEqual(expect.arrayContaining(cases.map(([, of, kind]) => keyHere(kind, of))));
    });

    test.each(cases)("by %s of %s are loaded by FiftyOne as its own", async (_name, of, kind) => {
      const key = keyHere(kind, of);
      const { collectionName } = (await shared().here.getBrainInfo(key)).config;
      expect(await shared().runThere(dataset, key)).toMatchObject({
        kind: server.kindThere,
        config: {
          ...{ method: server.driver.name, [server.nameOption]: collectionName },
          patches_field: of === "boxes" ? FIELD : null,
        },
        total: shared().indexed[of].length,
      });
    });

    test.each(cases)("by %s of %s answer FiftyOne alike", async (_name, of, kind) => {
      const run = { dataset, key: keyHere(kind, of), of };
      const { config } = await shared().runThere(dataset, run.key);
      // Its servers compare whole vectors in our indexes.
      const answers = { metric: String(config["metric"]), rounding: 0 };
      await expectAlike(run, entriesOf(kind, of), kind, answers);
    });
  });
}

interface AskedFor {
  readonly query: string | string[] | number[];
  readonly vector: Float32Array;
}

/** Searches by one id, by several, and by a vector that is none of the index. */
function queries(entries: Entries): AskedFor[] {
  const ids = [...entries.keys()];
  const [one = "", two = "", three = ""] = [ids[3], ids[11], ids[20]];
  const foreign = meanOf(entries, [two, three]).map((value) => value + 0.25);
  return [
    { query: one, vector: vectorOf(entries, one) },
    { query: [one, two, three], vector: meanOf(entries, [one, two, three]) },
    { query: [...foreign], vector: foreign },
  ];
}

/** Those that FiftyOne can answer. */
function queriesFor({ givesVectors }: IndexKind, entries: Entries): AskedFor[] {
  return queries(entries).filter(({ query }) => givesVectors || typeof query[0] === "number");
}

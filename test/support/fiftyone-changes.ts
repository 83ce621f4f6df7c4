/** What the real FiftyOne and nearsight promise each other on a server: each sees what the other has changed. */

import { beforeAll, describe, expect, test } from "vitest";
import {
  expectFoundThere,
  FIELD,
  type IndexKind,
  indexOf,
  keyThere,
  ROWS,
  type Rows,
  rowsOf,
  type SharedDataset,
  type SharedServer,
} from "./fiftyone-on-server.ts";
import { type Entries, expectNearest, meanOf, nearest } from "./nearest.ts";

/** More than there are: the whole ranking. */
const ALL = 1_000;

/** Registers the tests. */
export function testChanges(server: SharedServer, shared: () => SharedDataset): void {
  const kind = kindOf(server, (one) => one.givesVectors);
  const other = kindOf(server, (one) => one !== kind);

  /** What is written, what is taken out, and what the index holds afterwards. */
  function change(of: Rows) {
    const { indexed, ids } = shared();
    const all = of === "samples" ? ids.samples : ids.boxes.flat();
    const fresh = all.filter((id) => !indexed[of].includes(id));
    const removed = indexed[of].slice(4, 7);
    const before = shared().entries(kind, of, all);
    // The first get the vectors of others.
    const written = new Map([
      ...fresh.map((id) => [id, before.get(id)] as const),
      ...indexed[of].slice(0, 2).map((id, i) => [id, before.get(all[i + 30] ?? "")] as const),
    ]) as Entries;
    const after = new Map([...before, ...written]);
    for (const id of removed) after.delete(id);
    return { written, removed, after: after as Entries, query: meanOf(before, all.slice(0, 9)) };
  }

  /** Ids as both programs take them beside vectors. */
  function named(ids: readonly string[], of: Rows) {
    return of === "samples"
      ? { sampleIds: ids, labelIds: null }
      : { sampleIds: ids.map(shared().ownerOf), labelIds: ids };
  }

  describe.each(ROWS)("an index of %s that FiftyOne made", (of) => {
    const key = keyThere(kind, of);

    test("is changed from here, and FiftyOne sees it", async () => {
      const { written, removed, after, query } = change(of);
      const index = await indexOf(shared().here, key);
      const ids = [...written.keys()];
      const { sampleIds, labelIds } = named(ids, of);
      await index.addToIndex(rowsOf(written, ids), sampleIds, labelIds);
      await index.removeFromIndex(of === "samples" ? { sampleIds: removed } : { labelIds: removed });
      expect(await index.totalIndexSize()).toBe(after.size);
      const run = { dataset: shared().there, key, of };
      const found = await shared().sortThere(run, { query: [...query], k: ALL });
      const { metric, rounding } = kind;
      expectFoundThere(server, found, nearest(after, kind.ours, query), { metric, rounding, k: ALL });
      const read = await shared().vectorsThere(run, [...ids, ...removed]);
      expect(Object.keys(read).toSorted()).toEqual(ids.toSorted());
      expect(Object.values(read).map(({ sample }) => sample)).toEqual(
        Object.keys(read).map(shared().ownerOf),
      );
    });

    test("is let go of by cleanup, and dropped by force", async () => {
      const { collectionName } = (await shared().here.getBrainInfo(key)).config;
      const names = () => shared().namesThere(key);
      await (await indexOf(shared().here, key)).cleanup();
      expect(await names()).toContain(collectionName);
      await (await indexOf(shared().here, key)).delete({ force: true });
      expect(await names()).not.toContain(collectionName);
      expect((await shared().runThere(shared().there, key)).total).toBe(0);
      expect(await shared().here.hasBrainRun(key)).toBe(false);
    });
  });

  describe("indexes that were made here", () => {
    const keyHere = (of: Rows) => `changed_${of}`;
    const dataset = "changed there";

    beforeAll(async () => {
      for (const of of ROWS) {
        await shared().makeHere(keyHere(of), kind, of, shared().entries(kind, of, shared().indexed[of]));
      }
      await shared().bringThere(dataset);
    });

    test.each(ROWS)("of %s are changed by FiftyOne, and it is seen here", async (of) => {
      const key = keyHere(of);
      const { written, removed, after, query } = change(of);
      // FiftyOne leaves the former vector of an id beside the new one on Milvus.
      const ids = [...written.keys()].slice(0, -2);
      const kept = new Map([...after, ...shared().entries(kind, of, [...written.keys()].slice(-2))]);
      const { sampleIds, labelIds } = named(ids, of);
      const request = { dataset, key };
      await shared().fiftyOne.ask("add", {
        ...{ ...request, embeddings: rowsOf(written, ids), sample_ids: sampleIds, label_ids: labelIds },
      });
      await shared().fiftyOne.ask("remove", { ...request, ids: removed });
      const index = await indexOf(shared().here, key);
      await index.reload();
      const found = (of === "samples" ? await index.sampleIds() : await index.labelIds()) ?? [];
      expect(found.toSorted()).toEqual([...kept.keys()].toSorted());
      expect(await index.totalIndexSize()).toBe(kept.size);
      expect(await index.missingSize()).toBe(removed.length);
      const hits = await shared().hitsHere(key, of, [...query], {});
      expectNearest(hits, nearest(kept, kind.ours, query));
    });

    test.each(ROWS)("of %s are found by FiftyOne by their name alone", async (of) => {
      const key = keyHere(of);
      const { collectionName } = (await shared().here.getBrainInfo(key)).config;
      const byName = `by_name_there_${of}`;
      await shared().fiftyOne.ask("connect", {
        ...{ dataset: shared().there, key: byName, backend: server.driver.name, metric: kind.metric },
        ...{ [server.nameOption]: collectionName, field: of === "boxes" ? FIELD : null },
      });
      const index = await indexOf(shared().here, key);
      const { embeddings, sampleIds, labelIds } = await index.getEmbeddings();
      const entries = new Map((labelIds ?? sampleIds).map((id, row) => [id, embeddings.row(row)]));
      const { query } = change(of);
      const run = { dataset: shared().there, key: byName, of };
      const there = await shared().sortThere(run, { query: [...query], k: 7 });
      expectFoundThere(server, there, nearest(entries, kind.ours, query), { metric: kind.metric, k: 7 });
    });

    test.each(ROWS)("of %s are gone here when FiftyOne drops them", async (of) => {
      const key = keyHere(of);
      await shared().fiftyOne.ask("cleanup", { dataset, key });
      await expect(shared().hitsHere(key, of, [0, 0, 0, 0, 0, 0, 0, 1], {})).rejects.toMatchObject({
        code: "INDEX_NOT_FOUND",
      });
    });
  });

  test.each(ROWS)("an index of %s that FiftyOne made is found here by its name alone", async (of) => {
    const { collectionName } = (await shared().here.getBrainInfo(keyThere(other, of))).config;
    const key = `by_name_${of}`;
    await shared().ns.computeSimilarity(shared().here, {
      ...{
        brainKey: key,
        backend: server.driver.name,
        embeddings: false,
        metric: other.ours,
        collectionName,
      },
      ...(of === "boxes" ? { patchesField: FIELD } : {}),
    });
    const entries = shared().entries(other, of, shared().indexed[of]);
    const query = meanOf(entries, [...entries.keys()].slice(0, 5));
    const hits = await shared().hitsHere(key, of, [...query], { k: 9 });
    expectNearest(hits, nearest(entries, other.ours, query, { k: 9 }));
  });

  test("an index with ids that FiftyOne cannot have is left out of the export, and said to be", async () => {
    const { ns, ids } = shared();
    const dataset = await ns.createDataset(`${shared().there} renamed`);
    const filepaths = await shared().here.limit(4).values<string>("filepath");
    await dataset.addSamples(filepaths.map((filepath, i) => ({ id: `picture-${i}`, filepath })));
    const embeddings = rowsOf(shared().entries(kind, "samples", ids.samples), ids.samples.slice(0, 4));
    const { name: backend } = server.driver;
    await dataset.computeSimilarity({ brainKey: "near", backend, metric: kind.ours, embeddings });
    const { failed, runs } = await shared().exportThere(dataset, "renamed there");
    expect(runs).toEqual([]);
    expect(failed).toEqual([
      { path: "brain run 'near'", reason: expect.stringContaining("24 hexadecimal characters") },
    ]);
  });
}

function kindOf({ kinds }: SharedServer, isMeant: (kind: IndexKind) => boolean): IndexKind {
  const kind = kinds.find(isMeant);
  if (kind === undefined) throw new Error("Expected a kind of index but found none");
  return kind;
}

/** What filter fields promise, on a real server: a search by condition answers as a search by ids does. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BackendDriver } from "../../core/backends/registry.ts";
import { local } from "../../core/backends/registry.ts";
import type { SimilarityIndex } from "../../core/dataset/brain-port.ts";
import type { Dataset } from "../../core/dataset/dataset.ts";
import { F } from "../../core/dataset/field.ts";
import type { SampleCollection } from "../../core/dataset/sample-collection.ts";
import { isNearsightError } from "../../core/errors.ts";
import type { Filter } from "../../core/filter.ts";
import type { Nearsight } from "../../core/nearsight.ts";
import {
  conditionsOn,
  type Edit,
  edits,
  FILTER_FIELDS,
  fieldValues,
  pushedFilters,
} from "./filterable-samples.ts";
import { temporaryNearsight } from "./temporary.ts";
import { randomVectors } from "./vectors.ts";

const ROWS = 200;
const DIMENSION = 8;
const QUERY = { vector: [...randomVectors(1, DIMENSION, 5).row(0)] };

/** The server under test. */
export interface FilteringServer {
  readonly driver: BackendDriver;
  readonly connection: Readonly<Record<string, unknown>>;
}

/** Registers the tests. */
export function testFilterFieldsOn({ driver, connection }: FilteringServer): void {
  let ns: Nearsight & { home: string };
  let dataset: Dataset;
  let ids: string[];
  let server: SimilarityIndex;

  const options = () => ({
    ...connection,
    backend: driver.name,
    metric: "euclidean" as const,
    embeddings: randomVectors(ROWS, DIMENSION, 3),
  });

  beforeAll(async () => {
    ns = await temporaryNearsight({ backends: [local, driver] });
    dataset = await ns.createDataset("filtered");
    const values = fc.sample(fieldValues, { numRuns: ROWS, seed: 11 });
    ids = await dataset.addSamples(
      values.map(({ words, name, score, flag, ground_truth, boxes, tags }, i) => ({
        ...{ filepath: `image${i}.jpg`, tags, words, name, score, flag, ground_truth, boxes },
      })),
    );
    server = await ns.computeSimilarity(dataset, {
      ...options(),
      brainKey: "server",
      filterFields: FILTER_FIELDS,
    });
    const { embeddings } = options();
    await ns.computeSimilarity(dataset, {
      embeddings,
      metric: "euclidean",
      backend: "local",
      brainKey: "here",
    });
  });

  afterAll(() => server.delete({ force: true }));

  /** The answer of the server's index to a search within a view, and how it was found. */
  async function searched(view: SampleCollection, k: number) {
    const found = view.sortBySimilarity(QUERY, { k, brainKey: "server" });
    const { stages } = await found.explain();
    return { ids: await found.values<string>("id"), within: stages.at(-1)?.search?.within };
  }

  const truth = (view: SampleCollection, k: number) =>
    view.sortBySimilarity(QUERY, { k, brainKey: "here" }).values<string>("id");

  async function expectSame(filter: Filter, k: number, by: string): Promise<void> {
    const view = dataset.match(filter);
    const found = await searched(view, k);
    expect(found.ids).toEqual(await truth(view, k));
    expect(found.within?.by).toBe(by);
  }

  async function apply({ places, edit }: Edit): Promise<void> {
    const view = dataset.select(places.map((place) => ids[place % ROWS] ?? ""));
    if ("tag" in edit) await view.tagSamples(edit.tag);
    else if ("untag" in edit) await view.untagSamples(edit.untag);
    else if ("unset" in edit) await view.setField(edit.unset, null);
    else await view.setField(edit.set, edit.value);
  }

  /** Lets another process do its work. */
  async function elsewhere(...words: string[]): Promise<void> {
    const script = fileURLToPath(new URL("./edit-process.ts", import.meta.url));
    const child = spawn(process.execPath, [script, ns.home, dataset.name, ...words], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    expect((await once(child, "exit"))[0]).toBe(0);
  }

  describe("filter fields", () => {
    it("give what a search by ids gives, whatever values and conditions are", async () => {
      await fc.assert(
        fc.asyncProperty(pushedFilters, fc.constantFrom(1, 5, 50, ROWS), (filter, k) =>
          expectSame(filter, k, "filter"),
        ),
        { numRuns: 150 },
      );
    });

    it.each(['") or (true', '\\") or true or ("', "a' or 1=1 --", '"}}, {"match_all": {}', "%", "*"])(
      "take %j for a text",
      async (text) => {
        for (const filter of [F("tags").contains(text), F("name").eq(text), F("name").in([text])]) {
          const found = await searched(dataset.match(filter), ROWS);
          expect(found.ids).toEqual(await truth(dataset.match(filter), ROWS));
        }
      },
    );

    it("give what a search by ids gives after every edit, written again or not", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(edits, { minLength: 1, maxLength: 4 }),
          fc.array(pushedFilters, { minLength: 2, maxLength: 4 }),
          fc.boolean(),
          async (changes, filters, isWritten) => {
            for (const change of changes) await apply(change);
            if (isWritten) {
              await server.updateFilterFields();
              expect((await searched(dataset.matchTags("cat"), 5)).within).toEqual({
                by: "filter",
                unsure: 0,
              });
            }
            for (const filter of [...changes.flatMap(conditionsOn), ...filters]) {
              await expectSame(filter, 20, "filter");
            }
          },
        ),
        { numRuns: 25 },
      );
    });

    it("see what another process edits and writes", async () => {
      await elsewhere("tag", "elsewhere", ...ids.slice(10, 20));
      const view = dataset.matchTags("elsewhere");
      expect((await searched(view, ROWS)).ids).toEqual(await truth(view, ROWS));
      expect((await searched(view, ROWS)).ids).toHaveLength(10);
      await dataset.select(ids.slice(15, 20)).untagSamples("elsewhere");
      await elsewhere("update", "server", JSON.stringify(connection));
      const after = await searched(view, ROWS);
      expect(after.ids).toEqual(await truth(view, ROWS));
      expect(after).toMatchObject({ within: { by: "filter", unsure: 0 } });
      expect(after.ids).toHaveLength(5);
    });

    it("leave out deleted samples and take in added entries", async () => {
      const [gone = "", ...rest] = await truth(dataset.match(F("score").gte(-1e308)), 3);
      await dataset.deleteSamples([gone]);
      const view = dataset.match(F("score").gte(-1e308));
      expect((await searched(view, 2)).ids).toEqual(rest);
      const added = await dataset.addSamples([{ filepath: "added.jpg", tags: ["added"], score: 3 }]);
      await server.addToIndex([QUERY.vector], added);
      expect(await searched(dataset.matchTags("added"), 5)).toEqual({
        ids: added,
        within: { by: "filter", unsure: 0 },
      });
      expect((await searched(view, 1)).ids).toEqual(added);
      await server.removeFromIndex({ sampleIds: added });
      await dataset.deleteSamples(added);
    });

    it("go by ids, and say why, where a server cannot tell", async () => {
      const reasons = async (view: SampleCollection, more = {}) => {
        const found = view.sortBySimilarity(QUERY, { k: 5, brainKey: "server", ...more });
        expect(await found.values("id")).toEqual(
          await view.sortBySimilarity(QUERY, { k: 5, brainKey: "here", ...more }).values("id"),
        );
        const within = (await found.explain()).stages.at(-1)?.search?.within;
        return within?.by === "ids" ? within.reason : within?.by;
      };
      expect(await reasons(dataset.match(F("name").ne("cat")))).toMatch("'ne' is done by the store");
      expect(await reasons(dataset.match(F("filepath").eq("a")))).toMatch("'filepath' is no filter field");
      expect(await reasons(dataset.matchTags("cat", { not: true }))).toMatch("matchTags with not");
      expect(await reasons(dataset.matchTags("cat").limit(7))).toMatch("limit is done by the store");
      expect(await reasons(dataset.matchTags("cat"), { reverse: true })).toMatch("nearest k");
      expect(await reasons(dataset.match(F("name").lt("cat")))).toMatch("'lt' of texts");
      expect(await reasons(dataset.match(F("tags").eq("cat")))).toMatch("of kind texts, asked for text");
      expect(await reasons(dataset.matchTags("a\0b"))).toMatch("U+0000");
      expect(await reasons(dataset)).toBe("index");
    });

    it("are judged by the store where an entry was written by another program", async () => {
      const view = dataset.matchTags("cat");
      const right = await truth(view, ROWS);
      const opened = await ns.computeSimilarity(dataset, {
        ...connection,
        ...{ backend: driver.name, brainKey: "other", metric: "euclidean", embeddings: false },
        collectionName: server.config.collectionName,
      });
      const { embeddings, sampleIds } = await server.getEmbeddings({ sampleIds: right });
      await opened.addToIndex(embeddings, sampleIds);
      await dataset.deleteBrainRun("other");
      expect(await searched(view, ROWS)).toEqual({ ids: right, within: { by: "filter", unsure: 0 } });
    });

    it("come with patches, by the values of their samples", async () => {
      const patches = dataset.toPatches("boxes");
      const labels = await patches.values<string>("id");
      const index = await ns.computeSimilarity(dataset, {
        ...connection,
        ...{ backend: driver.name, brainKey: "patches", metric: "euclidean", patchesField: "boxes" },
        embeddings: randomVectors(labels.length, DIMENSION, 7),
        filterFields: ["tags", "boxes.label"],
      });
      const search = { k: labels.length, brainKey: "patches" };
      const view = dataset.match(F("boxes.label").contains("cat").or(F("tags").contains("dog")));
      const [byFilter, byIds] = [view.toPatches("boxes"), view.limit(ROWS).toPatches("boxes")];
      const answers = async (within: typeof view | typeof byIds) => {
        const sorted = within.sortBySimilarity(QUERY, search);
        return {
          ids: await sorted.values("id"),
          by: (await sorted.explain()).stages.at(-1)?.search?.within.by,
        };
      };
      expect(await answers(byFilter)).toEqual({ ...(await answers(byIds)), by: "filter" });
      expect(await answers(view)).toEqual({ ...(await answers(view.limit(ROWS))), by: "filter" });
      await dataset.matchTags("dog").setField("boxes", null);
      await dataset.matchTags("dog").untagSamples("dog");
      expect(await answers(byFilter)).toEqual({ ...(await answers(byIds)), by: "filter" });
      await index.updateFilterFields();
      expect(await answers(byFilter)).toEqual({ ...(await answers(byIds)), by: "filter" });
      await index.delete({ force: true });
    });

    it("go by ids once more have changed than go along, and by condition after an update", async () => {
      const many = await ns.createDataset("many changes");
      const added = await many.addSamples(
        Array.from({ length: 1_100 }, (_, i) => ({ filepath: `many${i}.jpg`, tags: i % 2 ? ["odd"] : [] })),
      );
      const index = await ns.computeSimilarity(many, {
        ...{ ...options(), embeddings: randomVectors(1_100, DIMENSION, 9) },
        ...{ brainKey: "many", filterFields: ["tags"] },
      });
      const odd = () => many.matchTags("odd").sortBySimilarity(QUERY, { k: 5 });
      const right = await odd().values("id");
      await many.setField("other", 1);
      const within = async () => (await odd().explain()).stages.at(-1)?.search?.within;
      expect(await within()).toEqual({ by: "filter", unsure: 0 });
      await many.tagSamples("all");
      expect(await within()).toMatchObject({
        by: "ids",
        reason: expect.stringContaining("updateFilterFields()"),
      });
      const checked = async (options = {}) => {
        const { checks } = await ns.doctor({ dataset: many.name, ...options });
        return checks.find(({ name }) => name === "fields");
      };
      expect(await checked()).toMatchObject({
        status: "warning",
        message: expect.stringContaining("1000 or more"),
      });
      expect(await checked({ repair: true })).toMatchObject({ status: "repaired" });
      expect(await checked()).toMatchObject({ status: "ok" });
      expect(await within()).toEqual({ by: "filter", unsure: 0 });
      await many.untagSamples("all");
      const [first, second] = await Promise.allSettled([
        index.updateFilterFields(),
        index.updateFilterFields(),
      ]);
      expect(first).toEqual({ status: "fulfilled", value: added.length });
      expect(second).toMatchObject({ status: "rejected", reason: { code: "RUN_BUSY" } });
      expect(await odd().values("id")).toEqual(right);
      expect(await index.updateFilterFields()).toBe(0);
      await index.delete({ force: true });
    });

    it("are copied to a backend that keeps them, and left behind by one that does not", async () => {
      const copy = { ...connection, to: driver.name, brainKey: "copy" };
      const kept = await dataset.copyRun("server", copy);
      const view = dataset.matchTags("cat");
      const found = view.sortBySimilarity(QUERY, { k: 20, brainKey: "copy" });
      expect(await found.values("id")).toEqual(await truth(view, 20));
      const { stages } = await found.explain();
      expect(stages.at(-1)?.search?.within).toEqual({ by: "filter", unsure: 0 });
      expect(kept.config.filterFields).toEqual(FILTER_FIELDS);
      await kept.delete({ force: true });
      const plain = await dataset.copyRun("server", { to: "local", brainKey: "plain" });
      expect(plain.config).not.toHaveProperty("filterFields");
      await plain.delete();
    });

    it("want a collection of their own", async () => {
      const again = ns.computeSimilarity(dataset, {
        ...options(),
        ...{ brainKey: "again", filterFields: ["tags"], collectionName: server.config.collectionName },
      });
      const error = await again.catch((reason: unknown) => reason);
      expect(isNearsightError(error, "INVALID_ARGUMENT")).toBe(true);
    });
  });
}

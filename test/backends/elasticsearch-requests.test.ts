/** What searches ask of the server once their index is open, as docs/backends/elasticsearch.md has it. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { elasticsearch } from "../../core/backends/elasticsearch/elasticsearch.ts";
import type { Dataset, SimilarityIndex } from "../../core/index.ts";
import { type HttpProxy, startHttpProxy } from "../support/http-proxy.ts";
import { elasticsearchServer } from "../support/servers.ts";
import { temporaryNearsight } from "../support/temporary.ts";

const [host = ""] = elasticsearchServer().hosts;

describe("once it is open, a search", () => {
  let proxy: HttpProxy;
  let dataset: Dataset;
  let index: SimilarityIndex;

  beforeAll(async () => {
    proxy = await startHttpProxy(host);
    const ns = await temporaryNearsight({ backends: [elasticsearch] });
    dataset = await ns.createDataset("requests");
    await dataset.addSamples(["a", "b", "c", "d"].map((id) => ({ id, filepath: `/${id}.jpg` })));
    const embeddings = [
      [1, 0],
      [2, 1],
      [0, 1],
      [-1, 1],
    ];
    index = await dataset.computeSimilarity({
      backend: "elasticsearch",
      hosts: proxy.url,
      collectionName: `requests-${process.pid}`,
      embeddings,
    });
    await dataset.sortBySimilarity({ id: "a" }, { k: 2 }).hits();
  });
  afterAll(() => index.delete());

  /** The last part of each path that was asked for meanwhile. */
  async function asked(work: () => Promise<unknown>): Promise<string[]> {
    proxy.seen.length = 0;
    await work();
    return proxy.seen.map(({ path }) => path.split("?")[0]?.split("/").at(-1) ?? "");
  }

  test("by a vector is one request", async () => {
    const search = () => dataset.sortBySimilarity({ vector: [1, 0] }, { k: 2 }).hits();
    expect(await asked(search)).toEqual(["_search"]);
  });

  test("by an id reads its vector first", async () => {
    const search = () => dataset.sortBySimilarity({ id: "b" }, { k: 2 }).hits();
    expect(await asked(search)).toEqual(["_search", "_search"]);
  });

  test("of a view is one request", async () => {
    const search = () =>
      dataset
        .limit(3)
        .sortBySimilarity({ vector: [1, 0] }, { k: 2 })
        .hits();
    expect(await asked(search)).toEqual(["_search"]);
  });

  test("for more than there are counts them", async () => {
    const search = () => dataset.sortBySimilarity({ vector: [1, 0] }, { k: 10 }).hits();
    expect(await asked(search)).toEqual(["_search", "_search"]);
  });
});

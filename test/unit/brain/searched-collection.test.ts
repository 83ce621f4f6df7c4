/** Searches in a row go to the collection that the first one opened, as long as it is there and one's own. */

import { beforeEach, describe, expect, test } from "vitest";
import type { BackendDriver } from "../../../core/backends/registry.ts";
import type { Dataset } from "../../../core/index.ts";
import { expectCode } from "../../contract/context.ts";
import type { ReferenceServer } from "../../contract/reference-backend.ts";
import { referenceDriver } from "../../support/reference-driver.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

const server: ReferenceServer = new Map();
let opened: unknown[];

const driver = referenceDriver({ server, capabilities: { publishes: true } });
const counting: BackendDriver = {
  ...driver,
  async connect(place, options) {
    const backend = await driver.connect(place, options);
    return {
      ...backend,
      open(name) {
        opened.push(options["token"]);
        return backend.open(name);
      },
    };
  },
};

describe("searches of an index on a server", () => {
  let dataset: Dataset;
  const search = (token?: string) =>
    dataset
      .sortBySimilarity({ id: "a" }, { k: 2, ...(token === undefined ? {} : { connection: { token } }) })
      .values("id");

  beforeEach(async () => {
    server.clear();
    opened = [];
    const ns = await temporaryNearsight({ backends: [counting] });
    dataset = await ns.createDataset("searched");
    await dataset.addSamples(["a", "b"].map((id) => ({ id, filepath: `/${id}.jpg` })));
    await dataset.computeSimilarity({
      backend: "reference",
      embeddings: [
        [1, 0],
        [0, 1],
      ],
    });
    opened = [];
  });

  test("open it once", async () => {
    expect(await search()).toEqual(["a", "b"]);
    expect(await search()).toEqual(["a", "b"]);
    expect(opened).toEqual([undefined]);
  });

  test("open it for each connection", async () => {
    await search();
    await search("secret");
    await search("secret");
    expect(opened).toEqual([undefined, "secret"]);
  });

  test("see that it is gone", async () => {
    await search();
    server.clear();
    await expectCode(() => search(), "INDEX_NOT_FOUND");
  });

  test("find what has taken its place", async () => {
    await search();
    const [[name, { spec }] = ["", { spec: null }]] = server;
    if (spec === null) throw new Error("Expected a collection but found none");
    const vector = Float32Array.of(1, 0);
    server.set(name, { spec, entries: new Map([["a", { id: "a", sampleId: "a", vector }]]) });
    expect(await search()).toEqual(["a"]);
  });
});

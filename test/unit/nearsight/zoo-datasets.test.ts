/** Loading data sets of the package through the root object. */

import { expect, it } from "vitest";
import { temporaryNearsight } from "../../support/temporary.ts";

it("loads a zoo data set once, and anew when asked", async () => {
  const ns = await temporaryNearsight();
  const first = await ns.loadZooDataset("quickstart", { maxSamples: 5 });
  await first.deleteSamples(await first.values<string>("id").then((ids) => ids.slice(0, 2)));
  expect(await (await ns.loadZooDataset("quickstart")).count()).toBe(3);
  const anew = await ns.loadZooDataset("quickstart", { dropExistingDataset: true });
  expect(await anew.count()).toBe(200);
  expect(await ns.listDatasets()).toEqual(["quickstart"]);
  await expect(ns.loadZooDataset("nothing")).rejects.toMatchObject({
    code: "ZOO_NAME_UNKNOWN",
    hint: expect.stringContaining("emoji"),
  });
});

it("fills a data set that a killed process left empty, under any name", async () => {
  const ns = await temporaryNearsight();
  await ns.createDataset("pictures");
  const emoji = await ns.loadZooDataset("emoji", { name: "pictures", maxSamples: 10 });
  expect(emoji.name).toBe("pictures");
  expect(await emoji.count()).toBe(10);
  expect(await emoji.distinct("style")).not.toEqual([]);
});

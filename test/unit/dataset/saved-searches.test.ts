/** Saved views that search for a bare string: of the library alone. */

import { expect, test } from "vitest";
import { useDatasets } from "./helpers.ts";

const { newDataset } = useDatasets();

test("a view saved with a search for an id or a prompt searches again", async () => {
  const dataset = await newDataset(4);
  await dataset.saveView("near", dataset.sortBySimilarity("an id or a prompt", { k: 2 }));
  expect(await (await dataset.loadView("near")).values("n")).toEqual([0, 1]);
});

/** The data sets of the package by name. */

import { NearsightError } from "../../errors.ts";
import { prepareEmoji } from "./emoji.ts";
import { prepareQuickstart } from "./quickstart.ts";
import type { ZooSample } from "./zoo-sample.ts";

const ZOO: Readonly<Record<string, (folder: string) => Promise<ZooSample[]>>> = {
  quickstart: prepareQuickstart,
  emoji: prepareEmoji,
};

/** Names that `loadZooDataset` takes. */
export function listZooDatasets(): readonly string[] {
  return Object.keys(ZOO);
}

/** Draws the pictures of a zoo data set into `folder` on first use and gives its samples; ZOO_NAME_UNKNOWN. */
export function prepareZooDataset(name: string, folder: string): Promise<ZooSample[]> {
  const prepare = Object.hasOwn(ZOO, name) ? ZOO[name] : undefined;
  if (prepare !== undefined) return prepare(folder);
  throw new NearsightError({
    code: "ZOO_NAME_UNKNOWN",
    message: `There is no zoo data set '${name}'`,
    hint: `Use one of: ${listZooDatasets().join(", ")}`,
    details: { name },
  });
}

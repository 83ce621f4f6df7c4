/** Lays SST's platform before the first test that evaluates a deployment; the first time it takes a minute. */

import { sstPlatform } from "../../tools/deploy/platform.ts";

/** Called by vitest before the first file of the project. */
export async function setup(): Promise<void> {
  await sstPlatform();
}

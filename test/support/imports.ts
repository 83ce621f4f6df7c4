/** Imports of tests: a new data set of a path, and folders with given files. */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Dataset } from "../../core/dataset/dataset.ts";
import type { ImportOptions, ImportReport } from "../../core/dataset/io-port.ts";
import type { Nearsight } from "../../core/nearsight.ts";
import { temporaryFolder } from "./temporary.ts";

/** Imports a path into a new data set. */
export async function importNew(
  ns: Nearsight,
  path: string,
  options: ImportOptions = {},
): Promise<{ dataset: Dataset; report: ImportReport }> {
  const dataset = await ns.createDataset();
  return { dataset, report: await dataset.addDir(path, options) };
}

/** A temporary folder with these files, by their paths in it. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** Index files in folders of their own. */

import { join } from "node:path";
import { IndexFile, makeIndexFile } from "../../../core/backends/local/file.ts";
import type { headerOf } from "../../../core/backends/local/spec.ts";
import { temporaryFolder } from "../../support/temporary.ts";

/** A file without entries, opened. */
export function newIndexFile(header: ReturnType<typeof headerOf>): IndexFile {
  const path = join(temporaryFolder(), "x.db");
  makeIndexFile(path, header, "{}");
  return new IndexFile(path, "x");
}

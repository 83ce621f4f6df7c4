/** Import and export of data sets: what `core/dataset` calls. */

import type { IoPort } from "../dataset/io-port.ts";
import { exportSamples } from "./export.ts";
import { addDir, checkImport } from "./import.ts";

/** The port that data sets and views read and write files through. */
export function createIo(): IoPort {
  return { checkImport, addDir, export: exportSamples };
}

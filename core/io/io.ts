/** Import and export of data sets: what `core/dataset` calls. Their code is loaded when it is first used. */

import type { IoPort } from "../dataset/io-port.ts";
import type { MediaSource } from "../media/media-source.ts";

/** The port that data sets and views read and write files through; `sources` are the places beside files. */
export function createIo(sources: readonly MediaSource[] = []): IoPort {
  return {
    async checkImport(path, options) {
      const { checkImport } = await import("./import.ts");
      return checkImport(path, options, sources);
    },
    async addDir(dataset, path, options) {
      const { addDir } = await import("./import.ts");
      return addDir(dataset, path, options, sources);
    },
    async export(samples, path, options) {
      const { exportSamples } = await import("./export.ts");
      return exportSamples(samples, path, options);
    },
  };
}

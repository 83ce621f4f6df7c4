/** The duplicates of an index over the API. */

import type { Duplicates } from "../core/dataset/duplicates-port.ts";
import { unsupported } from "./unsupported.ts";

const WHY = "it is not part of the API yet";

export function remoteDuplicates(): Duplicates {
  return {
    thresh: null,
    uniqueIds: null,
    duplicateIds: null,
    neighborsMap: null,
    findDuplicates: async () => unsupported("findDuplicates()", WHY),
    findUnique: async () => unsupported("findUnique()", WHY),
    duplicatesView: async () => unsupported("duplicatesView()", WHY),
    uniqueView: () => unsupported("uniqueView()", WHY),
    visualizeDuplicates: () => unsupported("visualizeDuplicates()", WHY),
    visualizeUnique: () => unsupported("visualizeUnique()", WHY),
    plotDistances: async () => unsupported("plotDistances()", WHY),
  };
}

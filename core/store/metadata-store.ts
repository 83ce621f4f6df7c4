/** The metadata store on a database: its parts put together. */

import type { StoreDatabase } from "./database.ts";
import { datasetStore } from "./datasets.ts";
import { entryStore } from "./entries.ts";
import { keyLeaseStore, underLease } from "./key-leases.ts";
import { pointStore } from "./points.ts";
import { runStore } from "./runs.ts";
import { sampleAddressStore } from "./sample-addresses.ts";
import { sampleStore } from "./samples.ts";
import { savedViewStore } from "./saved-views.ts";
import type { MetadataStore } from "./store.ts";
import { vectorStore } from "./vectors.ts";

export function storeOn(database: StoreDatabase): MetadataStore {
  return {
    datasets: datasetStore(database),
    samples: sampleStore(database),
    vectors: vectorStore(database),
    views: savedViewStore(database),
    runs: runStore(database),
    entries: entryStore(database),
    points: pointStore(database),
    keyLeases: keyLeaseStore(database),
    addresses: sampleAddressStore(database),
    under: (lease) => storeOn(underLease(database, lease)),
    check: () => database.check(),
    close: () => database.close(),
  };
}

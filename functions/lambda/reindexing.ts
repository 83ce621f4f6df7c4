/** Functions that keep data sets in step with buckets, in a container of their own. */

import { type Reindexer, reindexer } from "../events/reindexer.ts";
import { createContainer, type FunctionSpec } from "./container.ts";

/** The handlers for a queue and for a schedule, on what `NEARSIGHT_SOURCES` names. */
export function reindexing(spec: FunctionSpec): Reindexer {
  const { log, nearsight, resources } = createContainer(spec);
  return reindexer({
    nearsight,
    sources: resources.api.sources,
    report({ uri, dataset, outcome, error }) {
      const facts = { uri: uri ?? undefined, dataset: dataset ?? undefined, outcome };
      if (error === undefined) log.info("key", facts);
      else log.error("key", error, facts);
    },
  });
}

/** The functions that keep data sets in step with buckets: one for the messages of a queue, one for a schedule. */

import type { Context, ScheduledHandler, SQSHandler } from "aws-lambda";
import { isNearsightError, type Nearsight } from "../../core/index.ts";
import { datasetsByName, type FollowedSource, type KeyReport, reindex } from "./reindex.ts";

/** Kept for the answer: what is not done by then comes again. */
const ANSWER_MS = 5_000;

export interface ReindexerOptions {
  /** The installation; asked by each invocation. */
  readonly nearsight: () => Promise<Nearsight>;
  readonly sources: readonly FollowedSource[];
  readonly report: (report: KeyReport) => void;
}

export interface Reindexer {
  /** Takes messages of a queue, and names those that have to come again. */
  readonly handler: SQSHandler;
  /** Repairs what no message told of: every source is compared with its data set. Goes on with the next schedule. */
  readonly repair: ScheduledHandler;
}

/** The two handlers, for who has an installation. */
export function reindexer({ nearsight, sources, report }: ReindexerOptions): Reindexer {
  return {
    async handler(event, context) {
      const signal = timeOf(context);
      return reindex(event, { nearsight: await nearsight(), sources, report, signal });
    },
    async repair(_event, context) {
      const signal = timeOf(context);
      const datasetOf = datasetsByName(await nearsight());
      const errors: unknown[] = [];
      for (const { address, dataset } of sources) {
        try {
          const { failed } = await (await datasetOf(dataset)).sync(address, { signal });
          for (const { path, reason } of failed) {
            report({ uri: path, dataset, outcome: "failed", error: new Error(reason) });
          }
        } catch (error) {
          report({ uri: address, dataset, outcome: "failed", error });
          errors.push(error);
        }
      }
      // Out of time is no failure: the next schedule finds less to do.
      const [first] = errors.filter((error) => !isNearsightError(error, "ABORTED"));
      if (first !== undefined) throw first;
    },
  };
}

/** Fires a little before the function is ended; of little time half is kept. */
function timeOf(context: Context): AbortSignal {
  const left = context.getRemainingTimeInMillis();
  const time = Math.max(left - ANSWER_MS, left / 2);
  return time > 0 ? AbortSignal.timeout(time) : AbortSignal.abort();
}

/** Looks at the keys that messages of a queue tell of, and tells which messages have to come again. */

import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import pMap from "p-map";
import {
  type Dataset,
  isFollowed,
  isNearsightError,
  type KeyOutcome,
  type Nearsight,
} from "../../core/index.ts";
import { keysOf } from "./keys.ts";

/** Keys looked at at the same time: mostly waiting for the bucket. */
const CONCURRENCY = 4;

/** A bucket or folder that a data set follows. */
export interface FollowedSource {
  /** Such as `s3://bucket/folder`. */
  readonly address: string;
  /** Name of the data set; made where there is none. */
  readonly dataset: string;
}

/** What became of one key in one data set, or why a message was not understood. */
export interface KeyReport {
  readonly uri: string | null;
  readonly dataset: string | null;
  readonly outcome: KeyOutcome | "failed";
  readonly error?: unknown;
}

export interface ReindexOptions {
  readonly nearsight: Nearsight;
  readonly sources: readonly FollowedSource[];
  /** Told of each key that was looked at. */
  readonly report: (report: KeyReport) => void;
  /** When it fires, what is not done comes again. */
  readonly signal?: AbortSignal;
}

/**
 * Makes the data sets match the bucket for every key that the messages tell of. Only messages fail that are of no known
 * kind, or with a key that failed; keys that no source has, pictures in hidden folders and other files are left alone.
 *
 * @example
 * const { batchItemFailures } = await reindex(event, { nearsight, sources, report: console.log });
 */
export async function reindex({ Records }: SQSEvent, options: ReindexOptions): Promise<SQSBatchResponse> {
  const keys = Records.map((record) => addressesOf(record, options));
  // Messages that tell of one key share one look at it.
  const uris = [...new Set(keys.flatMap((found) => found ?? []))];
  const datasets = datasetsByName(options.nearsight);
  const done = await pMap(uris, (uri) => lookAt(uri, datasets, options), { concurrency: CONCURRENCY });
  const failed = new Set(uris.filter((_, i) => done[i] === false));
  const again = Records.filter((_, i) => keys[i]?.some((uri) => failed.has(uri)) ?? true);
  return { batchItemFailures: again.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

/** Null for a message that is not understood. */
function addressesOf({ body }: SQSRecord, { report }: ReindexOptions): string[] | null {
  try {
    return keysOf(body);
  } catch (error) {
    report({ uri: null, dataset: null, outcome: "failed", error });
    return null;
  }
}

/** False where a data set that follows the key could not be made to match it. */
async function lookAt(
  uri: string,
  datasetOf: (name: string) => Promise<Dataset>,
  { sources, report, signal }: ReindexOptions,
): Promise<boolean> {
  let isDone = true;
  for (const { address, dataset } of sources) {
    if (!isFollowed(address, uri)) continue;
    try {
      const held = signal === undefined ? {} : { signal };
      report({ uri, dataset, outcome: await (await datasetOf(dataset)).reconcile(uri, held) });
    } catch (error) {
      report({ uri, dataset, outcome: "failed", error });
      isDone = false;
    }
  }
  return isDone;
}

/** Data sets by name, each opened once and made where there is none. */
export function datasetsByName(nearsight: Nearsight): (name: string) => Promise<Dataset> {
  const opened = new Map<string, Promise<Dataset>>();
  return (name) => {
    const dataset = opened.get(name) ?? openDataset(nearsight, name);
    opened.set(name, dataset);
    return dataset;
  };
}

async function openDataset(nearsight: Nearsight, name: string): Promise<Dataset> {
  try {
    return await nearsight.loadDataset(name);
  } catch (error) {
    if (!isNearsightError(error, "DATASET_NOT_FOUND")) throw error;
  }
  try {
    return await nearsight.createDataset(name);
  } catch (error) {
    // Another function has made it meanwhile.
    if (!isNearsightError(error, "DATASET_EXISTS")) throw error;
    return nearsight.loadDataset(name);
  }
}

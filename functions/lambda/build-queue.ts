/** Builds that go through SQS: planned by the function that was asked, done by others. */

import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, SQSClient } from "@aws-sdk/client-sqs";
import { type BatchRef, type BuildQueue, type Installation, NearsightError } from "../../core/index.ts";
import type { BuildService } from "../builds.ts";
import type { Container } from "./container.ts";

/** What SQS takes in one call. */
const MOST_MESSAGES = 10;
/** A message that is refused once may be taken the next time. */
const MOST_TRIES = 3;

/** Sends parts of builds as messages, one each. BACKEND_UNAVAILABLE where SQS refuses some of them. */
export function sqsQueue(url: string, client = new SQSClient({})): BuildQueue {
  async function send(entries: readonly SendMessageBatchRequestEntry[], tries: number): Promise<void> {
    const command = new SendMessageBatchCommand({ QueueUrl: url, Entries: [...entries] });
    const { Failed: failed = [] } = await client.send(command);
    if (failed.length === 0) return;
    if (tries >= MOST_TRIES || failed.some(({ SenderFault: isOurs }) => isOurs))
      throw notSent(failed[0]?.Code);
    const left = new Set(failed.map(({ Id }) => Id));
    await send(
      entries.filter(({ Id }) => left.has(Id)),
      tries + 1,
    );
  }

  return {
    async send(batches) {
      for (let start = 0; start < batches.length; start += MOST_MESSAGES) {
        const some = batches.slice(start, start + MOST_MESSAGES);
        await send(
          some.map((batch, at) => ({ Id: String(at), MessageBody: JSON.stringify(batch) })),
          1,
        );
      }
    },
  };
}

/** The part of a build that a message names; null where it is none. */
export function batchOf(message: string): BatchRef | null {
  try {
    const { runId, epoch, after, through } = JSON.parse(message);
    const isBatch = typeof runId === "string" && [epoch, after, through].every(Number.isSafeInteger);
    return isBatch ? { runId, epoch, after, through } : null;
  } catch {
    return null;
  }
}

/** Builds of a function that has a queue. Without one it could not go on after its answer. */
export function queuedBuilds(container: Container): BuildService {
  const { buildQueueUrl } = container.resources;
  if (buildQueueUrl === null) throw noQueue();
  const queue = sqsQueue(buildQueueUrl);
  const nearsight = (): Promise<Installation> => container.nearsight();
  return {
    // Others do them.
    running: 0,
    async start(samples, options) {
      await (await nearsight()).planSimilarity(samples, options, { queue });
      return samples.dataset.getBrainInfo(options.brainKey);
    },
    async resume(dataset, brainKey) {
      await (await nearsight()).planMissing(dataset, brainKey, { queue });
      return dataset.getBrainInfo(brainKey);
    },
    async copy() {
      throw noCopy();
    },
    async info(dataset, brainKey) {
      // Others build: why one of them failed is in the record.
      return { info: await dataset.getBrainInfo(brainKey), problem: undefined };
    },
    async cancel(dataset, brainKey) {
      return (await nearsight()).cancelBuild(dataset, brainKey);
    },
    async close() {},
  };
}

function noCopy(): NearsightError {
  return new NearsightError({
    code: "REMOTE_UNSUPPORTED",
    message: "Functions of Lambda make no copies of runs, which cannot be cut into parts",
    hint: "Call dataset.copyRun() in a process of your own that is opened on the same store",
  });
}

function noQueue(): NearsightError {
  return new NearsightError({
    code: "CONFIG_INVALID",
    message: "Expected the address of a queue for builds but found none",
    hint: "Link the queue NearsightBuilds, or set NEARSIGHT_BUILD_QUEUE_URL",
    details: { variable: "NEARSIGHT_BUILD_QUEUE_URL" },
  });
}

function notSent(code: string | undefined): NearsightError {
  return new NearsightError({
    code: "BACKEND_UNAVAILABLE",
    message: `SQS did not take a part of the build: ${code ?? "it gave no reason"}`,
    hint: "Start the build again: it goes on where it stopped",
  });
}

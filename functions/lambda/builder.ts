/** Functions that SQS calls with parts of builds: one does them, the other gives up what nobody could do. */

import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import type { SQSHandler, SQSRecord } from "aws-lambda";
import { type BatchOutcome, type BatchRef, type Installation, NearsightError } from "../../core/index.ts";
import { batchOf } from "./build-queue.ts";
import { type Container, createContainer, type FunctionSpec } from "./container.ts";
import { startDeadline } from "./deadline.ts";

export interface Builder {
  /** Does parts. Those that fail, or that time is too short for, come again by themselves. */
  readonly handler: SQSHandler;
  /** Takes the queue's dead letters: their entries have failed, so that the run ends, `partial`. */
  readonly deadLetters: SQSHandler;
}

type Work = (nearsight: Installation, batch: BatchRef, signal: AbortSignal) => Promise<BatchOutcome>;

/** The handlers of a builder, which share one container. */
export function builder(spec: FunctionSpec): Builder {
  const container = createContainer(spec);
  return {
    handler: handlerOf(container, "part", (nearsight, batch, signal) =>
      nearsight.runBatch(batch, { signal }),
    ),
    deadLetters: handlerOf(container, "dead letter", (nearsight, batch) =>
      nearsight.giveUpBatch(batch, "it was tried as often as the queue allows; the log has the reasons"),
    ),
  };
}

function handlerOf(container: Container, name: string, work: Work): SQSHandler {
  const processor = new BatchProcessor(EventType.SQS);
  return async (event, context) => {
    const { log } = container;
    log.begin(context);
    const deadline = startDeadline(context.getRemainingTimeInMillis());
    const one = (record: SQSRecord) => handleOne(container, name, record, deadline.signal, work);
    try {
      return await processPartialResponse(event, one, processor, { context, throwOnFullBatchFailure: false });
    } finally {
      deadline.end();
      log.end();
    }
  };
}

async function handleOne(
  { log, nearsight }: Container,
  name: string,
  { messageId, body }: SQSRecord,
  signal: AbortSignal,
  work: Work,
): Promise<void> {
  const begun = performance.now();
  const batch = batchOf(body);
  try {
    if (batch === null) throw noBatch();
    signal.throwIfAborted();
    const installation = await nearsight();
    const outcome = await log.traced(name, () => work(installation, batch, signal));
    const milliseconds = Math.round(performance.now() - begun);
    log.info(name, { messageId, ...batch, outcome, milliseconds });
    log.count(outcome === "superseded" ? "Superseded" : "Done", milliseconds);
  } catch (error) {
    log.error(name, signal.aborted ? signal.reason : error, { messageId, ...batch });
    log.count("Failed");
    throw error;
  }
}

function noBatch(): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: "Expected a message that names a part of a build but found another",
    hint: "Let nothing else write to the queue of builds",
  });
}

/** What AWS has between a queue and a function: reads messages, calls the function, deletes those it did not name as failed. */

import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSBatchResponse } from "aws-lambda";
import type { LambdaFunction } from "./lambda-service.ts";

/** How one call of the function went. */
export interface Delivery {
  readonly received: number;
  /** Messages that the function named as failed; all of them where it was killed. */
  readonly failed: number;
}

/** Takes up to `most` messages to the function; null where there are none now. */
export async function deliverOnce(
  client: SQSClient,
  queueUrl: string,
  called: () => LambdaFunction,
  most = 1,
): Promise<Delivery | null> {
  const { Messages: messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: most,
      WaitTimeSeconds: 1,
      MessageSystemAttributeNames: ["All"],
    }),
  );
  if (messages.length === 0) return null;
  const { isError, payload } = await called().invoke({ Records: messages.map(record) });
  const { batchItemFailures = [] } = isError ? {} : (JSON.parse(payload) as SQSBatchResponse);
  const failed = new Set(
    isError ? messages.map(idOf) : batchItemFailures.map(({ itemIdentifier }) => itemIdentifier),
  );
  const done = messages.filter((message) => !failed.has(idOf(message)));
  if (done.length > 0) {
    const entries = done.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
    await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
  }
  return { received: messages.length, failed: failed.size };
}

function idOf({ MessageId: id = "" }: Message): string {
  return id;
}

function record(message: Message) {
  return {
    messageId: idOf(message),
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes,
    messageAttributes: {},
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:builds",
    awsRegion: "us-east-1",
  };
}

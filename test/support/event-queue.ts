/** A real queue with its dead letters, and what AWS's event source mapping does between it and a handler. */

import { randomUUID } from "node:crypto";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSHandler } from "aws-lambda";
import { invocation, queueEvent } from "./bucket-events.ts";
import type { AwsAddress } from "./servers.ts";

/** A message that failed so often is a dead letter. */
const MOST_RECEIVES = 3;
/** As AWS's mapping has it by default. */
const BATCH_SIZE = 10;

export interface EventQueue {
  readonly arn: string;
  send(message: string): Promise<void>;
  /** Hands messages to the handler, and those that failed again, until `isDone` or the test is out of time. */
  deliver(handler: SQSHandler, isDone: () => Promise<boolean>): Promise<void>;
  /** Throws away what waits. */
  purge(): Promise<void>;
  /** Bodies of the dead letters there are. */
  deadLetters(): Promise<string[]>;
  close(): void;
}

export async function createQueue({ endpoint, ...credentials }: AwsAddress): Promise<EventQueue> {
  const client = new SQSClient({ endpoint, region: "us-east-1", credentials });
  const name = `keys-${randomUUID()}`;
  const dead = await create(`${name}-dead`, {});
  const policy = { deadLetterTargetArn: dead.arn, maxReceiveCount: String(MOST_RECEIVES) };
  const { url, arn } = await create(name, { RedrivePolicy: JSON.stringify(policy) });

  async function create(queue: string, attributes: Record<string, string>) {
    const { QueueUrl: at = "" } = await client.send(
      new CreateQueueCommand({ QueueName: queue, Attributes: attributes }),
    );
    const request = new GetQueueAttributesCommand({ QueueUrl: at, AttributeNames: ["QueueArn"] });
    const { Attributes } = await client.send(request);
    return { url: at, arn: Attributes?.["QueueArn"] ?? "" };
  }

  async function receive(from: string): Promise<Message[]> {
    const request = { QueueUrl: from, MaxNumberOfMessages: BATCH_SIZE, WaitTimeSeconds: 1 };
    return (await client.send(new ReceiveMessageCommand(request))).Messages ?? [];
  }

  async function invoke(handler: SQSHandler, messages: readonly Message[]): Promise<void> {
    const event = queueEvent(messages.map(({ Body = "" }) => Body));
    const answer = (await handler(event, invocation(), () => undefined)) as SQSBatchResponse;
    const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const [i, { ReceiptHandle }] of messages.entries()) {
      const message = { QueueUrl: url, ReceiptHandle };
      // A message that failed comes again at once: the test need not wait for its time-out.
      if (!failed.has(String(i))) await client.send(new DeleteMessageCommand(message));
      else await client.send(new ChangeMessageVisibilityCommand({ ...message, VisibilityTimeout: 0 }));
    }
  }

  return {
    arn,
    async send(message) {
      await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: message }));
    },
    async deliver(handler, isDone) {
      do {
        const messages = await receive(url);
        if (messages.length > 0) await invoke(handler, messages);
      } while (!(await isDone()));
    },
    async purge() {
      await client.send(new PurgeQueueCommand({ QueueUrl: url }));
    },
    deadLetters: async () => (await receive(dead.url)).map(({ Body = "" }) => Body),
    close: () => client.destroy(),
  };
}

/** What buckets write into queues of each event, in the shapes of S3, MinIO, EventBridge and SNS. */

import type { Context, SQSEvent } from "aws-lambda";
import { encodeKey } from "./bucket-server.ts";

/** S3's own notification; the values beside names and keys are made up. */
export function notification(bucket: string, key: string, eventName = "ObjectCreated:Put"): string {
  const object = { key: encodeKey(key), size: 68, eTag: "f97c", versionId: "v1", sequencer: "0A1B2C" };
  return JSON.stringify({
    Records: [
      {
        eventVersion: "2.1",
        eventSource: "aws:s3",
        awsRegion: "eu-central-1",
        eventTime: "2026-11-21T12:00:00.000Z",
        eventName,
        s3: { s3SchemaVersion: "1.0", bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` }, object },
      },
    ],
  });
}

/** MinIO's: other names, and slashes of keys encoded as well. */
export function minioNotification(bucket: string, key: string): string {
  const object = { key: encodeURIComponent(key).replaceAll("%20", "+"), sequencer: "17B2" };
  const record = { eventSource: "minio:s3", eventName: "s3:ObjectCreated:Put", awsRegion: "" };
  const s3 = { bucket: { name: bucket }, object };
  return JSON.stringify({
    EventName: record.eventName,
    Key: `${bucket}/${key}`,
    Records: [{ ...record, s3 }],
  });
}

/** S3 by way of EventBridge. */
export function bridged(bucket: string, key: string, type = "Object Created"): string {
  return JSON.stringify({
    version: "0",
    "detail-type": type,
    source: "aws.s3",
    detail: {
      version: "0",
      bucket: { name: bucket },
      object: { key, size: 68, "version-id": "v1" },
      reason: "PutObject",
    },
  });
}

/** Any message by way of SNS without raw delivery. */
export function fromTopic(message: string): string {
  return JSON.stringify({
    Type: "Notification",
    MessageId: "m",
    TopicArn: "arn:aws:sns:x",
    Message: message,
  });
}

export const TEST_EVENT = JSON.stringify({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "photos" });

/** Messages as an event source mapping hands them over: their ids are `0`, `1` and so on. */
export function queueEvent(bodies: readonly string[]): SQSEvent {
  const attributes = {
    ApproximateReceiveCount: "1",
    SentTimestamp: "1795262400000",
    SenderId: "000000000000",
    ApproximateFirstReceiveTimestamp: "1795262400001",
  };
  const Records = bodies.map((body, i) => ({
    ...{ messageId: String(i), receiptHandle: String(i), body, attributes, messageAttributes: {} },
    ...{ md5OfBody: "", eventSource: "aws:sqs", eventSourceARN: "arn:aws:sqs:x:0:keys", awsRegion: "x" },
  }));
  return { Records };
}

/** An invocation with so much time left. */
export function invocation(milliseconds = 60_000): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: "reindex",
    functionVersion: "1",
    invokedFunctionArn: "arn:aws:lambda:x:0:function:reindex",
    memoryLimitInMB: "1024",
    awsRequestId: "request",
    logGroupName: "group",
    logStreamName: "stream",
    getRemainingTimeInMillis: () => milliseconds,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}

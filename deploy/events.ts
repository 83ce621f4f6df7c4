/** Tells the reindex queue of every object of the bucket that came, changed or went. */

import type { Feed } from "./queues.ts";
import type { DeploySettings } from "./settings.ts";

const EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"];

/**
 * Written without `Bucket.notify`, whose policy lets the buckets of any account, topics and event buses write into the
 * queue. This one names the bucket and its account.
 */
export function sendEvents(bucket: sst.aws.Bucket, { queue }: Feed, { prefix }: DeploySettings): void {
  const policy = new aws.sqs.QueuePolicy("ReindexEvents", {
    queueUrl: queue.url,
    policy: aws.iam.getPolicyDocumentOutput({
      statements: [
        {
          actions: ["sqs:SendMessage"],
          resources: [queue.arn],
          principals: [{ type: "Service", identifiers: ["s3.amazonaws.com"] }],
          conditions: [
            { test: "ArnEquals", variable: "aws:SourceArn", values: [bucket.arn] },
            {
              test: "StringEquals",
              variable: "aws:SourceAccount",
              values: [aws.getCallerIdentityOutput().accountId],
            },
          ],
        },
      ],
    }).json,
  });
  new aws.s3.BucketNotification(
    "ImagesEvents",
    {
      bucket: bucket.name,
      queues: [{ id: "reindex", queueArn: queue.arn, events: EVENTS, filterPrefix: prefix }],
    },
    { dependsOn: policy },
  );
}

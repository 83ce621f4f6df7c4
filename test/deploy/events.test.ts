/** The way of an image: bucket, events, queue, function; and the way of a build's batches. */

import { beforeAll, describe, expect, test } from "vitest";
import { ACCOUNT } from "../../tools/deploy/cloud.ts";
import { capital, Deployment, statementsOf } from "../support/deployment.ts";

/** Function, queue, and how many of the function there may be. */
const FEEDS = [
  ["reindex", "ReindexMessages", 10],
  ["build", "BuildMessages", 10],
  ["giveUp", "BuildDeadLetters", 2],
] as const;

let deployment: Deployment;

beforeAll(async () => {
  deployment = await Deployment.of({ DEPLOY_PREFIX: "photos/" });
});

describe("the bucket", () => {
  test("is open to nobody, and takes no plain HTTP", () => {
    expect(
      deployment.inputs("s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "ImagesPublicAccessBlock"),
    ).toMatchObject({
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const { policy } = deployment.inputs("s3/bucketPolicy:BucketPolicy", "ImagesPolicy");
    expect(statementsOf(policy)).toEqual([
      {
        Effect: "Deny",
        Principal: { "*": ["*"] },
        Action: ["s3:*"],
        Resource: ["arn:aws:s3:::imagesbucket", "arn:aws:s3:::imagesbucket/*"],
        Condition: { Bool: { "aws:SecureTransport": ["false"] } },
      },
    ]);
  });

  test("is never emptied", () => {
    expect(deployment.inputs("s3/bucket:Bucket", "ImagesBucket")).toMatchObject({ forceDestroy: false });
  });

  test("forgets uploads that were not finished", () => {
    const { rules } = deployment.inputs(
      "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
      "ImagesLifecycle",
    );
    expect(rules).toEqual([
      {
        id: "unfinished-uploads",
        status: "Enabled",
        filter: { prefix: "" },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
      },
    ]);
  });

  test("answers no page of another origin", () => {
    expect(deployment.all("s3/bucketCorsConfiguration:BucketCorsConfiguration")).toEqual([]);
  });

  test("answers the pages that are named", async () => {
    const open = await Deployment.of({ NEARSIGHT_API_ORIGINS: "https://app.example.org" });
    const { corsRules } = open.inputs("s3/bucketCorsConfiguration:BucketCorsConfiguration", "ImagesCors");
    expect(corsRules).toMatchObject([
      { allowedOrigins: ["https://app.example.org"], allowedMethods: ["GET", "HEAD", "POST"] },
    ]);
  });

  test("tells the reindex queue of images that came, changed or went, and of nothing else", () => {
    const { bucket, queues, topics, lambdaFunctions } = deployment.inputs(
      "s3/bucketNotification:BucketNotification",
      "ImagesEvents",
    );
    expect({ bucket, queues, others: [...(topics ?? []), ...(lambdaFunctions ?? [])] }).toEqual({
      bucket: "imagesbucket",
      queues: [
        {
          id: "reindex",
          queueArn: expect.stringMatching(/:ReindexMessagesQueue$/),
          events: ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"],
          filterPrefix: "photos/",
        },
      ],
      others: [],
    });
  });
});

describe("the queue of events", () => {
  test("takes messages of this bucket of this account alone", () => {
    const policies = deployment.all("sqs/queuePolicy:QueuePolicy");
    expect(policies.map(({ name }) => name)).toEqual(["ReindexEvents"]);
    expect(statementsOf(String(policies[0]?.inputs["policy"]))).toEqual([
      {
        Effect: "Allow",
        Principal: { Service: ["s3.amazonaws.com"] },
        Action: ["sqs:SendMessage"],
        Resource: [expect.stringMatching(/:ReindexMessagesQueue$/)],
        Condition: {
          ArnEquals: { "aws:SourceArn": ["arn:aws:s3:::imagesbucket"] },
          StringEquals: { "aws:SourceAccount": [ACCOUNT] },
        },
      },
    ]);
  });
});

describe.each(FEEDS)("the queue of %s", (role, name, instances) => {
  const mapping = () => {
    const all = deployment.all("lambda/eventSourceMapping:EventSourceMapping");
    return all.find(({ inputs }) => String(inputs["eventSourceArn"]).endsWith(`:${name}Queue`))?.inputs;
  };

  test("hides a message for at least six times as long as its function may take, and at most 12 hours", () => {
    const { visibilityTimeoutSeconds } = deployment.inputs("sqs/queue:Queue", `${name}Queue`);
    expect(visibilityTimeoutSeconds).toBeGreaterThanOrEqual(6 * deployment.function(role).timeout);
    expect(visibilityTimeoutSeconds).toBeLessThanOrEqual(43_200);
  });

  test("calls its function, which says which messages failed", () => {
    expect(mapping()).toMatchObject({
      functionName: expect.stringMatching(new RegExp(`:${capital(role)}Function$`)),
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency: instances },
    });
  });
});

test.each(["Reindex", "Build"])(
  "a message of %s is tried five times, and kept apart for 14 days then",
  (name) => {
    const { redrivePolicy } = deployment.inputs("sqs/queue:Queue", `${name}MessagesQueue`);
    expect(JSON.parse(redrivePolicy)).toEqual({
      deadLetterTargetArn: expect.stringMatching(new RegExp(`:${name}DeadLettersQueue$`)),
      maxReceiveCount: 5,
    });
    const { redrivePolicy: ofDeadLetters, ...deadLetters } = deployment.inputs(
      "sqs/queue:Queue",
      `${name}DeadLettersQueue`,
    );
    expect(ofDeadLetters).toBeUndefined();
    expect(deadLetters).toMatchObject({ messageRetentionSeconds: 1_209_600, sqsManagedSseEnabled: true });
    const { redriveAllowPolicy } = deployment.inputs(
      "sqs/redriveAllowPolicy:RedriveAllowPolicy",
      `${name}Redrive`,
    );
    expect(JSON.parse(redriveAllowPolicy)).toEqual({
      redrivePermission: "byQueue",
      sourceQueueArns: [expect.stringMatching(new RegExp(`:${name}MessagesQueue$`))],
    });
  },
);

test("images are taken ten at a time, batches of a build one by one", () => {
  const sizes = deployment
    .all("lambda/eventSourceMapping:EventSourceMapping")
    .map(({ inputs }) => [
      inputs["functionName"],
      inputs["batchSize"],
      inputs["maximumBatchingWindowInSeconds"],
    ]);
  expect(sizes.toSorted()).toEqual([
    [expect.stringMatching(/:BuildFunction$/), 1, 0],
    [expect.stringMatching(/:GiveUpFunction$/), 10, 5],
    [expect.stringMatching(/:ReindexFunction$/), 10, 5],
  ]);
});

test("the bucket is compared with the data set once a day, in UTC", () => {
  expect(deployment.all("scheduler/schedule:Schedule").map(({ inputs }) => inputs)).toMatchObject([
    {
      scheduleExpression: "rate(1 day)",
      scheduleExpressionTimezone: "UTC",
      state: "ENABLED",
      target: { arn: expect.stringMatching(/:SyncFunction$/), retryPolicy: { maximumRetryAttempts: 2 } },
    },
  ]);
});

/** The packed function for events of buckets under AWS's runtime client: messages of a queue, and EventBridge's schedule. */

import { beforeAll, expect, test } from "vitest";
import { sqsEvent } from "../support/lambda-events.ts";
import { packedFunction } from "../support/packed-function.ts";

const SCHEDULE = { "detail-type": "Scheduled Event", source: "aws.events", detail: {} };
const TEST_EVENT = JSON.stringify({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "photos" });
const ELSEWHERE = JSON.stringify({
  Records: [
    { eventName: "ObjectCreated:Put", s3: { bucket: { name: "other" }, object: { key: "a+b.png" } } },
  ],
});

let environment: Record<string, string>;
beforeAll(() => {
  const sources = [{ address: "s3://photos/images", dataset: "photos" }];
  // Nothing listens there.
  environment = { NEARSIGHT_SOURCES: JSON.stringify(sources), AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9" };
});

test("names the messages alone that are none of a bucket", async () => {
  const reindex = await packedFunction("reindex", "elasticsearch", { environment });
  const { payload } = await reindex.invoke(sqsEvent([TEST_EVENT, "{}", ELSEWHERE, "no JSON"]));
  expect(JSON.parse(payload)).toEqual({
    batchItemFailures: [{ itemIdentifier: "message-1" }, { itemIdentifier: "message-3" }],
  });
});

test("by a schedule fails where a bucket cannot be read, and has nothing to do without one", async () => {
  const options = { handler: "index.repair" };
  const lost = await packedFunction("reindex", "elasticsearch", { ...options, environment });
  expect((await lost.invoke(SCHEDULE)).isError).toBe(true);
  const idle = await packedFunction("reindex", "elasticsearch", options);
  expect((await idle.invoke(SCHEDULE)).isError).toBe(false);
});

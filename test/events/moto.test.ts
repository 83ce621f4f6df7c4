/** Events of buckets on moto, which writes them into its own queues as S3 does. */

import { PutBucketNotificationConfigurationCommand } from "@aws-sdk/client-s3";
import { testEvents } from "../support/events-on-server.ts";
import { motoServer } from "../support/servers.ts";

testEvents("moto", async () => ({
  buckets: motoServer(),
  queues: motoServer(),
  async connect(client, bucket, { arn }) {
    const events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"] as const;
    await client.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: bucket,
        NotificationConfiguration: { QueueConfigurations: [{ QueueArn: arn, Events: [...events] }] },
      }),
    );
  },
}));

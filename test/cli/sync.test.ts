/** The command that follows a bucket, as a process of its own. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BucketServer, settingsOf, startBucketServer } from "../support/bucket-server.ts";
import { type CommandLine, commandLine } from "../support/command-line.ts";
import { picture } from "../support/synced.ts";
import { temporaryFolder } from "../support/temporary.ts";

describe("nearsight sync", () => {
  let server: BucketServer;
  let nearsight: CommandLine;
  beforeAll(async () => {
    server = await startBucketServer();
    const { endpoint, accessKeyId, secretAccessKey } = settingsOf(server);
    nearsight = commandLine(temporaryFolder(), {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    });
  });
  afterAll(() => server.close());

  test("makes a data set that follows the bucket, and tells what it did", async () => {
    server.put("a b.png", picture("red"));
    server.put("c.png", picture("green"));
    const { code, stdout } = await nearsight.run("sync", "s3://photos", "--dataset", "photos");
    expect([code, stdout]).toEqual([0, "Data set photos: 2 added, 0 updated, 0 deleted, 0 unchanged\n"]);
    server.delete("c.png");
    expect(await nearsight.json(["sync", "s3://photos", "--dataset", "photos"])).toEqual({
      dataset: "photos",
      ...{ added: 0, updated: 0, deleted: 1, unchanged: 1, failed: [] },
    });
  });

  test("leaves no data set behind where the bucket cannot be read", async () => {
    const outcome = await nearsight.run("sync", "s3://nobody", "--dataset", "other");
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain("NoSuchBucket");
    expect((await nearsight.json<{ datasets: unknown[] }>(["datasets", "list"])).datasets).toHaveLength(1);
  });

  test("asks for the data set", async () => {
    expect((await nearsight.run("sync", "s3://photos")).code).toBe(2);
  });
});

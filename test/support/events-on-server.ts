/** From a put into a bucket of a real server to a search that finds it, by way of a real queue. */

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Dataset, Nearsight } from "../../core/index.ts";
import { type Reindexer, reindexer } from "../../functions/events/reindexer.ts";
import { invocation } from "./bucket-events.ts";
import { colourModel } from "./colour-model.ts";
import { createQueue, type EventQueue } from "./event-queue.ts";
import type { AwsAddress } from "./servers.ts";
import { BRAIN_KEY, picture } from "./synced.ts";
import { temporaryNearsight } from "./temporary.ts";

const BUCKET = "photos";
const ODD_KEY = "in/größe #1+2%/日本 🐈.png";

/** A server of buckets, the queue's server, and how events get from one to the other. */
export interface EventfulServer {
  readonly buckets: AwsAddress;
  readonly queues: AwsAddress;
  connect(client: S3Client, bucket: string, queue: EventQueue): Promise<void>;
}

export function testEvents(name: string, start: () => Promise<EventfulServer>): void {
  describe(`buckets on ${name}`, () => {
    let client: S3Client;
    let queue: EventQueue;
    let dataset: Dataset;
    let nearsight: Nearsight;
    let functions: Reindexer;

    beforeAll(async () => {
      const server = await start();
      const { endpoint, ...credentials } = server.buckets;
      client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
      queue = await createQueue(server.queues);
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      await server.connect(client, BUCKET, queue);
      nearsight = await temporaryNearsight({
        models: { colours: colourModel() },
        config: { s3: server.buckets },
      });
      dataset = await nearsight.createDataset("photos");
      await dataset.computeSimilarity({ brainKey: BRAIN_KEY, model: "colours" });
      const sources = [{ address: `s3://${BUCKET}/in`, dataset: "photos" }];
      functions = reindexer({ nearsight: async () => nearsight, sources, report: () => {} });
    });
    afterAll(() => {
      client.destroy();
      queue.close();
    });

    const put = (key: string, content: Uint8Array | string) =>
      client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: content }));
    const remove = (key: string) => client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
    const uri = (key: string) => `s3://${BUCKET}/${key}`;

    /** The keys' addresses, those most like the colour first. */
    const like = (colour: string) =>
      dataset.sortBySimilarity({ prompt: colour }, { brainKey: BRAIN_KEY }).values<string>("filepath");
    const deliverUntil = (isDone: () => Promise<boolean>) => queue.deliver(functions.handler, isDone);
    const nearest = async (colour: string) => (await like(colour))[0];

    test("a picture that is put is found", async () => {
      await put(ODD_KEY, picture("red"));
      await put("in/b.png", picture("green"));
      await put("out/c.png", picture("blue"));
      await deliverUntil(async () => (await dataset.count()) === 2);
      await deliverUntil(async () => (await nearest("red")) === uri(ODD_KEY));
      expect(await like("green")).toEqual([uri("in/b.png"), uri(ODD_KEY)]);
    });

    test("one that is overwritten has other neighbours", async () => {
      await put("in/b.png", picture("blue"));
      await put(ODD_KEY, picture("green"));
      await deliverUntil(async () => (await nearest("blue")) === uri("in/b.png"));
      await deliverUntil(async () => (await nearest("green")) === uri(ODD_KEY));
      expect(await dataset.count()).toBe(2);
    });

    test("one that is deleted is gone", async () => {
      await remove(ODD_KEY);
      await deliverUntil(async () => (await dataset.count()) === 1);
      expect(await like("green")).toEqual([uri("in/b.png")]);
      const index = await dataset.loadBrainResults(BRAIN_KEY);
      expect(await index.totalIndexSize()).toBe(1);
    });

    test("one that cannot be read becomes a dead letter, and keeps no other from being found", async () => {
      await put("in/broken.png", "no picture");
      await put("in/good.png", picture("green"));
      const letters: string[] = [];
      await deliverUntil(async () => {
        letters.push(...(await queue.deadLetters()));
        return letters.length > 0 && (await nearest("green")) === uri("in/good.png");
      });
      expect(letters.every((letter) => letter.includes("broken.png"))).toBe(true);
      expect((await dataset.getBrainInfo(BRAIN_KEY)).entries).toMatchObject({ indexed: 2, failed: 1 });
      await remove("in/broken.png");
      await deliverUntil(async () => (await dataset.count()) === 2);
    });

    test("what no event told of is repaired by schedule", async () => {
      const keys = ["in/late.png", "in/x y.png", "in/~!*'().png"];
      for (const key of keys) await put(key, picture("red"));
      await remove("in/good.png");
      await functions.repair({} as never, invocation(), () => undefined);
      const { Contents = [] } = await client.send(
        new ListObjectsV2Command({ Bucket: BUCKET, Prefix: "in/" }),
      );
      const expected = Contents.map(({ Key = "" }) => uri(Key));
      expect((await dataset.values<string>("filepath")).sort()).toEqual(expected.sort());
      expect(await dataset.sync(uri("in"))).toMatchObject({
        unchanged: expected.length,
        added: 0,
        deleted: 0,
      });
    });

    test("a link opens the picture to who has no credentials", async () => {
      const url = await nearsight.mediaUrl(uri("in/late.png"), { expiresIn: 60 });
      const answer = await fetch(url);
      expect(Buffer.from(await answer.arrayBuffer()).equals(picture("red"))).toBe(true);
    });
  });
}

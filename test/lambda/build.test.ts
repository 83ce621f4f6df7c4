/** Builds by way of a real queue: packed functions plan and do them under AWS's runtime client, and are killed. */

import { setTimeout as pause } from "node:timers/promises";
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Dataset, Installation } from "../../core/index.ts";
import { seededRandom } from "../../core/random.ts";
import { sqsQueue } from "../../functions/lambda/build-queue.ts";
import { type ElasticMq, startElasticMq } from "../../tools/servers/elasticmq.ts";
import { rounds } from "../support/crash-run.ts";
import { deliverOnce } from "../support/event-source.ts";
import { sqsEvent, urlEvent } from "../support/lambda-events.ts";
import { AUTHORIZED, callFunction, type PackedFunction, packedFunction } from "../support/packed-function.ts";
import { elasticsearchServer } from "../support/servers.ts";
import { temporaryNearsight } from "../support/temporary.ts";
import { randomVectors } from "../support/vectors.ts";

const QUEUES = `dlq {}
again {}
builds { defaultVisibilityTimeout = 3 seconds, deadLettersQueue { name = "dlq", maxReceiveCount = 30 } }
hopeless { defaultVisibilityTimeout = 0 seconds, deadLettersQueue { name = "dlq", maxReceiveCount = 2 } }`;
const SIZE = rounds(3_000, 100_000);
const WORKERS = rounds(2, 4);
const KILLS = rounds(4, 24);
/** One in so many calls ends in a kill, until there were enough; there are at least SIZE / 500 calls. */
const KILL_EVERY = rounds(2, 8);
/** Parts of 500 vectors take longer. */
const LONGEST_LIFE_MS = 60;
const DIMENSION = 8;
vi.setConfig({ testTimeout: rounds(300_000, 1_800_000) });

const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

let queues: ElasticMq;
let client: SQSClient;
let environment: Record<string, string>;

beforeAll(async () => {
  queues = await startElasticMq(QUEUES);
  client = new SQSClient({ endpoint: queues.endpoint, region: "us-east-1", credentials: CREDENTIALS });
  environment = { AWS_ENDPOINT_URL_SQS: queues.endpoint };
});

afterAll(async () => {
  client.destroy();
  await queues.stop();
});

/** A store with samples that have vectors, whose indexes are on this project's Elasticsearch. */
async function filled(
  size: number,
): Promise<{ ns: Installation & { home: string }; dataset: Dataset; ids: string[] }> {
  const similarityBackends = { elasticsearch: { ...elasticsearchServer() } };
  const ns = await temporaryNearsight({
    config: { defaultSimilarityBackend: "elasticsearch", similarityBackends },
  });
  const dataset = await ns.createDataset("parts");
  const vectors = randomVectors(size, DIMENSION, 9);
  const ids: string[] = [];
  for (let start = 0; start < size; start += 5_000) {
    const some = Array.from({ length: Math.min(5_000, size - start) }, (_, i) => start + i);
    ids.push(
      ...(await dataset.addSamples(
        some.map((row) => ({ filepath: `${row}.png`, vector: vectors.row(row) })),
      )),
    );
  }
  return { ns, dataset, ids };
}

function worker(home: string, handler = "index.handler"): Promise<PackedFunction> {
  const backendOptions = { ...elasticsearchServer() };
  return packedFunction("build", "elasticsearch", { home, handler, backendOptions, environment });
}

/** Messages of a queue that nobody works on. */
async function waitingIn(name: string): Promise<number> {
  const { Attributes: found } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: queues.urlOf(name), AttributeNames: ["All"] }),
  );
  return Number(found?.["ApproximateNumberOfMessages"]);
}

describe("a build that goes through SQS", () => {
  test("is planned by one function and done by others that are killed, every part once or twice", async () => {
    const { ns, dataset, ids } = await filled(SIZE);
    onTestFinished(async () => {
      await (await dataset.loadBrainResults("images")).delete();
    });
    const queueUrl = queues.urlOf("builds");
    const compute = await packedFunction("compute", "elasticsearch", {
      home: ns.home,
      backendOptions: { ...elasticsearchServer() },
      environment: { ...environment, NEARSIGHT_BUILD_QUEUE_URL: queueUrl },
    });
    const body = { brainKey: "images", embeddings: "vector", metric: "euclidean" };
    const event = urlEvent({ method: "POST", path: "/datasets/parts/runs", headers: AUTHORIZED, body });
    const planned = await callFunction(compute, event);
    expect(planned).toMatchObject({
      statusCode: 202,
      json: { state: "building", entries: { pending: SIZE } },
    });
    await sendSomeAgain(queueUrl);

    const kills = await workAndKill(ns.home, queueUrl, async () => {
      const { state } = await dataset.getBrainInfo("images");
      return state !== "building" && (await waitingIn("builds")) === 0;
    });
    expect(kills).toBe(KILLS);
    const { state, entries } = await dataset.getBrainInfo("images");
    expect({ state, entries }).toEqual({
      state: "ready",
      entries: { pending: 0, indexed: SIZE, failed: 0, deleting: 0 },
    });
    const index = await dataset.loadBrainResults("images");
    expect(await index.totalIndexSize()).toBe(SIZE);
    const { sampleIds } = await index.getEmbeddings();
    expect(sampleIds.toSorted()).toEqual(ids.toSorted());
  });

  test("ends partial with what lands among the dead letters, and ready when it is resumed", async () => {
    const { ns, dataset } = await filled(40);
    const queueUrl = queues.urlOf("hopeless");
    const options = { brainKey: "images", embeddings: "vector", metric: "euclidean" } as const;
    const parts = (url: string) => ({ queue: sqsQueue(url, client), batchEntries: 20 });
    await ns.planSimilarity(dataset, options, parts(queueUrl));
    const good = await worker(ns.home);
    // One part is done; whoever takes the other dies of it.
    await deliverOnce(client, queueUrl, () => good);
    while ((await deliverOnce(client, queueUrl, () => doomed(good))) !== null);
    const deadLetters = await worker(ns.home, "index.deadLetters");
    expect(await deliverOnce(client, queues.urlOf("dlq"), () => deadLetters)).toEqual({
      received: 1,
      failed: 0,
    });
    const { state, reason, entries } = await dataset.getBrainInfo("images");
    expect({ state, entries }).toEqual({
      state: "partial",
      entries: { pending: 0, indexed: 20, failed: 20, deleting: 0 },
    });
    expect(reason).toMatch(/as often as the queue allows/);

    await ns.planSimilarity(dataset, options, parts(queues.urlOf("again")));
    expect(await deliverOnce(client, queues.urlOf("again"), () => good)).toEqual({ received: 1, failed: 0 });
    expect(await dataset.getBrainInfo("images")).toMatchObject({ state: "ready", entries: { indexed: 40 } });
    await (await dataset.loadBrainResults("images")).delete();
  });

  test("fails the parts alone that are none, or whose backend is away", async () => {
    const { ns, dataset } = await filled(20);
    const sent: string[] = [];
    const queue = {
      send: async (batches: readonly unknown[]) => void sent.push(...batches.map((b) => JSON.stringify(b))),
    };
    await ns.planSimilarity(
      dataset,
      { brainKey: "images", embeddings: "vector" },
      { queue, batchEntries: 20 },
    );
    const good = await worker(ns.home);
    const other = JSON.stringify({ runId: "gone", epoch: 1, after: -1, through: 5 });
    const { payload } = await good.invoke(sqsEvent(["no JSON", ...sent, other, "{}"]));
    expect(JSON.parse(payload)).toEqual({
      batchItemFailures: [{ itemIdentifier: "message-0" }, { itemIdentifier: "message-3" }],
    });
    expect((await dataset.getBrainInfo("images")).state).toBe("ready");
    await (await dataset.loadBrainResults("images")).delete();

    sent.length = 0;
    await ns.planSimilarity(dataset, { brainKey: "away", embeddings: "vector" }, { queue, batchEntries: 20 });
    const away = await packedFunction("build", "elasticsearch", { home: ns.home });
    expect(JSON.parse((await away.invoke(sqsEvent(sent))).payload)).toEqual({
      batchItemFailures: [{ itemIdentifier: "message-0" }],
    });
    expect((await dataset.getBrainInfo("away")).state).toBe("building");
    await good.invoke(sqsEvent(sent));
    expect((await dataset.getBrainInfo("away")).state).toBe("ready");
    await (await dataset.loadBrainResults("away")).delete();
  });
});

/** Messages come at least once: some of these come twice. */
async function sendSomeAgain(queueUrl: string): Promise<void> {
  const { Messages: messages = [] } = await client.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
  );
  const entries = messages.map(({ Body }, at) => ({ Id: String(at), MessageBody: Body }));
  await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
}

/** Has several functions take messages, and kills them while they do, until the build has ended. */
async function workAndKill(
  home: string,
  queueUrl: string,
  hasEnded: () => Promise<boolean>,
): Promise<number> {
  const random = seededRandom(11);
  let calls = 0;
  let kills = 0;

  async function work(): Promise<void> {
    let one = await worker(home);
    while (!(await hasEnded())) {
      let killed: Promise<void> | undefined;
      await deliverOnce(client, queueUrl, () => {
        calls += 1;
        if (kills < KILLS && calls % KILL_EVERY === 0) {
          kills += 1;
          killed = pause(random() * LONGEST_LIFE_MS).then(one.stop);
        }
        return one;
      });
      if (killed === undefined) continue;
      await killed;
      one = await worker(home);
    }
  }

  await Promise.all(Array.from({ length: WORKERS }, work));
  return kills;
}

/** A function that is killed as soon as it is called. */
function doomed(like: PackedFunction): PackedFunction {
  return { ...like, invoke: async () => ({ payload: "", isError: true, milliseconds: 0, parts: [] }) };
}

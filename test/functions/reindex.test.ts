/** Messages of a queue: every shape is understood, bad ones alone fail, and data sets match the bucket afterwards. */

import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Dataset, Nearsight } from "../../core/index.ts";
import { keysOf } from "../../functions/events/keys.ts";
import { type FollowedSource, type KeyReport, reindex } from "../../functions/events/reindex.ts";
import { reindexer } from "../../functions/events/reindexer.ts";
import { settings } from "../../functions/settings.ts";
import {
  bridged,
  fromTopic,
  invocation,
  minioNotification,
  notification,
  queueEvent,
  TEST_EVENT,
} from "../support/bucket-events.ts";
import type { BucketServer } from "../support/bucket-server.ts";
import { expectInStep, picture, startSynced } from "../support/synced.ts";

const ODD_KEY = "a b+c/größe 100%.png";

describe("the keys of a message", () => {
  test.each([
    ["S3", notification("photos", ODD_KEY)],
    ["S3, a delete marker", notification("photos", ODD_KEY, "ObjectRemoved:DeleteMarkerCreated")],
    ["S3, an expiry", notification("photos", ODD_KEY, "LifecycleExpiration:Delete")],
    ["MinIO", minioNotification("photos", ODD_KEY)],
    ["EventBridge", bridged("photos", ODD_KEY)],
    ["SNS around S3", fromTopic(notification("photos", ODD_KEY))],
    ["SNS around EventBridge", fromTopic(bridged("photos", ODD_KEY, "Object Deleted"))],
  ])("are found as %s writes them", (_, message) => {
    expect(keysOf(message)).toContain(`s3://photos/${ODD_KEY}`);
  });

  test("are each named once, of several records too", () => {
    const records = ["a.png", "b.png", "a.png"].flatMap(
      (key) => JSON.parse(notification("photos", key)).Records,
    );
    expect(keysOf(JSON.stringify({ Records: records }))).toEqual(["s3://photos/a.png", "s3://photos/b.png"]);
  });

  test("are taken decoded and as they are, since either may be meant", () => {
    expect(keysOf(bridged("photos", "a+b.png"))).toEqual(["s3://photos/a b.png", "s3://photos/a+b.png"]);
    expect(keysOf(bridged("photos", "100%.png"))).toEqual(["s3://photos/100%.png"]);
  });

  test("of a test event are none", () => {
    expect(keysOf(TEST_EVENT)).toEqual([]);
    expect(keysOf(fromTopic(TEST_EVENT))).toEqual([]);
  });

  test.each([
    "",
    "text",
    "null",
    "[]",
    "{}",
    '{"Records":[{}]}',
    fromTopic("text"),
    notification("photos", ""),
    notification("", "a"),
  ])("of %j are refused", (message) => {
    expect(() => keysOf(message)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  test("of any text are found or refused, and nothing else happens", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (message) => {
        expect(() => keysOf(message)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
      }),
    );
  });
});

describe("messages of a queue", () => {
  let server: BucketServer;
  let nearsight: Nearsight;
  let dataset: Dataset;
  let sources: FollowedSource[];
  let reports: KeyReport[];
  beforeAll(async () => {
    ({ server, ns: nearsight, dataset } = await startSynced());
    sources = [{ address: "s3://photos/in", dataset: "photos" }];
    return () => server.close();
  });
  beforeEach(() => {
    reports = [];
    server.requests.length = 0;
  });

  const report = (one: KeyReport) => void reports.push(one);
  const hear = (...messages: string[]) => reindex(queueEvent(messages), { nearsight, sources, report });
  const created = (key: string) => notification("photos", key);
  const failedIds = async (...messages: string[]) =>
    (await hear(...messages)).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);

  test("make, change and delete samples with their vectors", async () => {
    server.put(`in/${ODD_KEY}`, picture("red"));
    server.put("in/b.png", picture("green"));
    expect(await failedIds(created(`in/${ODD_KEY}`), TEST_EVENT, bridged("photos", "in/b.png"))).toEqual([]);
    await expectInStep(server, dataset);
    server.put("in/b.png", picture("blue"));
    server.delete(`in/${ODD_KEY}`);
    const removed = notification("photos", `in/${ODD_KEY}`, "ObjectRemoved:DeleteMarkerCreated");
    expect(await failedIds(fromTopic(removed), minioNotification("photos", "in/b.png"))).toEqual([]);
    const outcomes = reports.map(({ uri, outcome }) => [uri, outcome]);
    expect(outcomes).toContainEqual([server.uri(`in/${ODD_KEY}`), "deleted"]);
    expect(outcomes).toContainEqual([server.uri("in/b.png"), "updated"]);
    await expectInStep(server, dataset);
  });

  test("of one key share one look at it", async () => {
    expect(await failedIds(created("in/b.png"), created("in/b.png"), bridged("photos", "in/b.png"))).toEqual(
      [],
    );
    expect(server.requests).toEqual(["HEAD /photos/in/b.png", "HEAD /photos/in/b.png"]);
  });

  test("that cannot be understood, or whose picture cannot be read, fail alone", async () => {
    server.put("in/broken.png", "no picture");
    server.put("in/good.png", picture("red"));
    const messages = [created("in/broken.png"), "poison", created("in/good.png"), created("in/broken.png")];
    expect(await failedIds(...messages)).toEqual(["0", "1", "3"]);
    expect(reports.filter(({ outcome }) => outcome === "failed")).toHaveLength(2);
    server.delete("in/broken.png");
    expect(await failedIds(created("in/broken.png"))).toEqual([]);
    await expectInStep(server, dataset);
  });

  test("fail while the bucket does not answer, and succeed afterwards", async () => {
    server.put("in/late.png", picture("red"));
    Object.assign(server.fault, { status: 403, code: "AccessDenied", times: 1 });
    expect(await failedIds(created("in/late.png"))).toEqual(["0"]);
    expect(await failedIds(created("in/late.png"))).toEqual([]);
    await expectInStep(server, dataset);
  });

  test("of other folders and buckets, of other files and of what nearsight writes itself do nothing", async () => {
    const keys = ["out/a.png", "in/note.txt", "in/", "in/.nearsight/thumb.png", "inside/a.png"];
    expect(await failedIds(...keys.map(created), notification("other", "in/a.png"))).toEqual([]);
    expect(reports).toEqual([]);
    expect(server.requests).toEqual([]);
  });

  test("come again where time is over", async () => {
    const signal = AbortSignal.abort();
    const event = queueEvent([created("in/b.png")]);
    expect(await reindex(event, { nearsight, sources, report, signal })).toEqual({
      batchItemFailures: [{ itemIdentifier: "0" }],
    });
    expect(reports[0]?.error).toMatchObject({ code: "ABORTED" });
  });

  test("reach the functions, which make data sets where there are none, and repair by schedule", async () => {
    const two = [...sources, { address: "s3://photos", dataset: "everything" }];
    const { handler, repair } = reindexer({ nearsight: async () => nearsight, sources: two, report });
    server.put("in/both.png", picture("blue"));
    const answer = await handler(queueEvent([created("in/both.png")]), invocation(), () => undefined);
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(reports.map(({ dataset: name, outcome }) => [name, outcome])).toEqual([
      ["photos", "added"],
      ["everything", "added"],
    ]);
    server.put("in/unheard.png", picture("green"));
    server.delete("in/both.png");
    await repair({} as never, invocation(), () => undefined);
    await expectInStep(server, dataset);
    expect(await (await nearsight.loadDataset("everything")).count()).toBe(server.keys().length);
  });

  test("a schedule whose time is over ends without an error, one that cannot reach a source with its error", async () => {
    const missing = [{ address: "s3://nobody/in", dataset: "photos" }];
    const hurried = reindexer({ nearsight: async () => nearsight, sources, report });
    await hurried.repair({} as never, invocation(0), () => undefined);
    expect(reports.map(({ error }) => error)).toEqual([expect.objectContaining({ code: "ABORTED" })]);
    const misled = reindexer({ nearsight: async () => nearsight, sources: missing, report });
    await expect(misled.repair({} as never, invocation(), () => undefined)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

test("what is followed is read from NEARSIGHT_SOURCES", () => {
  const source = { address: "s3://photos/in", dataset: "photos" };
  expect(settings({ NEARSIGHT_SOURCES: JSON.stringify([source]) }).sources).toEqual([source]);
  expect(settings({}).sources).toEqual([]);
  for (const text of ["text", "{}", '[{"address":"s3://photos"}]']) {
    expect(() => settings({ NEARSIGHT_SOURCES: text })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  }
});

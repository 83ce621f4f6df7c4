/** Events of buckets on versitygw, which sends them to an address; a bridge of the test writes them into a queue. */

import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { s3Source } from "../../core/media/s3/s3-source.ts";
import type { EventQueue } from "../support/event-queue.ts";
import { testEvents } from "../support/events-on-server.ts";
import { type LoopbackServer, serve } from "../support/loopback.ts";
import { type AwsAddress, motoServer, ownServer } from "../support/servers.ts";

let bridge: LoopbackServer | undefined;
let buckets: AwsAddress | undefined;
afterAll(() => bridge?.close());

testEvents("versitygw", async () => {
  let queue: EventQueue | undefined;
  bridge = await serve(async (request, response) => {
    await queue?.send(await text(request));
    response.end();
  });
  const own = await ownServer("versitygw", { settings: { webhook: bridge.endpoint } });
  buckets = own.address;
  return {
    buckets: own.address,
    queues: motoServer(),
    async connect(_client, _bucket, connected) {
      queue = connected;
    },
  };
});

test("credentials that versitygw does not know are told by their code", async () => {
  const source = s3Source({ ...buckets, secretAccessKey: "another" });
  await expect(source.open("s3://photos/in/late.png")).rejects.toMatchObject({
    code: "AUTHENTICATION_FAILED",
  });
  await source.close();
});

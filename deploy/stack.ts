/** Puts the parts of a deployment together; returns what its owner wants to know of it. */

import { createAlarms } from "./alarms.ts";
import { createCallerPolicy, createGateway } from "./api.ts";
import { createDatabase } from "./database.ts";
import { sendEvents } from "./events.ts";
import { createFunction } from "./functions.ts";
import { createFeed, feed } from "./queues.ts";
import { givenTo } from "./rights.ts";
import { ROLES, type RoleName } from "./roles.ts";
import { createSchedule } from "./schedule.ts";
import { createSecrets } from "./secrets.ts";
import type { DeploySettings } from "./settings.ts";
import { createBucket } from "./storage.ts";

/** Messages of one call: a batch of a build fills one by itself. */
const FEW = { size: 10, window: "5 seconds" } as const;
const ONE = { size: 1, window: "0 seconds" } as const;

export function deploy(settings: DeploySettings) {
  const secrets = createSecrets(settings);
  const database = createDatabase(settings);
  const bucket = createBucket(settings);
  const feeds = { reindex: createFeed("Reindex", "reindex"), build: createFeed("Build", "build", "giveUp") };
  const given = givenTo({ settings, secrets, database, bucket, feeds });
  const make = (role: RoleName, before?: sst.aws.Function) =>
    createFunction(role, settings, database, given[role], before);

  const api = { compute: make("compute"), query: make("query"), manage: make("manage") };
  const build = make("build");
  const workers = { reindex: make("reindex"), build, giveUp: make("giveUp", build), sync: make("sync") };
  feed(feeds.reindex.queue, workers.reindex, { ...FEW, instances: ROLES.reindex.instances });
  feed(feeds.build.queue, workers.build, { ...ONE, instances: ROLES.build.instances });
  feed(feeds.build.deadLetters, workers.giveUp, { ...FEW, instances: ROLES.giveUp.instances });
  sendEvents(bucket, feeds.reindex, settings);
  createSchedule(workers.sync, settings);

  const gateway = settings.api === "gateway" ? createGateway(api, settings) : null;
  const topic = createAlarms({ functions: { ...api, ...workers }, feeds, gateway }, settings);
  return {
    ...(gateway === null ? urlsOf(api) : { url: gateway.url }),
    ...(settings.iam ? { callers: createCallerPolicy(api, gateway).arn } : {}),
    bucket: bucket.name,
    images: $interpolate`s3://${bucket.name}/${settings.prefix}`,
    alarms: topic.arn,
  };
}

function urlsOf(functions: Readonly<Record<string, sst.aws.Function>>) {
  return Object.fromEntries(Object.entries(functions).map(([role, handler]) => [role, handler.url]));
}

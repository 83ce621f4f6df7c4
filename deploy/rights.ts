/** What each function is told, which secrets it has, and what it may do: no more than its work needs. */

import type { Database } from "./database.ts";
import type { Given, Permission, Variables } from "./functions.ts";
import { type Feed, receiving } from "./queues.ts";
import type { RoleName } from "./roles.ts";
import type { Linked, Secrets } from "./secrets.ts";
import { type DeploySettings, type ModelPlace, UPLOADS } from "./settings.ts";

/** What there is in a deployment besides functions. */
export interface Surroundings {
  readonly settings: DeploySettings;
  readonly secrets: Secrets;
  readonly database: Database;
  readonly bucket: sst.aws.Bucket;
  readonly feeds: Readonly<Record<"reindex" | "build", Feed>>;
}

type ByRole<Value> = Readonly<Record<RoleName, Value>>;

export function givenTo(surroundings: Surroundings): ByRole<Given> {
  const [links, variables, permissions] = [
    linksOf(surroundings),
    variablesOf(surroundings),
    permissionsOf(surroundings),
  ];
  const given = (role: RoleName): Given => ({
    links: links[role],
    variables: variables[role],
    permissions: permissions[role],
  });
  return {
    compute: given("compute"),
    query: given("query"),
    manage: given("manage"),
    reindex: given("reindex"),
    build: given("build"),
    giveUp: given("giveUp"),
    sync: given("sync"),
  };
}

/** Whoever answers requests has to know who may ask; the others have nobody to ask them. */
function linksOf({ secrets, database }: Surroundings): ByRole<readonly Linked[]> {
  const worker = [database.url, secrets.backend];
  const api = [...worker, secrets.apiKeys, secrets.apiSecret];
  const [compute, query, manage] = [api, api, api];
  return { compute, query, manage, reindex: worker, build: worker, giveUp: worker, sync: worker };
}

function variablesOf({ settings, database, bucket, feeds }: Surroundings): ByRole<Variables> {
  const { apiVariables, dataset, prefix, model } = settings;
  const [images, uploads] = [prefix, UPLOADS].map((part) => $interpolate`s3://${bucket.name}/${part}`);
  const { NEARSIGHT_API_MEDIA: others } = apiVariables;
  const all = database.variables;
  const embedding = { ...all, ...modelVariables(model) };
  const following = { NEARSIGHT_SOURCES: $jsonStringify([{ address: images, dataset }]) };
  const api = {
    ...apiVariables,
    NEARSIGHT_API_MEDIA: $interpolate`${images},${uploads}${others === undefined ? "" : `,${others}`}`,
  };
  return {
    compute: {
      ...{ ...embedding, ...api },
      NEARSIGHT_API_UPLOADS: uploads,
      NEARSIGHT_BUILD_QUEUE_URL: feeds.build.queue.url,
    },
    query: { ...embedding, ...api },
    manage: { ...all, ...api },
    reindex: { ...embedding, ...following },
    build: embedding,
    giveUp: all,
    sync: { ...embedding, ...following },
  };
}

function permissionsOf({ settings, bucket, feeds }: Surroundings): ByRole<readonly Permission[]> {
  const images = $interpolate`${bucket.arn}/${settings.prefix}*`;
  const uploads = $interpolate`${bucket.arn}/${UPLOADS}*`;
  const follow: Permission = { actions: ["s3:GetObject"], resources: [images] };
  const read: Permission = { actions: ["s3:GetObject"], resources: [images, uploads] };
  const add: Permission = { actions: ["s3:PutObject"], resources: [uploads] };
  // Without it S3 says 403 of an object that is not there, as of one that is somebody else's.
  const list: Permission = { actions: ["s3:ListBucket"], resources: [bucket.arn] };
  const send: Permission = { actions: ["sqs:SendMessage"], resources: [feeds.build.queue.arn] };
  const model = modelPermissions(settings.model);
  return {
    compute: [read, add, send, ...model],
    query: [read, ...model],
    manage: [],
    reindex: [follow, list, receiving(feeds.reindex.queue), ...model],
    build: [read, list, receiving(feeds.build.queue), ...model],
    giveUp: [receiving(feeds.build.deadLetters)],
    sync: [follow, list, ...model],
  };
}

function modelVariables(model: ModelPlace | null): Variables {
  if (model === null) return {};
  const { bucket, folder, sha256 } = model;
  return { NEARSIGHT_MODEL: `s3://${bucket}/${folder}`, NEARSIGHT_MODEL_SHA256: sha256 };
}

function modelPermissions(model: ModelPlace | null): readonly Permission[] {
  if (model === null) return [];
  const { bucket, folder } = model;
  return [{ actions: ["s3:GetObject"], resources: [`arn:aws:s3:::${bucket}/${folder}/*`] }];
}

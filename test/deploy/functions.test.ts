/** The functions: what they run, what they may take, which variables and secrets they have. */

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { capital, Deployment, ROLES, type RoleName } from "../support/deployment.ts";

const BACKENDS = [
  ["zilliz", "milvus", { uri: "https://in01-0123456789.zillizcloud.com", token: "zilliz-token" }],
  ["elastic", "elasticsearch", { cloudId: "deployment:ZXhhbXBsZS5vcmckYWJj", apiKey: "elastic-key" }],
] as const;
/** Variables that stand for what SST links. */
const LINKED = new Map([
  ["NEARSIGHT_API_KEYS", "NearsightApiKeys"],
  ["NEARSIGHT_API_SECRET", "NearsightApiSecret"],
  ["NEARSIGHT_BACKEND_OPTIONS", "NearsightBackend"],
  ["NEARSIGHT_STORE", "NearsightStoreUrl"],
]);
/** The development server's; and a folder whose default is the only one that a function may write to. */
const LEFT_OUT = new Set(["PORT", "NEARSIGHT_HOME"]);
const ROOT = resolve(import.meta.dirname, "../..");
const SHA256 = "0123456789abcdef".repeat(4);
const API: readonly RoleName[] = ["compute", "query", "manage"];

describe.each(BACKENDS)("on %s", (backend, driver, connection) => {
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await Deployment.of({ DEPLOY_BACKEND: backend });
  });

  test.each(ROLES)("%s runs the bundle of this backend", (role) => {
    const [bundle, handler] = role === "giveUp" ? ["build", "index.deadLetters"] : [role, "index.handler"];
    expect(deployment.build(role)).toMatchObject({
      bundle: `.cache/pack/arm64/${bundle}-${driver}`,
      handler,
      runtime: "nodejs24.x",
    });
    expect(deployment.function(role)).toMatchObject({
      architectures: ["arm64"],
      handler,
      runtime: "nodejs24.x",
    });
  });

  test.each(ROLES)("%s is within what AWS allows, and a new account too", (role) => {
    const { timeout, memorySize, ephemeralStorage } = deployment.function(role);
    expect({ timeout, memorySize, storage: ephemeralStorage.size }).toEqual({
      timeout: expect.toSatisfy((seconds) => seconds >= 1 && seconds <= (API.includes(role) ? 29 : 900)),
      memorySize: expect.toSatisfy((megabytes) => megabytes >= 128 && megabytes <= 3_008),
      storage: expect.toSatisfy((megabytes) => megabytes >= 512 && megabytes <= 10_240),
    });
  });

  test.each(ROLES)("%s is told where the backend and the store are, in an encrypted file", (role) => {
    const { links } = deployment.build(role);
    expect(JSON.parse(String(links["NearsightBackend"]?.["value"]))).toEqual(connection);
    expect(links["NearsightStoreUrl"]).toMatchObject({
      value: "postgresql://user:pass@db.example.org/nearsight",
    });
  });

  test.each(ROLES)("%s knows who may call, and what signs links, where it answers requests only", (role) => {
    const { NearsightApiKeys: keys, NearsightApiSecret: secret } = deployment.build(role).links;
    const expected = API.includes(role) ? ["[]", "api-secret"] : [undefined, undefined];
    expect([keys?.["value"], secret?.["value"]]).toEqual(expected);
  });

  test.each(ROLES)("no variable of %s is a secret, and all are at most 4 KB", (role) => {
    const { variables } = deployment.function(role).environment;
    expect(JSON.stringify(variables)).not.toMatch(/zilliz-token|elastic-key|api-secret|user:pass/);
    expect(JSON.stringify(variables).length).toBeLessThan(4_096);
  });

  test.each(ROLES)("the log of %s is JSON and kept for a month", (role) => {
    expect(deployment.function(role).loggingConfig).toMatchObject({ logFormat: "JSON" });
    const group = deployment.inputs("cloudwatch/logGroup:LogGroup", `${capital(role)}LogGroup`);
    expect(group.retentionInDays).toBe(30);
  });

  test.each(ROLES)("%s is traced", (role) => {
    expect(deployment.function(role).tracingConfig).toEqual({ mode: "Active" });
  });
});

test("a serverless project of Elastic is found by its address", async () => {
  const deployment = await Deployment.of({ DEPLOY_BACKEND: "elastic" }, "test", {
    ElasticAddress: "https://project.es.eu-central-1.aws.elastic.cloud",
  });
  expect(JSON.parse(String(deployment.build("query").links["NearsightBackend"]?.["value"]))).toEqual({
    hosts: ["https://project.es.eu-central-1.aws.elastic.cloud"],
    apiKey: "elastic-key",
  });
});

test("x86_64 takes the bundles of x64", async () => {
  const deployment = await Deployment.of({ DEPLOY_ARCHITECTURE: "x86_64" });
  expect(deployment.function("query").architectures).toEqual(["x86_64"]);
  expect(deployment.build("query").bundle).toBe(".cache/pack/x64/query-milvus");
});

test("a model of one's own is named where pictures become vectors", async () => {
  const deployment = await Deployment.of({ DEPLOY_MODEL: "s3://models/clip", DEPLOY_MODEL_SHA256: SHA256 });
  for (const role of ROLES) {
    const { NEARSIGHT_MODEL, NEARSIGHT_MODEL_SHA256 } = deployment.function(role).environment.variables;
    const expected = ["manage", "giveUp"].includes(role)
      ? [undefined, undefined]
      : ["s3://models/clip", SHA256];
    expect([NEARSIGHT_MODEL, NEARSIGHT_MODEL_SHA256]).toEqual(expected);
  }
});

test("requests may name images of the bucket, and of the places that are named", async () => {
  const media = async (environment: Readonly<Record<string, string>>) =>
    (await Deployment.of(environment)).function("manage").environment.variables.NEARSIGHT_API_MEDIA;
  const own = "s3://imagesbucket/images/,s3://imagesbucket/uploads/";
  expect(await media({})).toBe(own);
  expect(await media({ NEARSIGHT_API_MEDIA: "https://example.org/" })).toBe(`${own},https://example.org/`);
});

describe("giveUp, which runs the bundle of build,", () => {
  test("is made after it, since SST writes links into the folder of a bundle", async () => {
    const deployment = await Deployment.of();
    expect(deployment.build("giveUp").after).toContain("BuildFunction");
  });

  test("is linked to the same", async () => {
    const deployment = await Deployment.of();
    expect(deployment.build("giveUp").links).toEqual(deployment.build("build").links);
  });
});

test("uploads go beside the images that are followed, and batches to their queue", async () => {
  const deployment = await Deployment.of();
  const told = ROLES.map((role) => deployment.function(role).environment.variables).flatMap(
    ({ NEARSIGHT_API_UPLOADS, NEARSIGHT_BUILD_QUEUE_URL }) => [
      NEARSIGHT_API_UPLOADS,
      NEARSIGHT_BUILD_QUEUE_URL,
    ],
  );
  expect(told.filter((value) => value !== undefined)).toEqual([
    "s3://imagesbucket/uploads/",
    expect.stringMatching(/^https:\/\/sqs\..*\/BuildMessagesQueue$/),
  ]);
});

test("the bucket is followed by the data set that is named", async () => {
  const deployment = await Deployment.of({ DEPLOY_DATASET: "pets", DEPLOY_PREFIX: "photos/" });
  const told = ROLES.filter((role) => {
    const { NEARSIGHT_SOURCES } = deployment.function(role).environment.variables;
    if (NEARSIGHT_SOURCES === undefined) return false;
    expect(JSON.parse(NEARSIGHT_SOURCES)).toEqual([
      { address: "s3://imagesbucket/photos/", dataset: "pets" },
    ]);
    return true;
  });
  expect(told).toEqual(["reindex", "sync"]);
});

test("settings of the API go to the functions that answer requests", async () => {
  const deployment = await Deployment.of({ NEARSIGHT_API_MODELS: "clip" });
  const told = ROLES.filter(
    (role) => deployment.function(role).environment.variables.NEARSIGHT_API_MODELS === "clip",
  );
  expect(told).toEqual(API);
});

describe("what functions read", () => {
  const names = variablesIn("functions/settings.ts", "functions/resources.ts");
  let deployment: Deployment;

  beforeAll(async () => {
    const ofApi = names.filter((name) => name.startsWith("NEARSIGHT_API_")).map((name) => [name, "given"]);
    deployment = await Deployment.of({
      ...Object.fromEntries(ofApi),
      DEPLOY_MODEL: "s3://models/clip",
      DEPLOY_MODEL_SHA256: SHA256,
    });
  });

  test("are variables of both kinds", () => {
    expect(names).toEqual(expect.arrayContaining(["PORT", "NEARSIGHT_API_SECRET"]));
  });

  test.each(names)("%s is given to them, unless it has a reason", (name) => {
    const link = LINKED.get(name);
    const has = (role: RoleName) =>
      link === undefined
        ? name in deployment.function(role).environment.variables
        : link in deployment.build(role).links;
    expect(ROLES.some(has)).toBe(!LEFT_OUT.has(name));
  });
});

/** Names of variables in the files that read them. */
function variablesIn(...paths: readonly string[]): string[] {
  const files = paths.map((path) => join(ROOT, path)).filter((path) => existsSync(path));
  const texts = files.map((path) => readFileSync(path, "utf8"));
  return [...new Set(texts.flatMap((text) => text.match(/\b(NEARSIGHT_\w*[A-Z0-9]|PORT)\b/g) ?? []))];
}

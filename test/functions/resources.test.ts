/** What the functions read of their deployment, and what their log leaves out. */

import { describe, expect, test } from "vitest";
import { withoutCredentials } from "../../functions/lambda/log.ts";
import { resources } from "../../functions/resources.ts";

const SHA256 = "0".repeat(64);
const KEYS = JSON.stringify([{ id: "app", scope: "read", sha256: SHA256 }]);

describe("the resources of a function", () => {
  test("are files in /tmp, no key and no model where nothing is said", () => {
    const { api, ...found } = resources({}, {});
    expect(api).toMatchObject({ apiKeys: [], publicScope: null, iam: [], jwt: null });
    expect(found).toEqual({
      folder: "/tmp/nearsight",
      storeUrl: null,
      backendOptions: {},
      model: null,
      buildQueueUrl: null,
      uploads: null,
      secrets: [],
    });
  });

  test("come from SST's links before variables", () => {
    const links = {
      NearsightApiKeys: { value: KEYS },
      NearsightStoreUrl: { value: "postgres://user:pass%20word@db/nearsight" },
      NearsightBackend: { value: '{"uri":"https://zilliz","token":"secret-token"}' },
      NearsightBuilds: { url: "https://sqs/builds" },
    };
    const found = resources(
      { NEARSIGHT_BUILD_QUEUE_URL: "https://other", NEARSIGHT_HOME: "/mnt/here" },
      links,
    );
    expect(found).toMatchObject({
      folder: "/mnt/here",
      api: { apiKeys: [{ id: "app", scope: "read" }] },
      backendOptions: { uri: "https://zilliz", token: "secret-token" },
      buildQueueUrl: "https://sqs/builds",
    });
    expect(found.secrets).toEqual([
      "postgres://user:pass%20word@db/nearsight",
      "pass%20word",
      "pass word",
      "secret-token",
    ]);
  });

  test("know the passwords that FiftyOne's variables and AWS's give", () => {
    const environment = {
      FIFTYONE_BRAIN_SIMILARITY_ELASTICSEARCH_PASSWORD: "from-fiftyone",
      AWS_SECRET_ACCESS_KEY: "of-the-role",
      AWS_REGION: "us-east-1",
    };
    expect(resources(environment, {}).secrets).toEqual(["from-fiftyone", "of-the-role"]);
  });

  test("have a model with its hash", () => {
    const environment = { NEARSIGHT_MODEL: "s3://weights/models/clip", NEARSIGHT_MODEL_SHA256: SHA256 };
    expect(resources(environment, {}).model).toEqual({
      bucket: "weights",
      prefix: "models/clip/",
      sha256: SHA256,
    });
  });

  test.each([
    ["NEARSIGHT_API_KEYS", { NEARSIGHT_API_KEYS: "[secret, no JSON" }],
    ["NEARSIGHT_API_KEYS", { NEARSIGHT_API_KEYS: '[{"id":"secret","scope":"all","sha256":"1"}]' }],
    ["NEARSIGHT_API_KEYS", { NEARSIGHT_API_KEYS: "[null]" }],
    ["NEARSIGHT_BACKEND_OPTIONS", { NEARSIGHT_BACKEND_OPTIONS: '["secret"]' }],
    ["NEARSIGHT_MODEL", { NEARSIGHT_MODEL: "https://secret" }],
    ["NEARSIGHT_MODEL_SHA256", { NEARSIGHT_MODEL: "s3://weights/clip", NEARSIGHT_MODEL_SHA256: "secret" }],
  ])("with a wrong %s name it, and not its value", (variable, environment) => {
    const error = thrownBy(() => resources(environment, {}));
    expect(error).toMatchObject({ code: "CONFIG_INVALID", details: { variable } });
    expect(JSON.stringify(error)).not.toContain("secret");
  });
});

describe("a log", () => {
  test.each([
    [
      "see https://b.s3/k?X-Amz-Date=1&X-Amz-Signature=abc123&x=1",
      "see https://b.s3/k?X-Amz-Date=***&X-Amz-Signature=***&x=1",
    ],
    ["to https://user:pass@db:5432/x", "to https://***@db:5432/x"],
    ["authorization: Bearer ns_abc-1", "authorization: Bearer ***"],
    ["the key hunter2-hunter2 failed", "the key *** failed"],
    ["a tag?token=once", "a tag?token=***"],
    ["nothing to hide: 1 // 2 @ 3", "nothing to hide: 1 // 2 @ 3"],
  ])("writes %s without what is secret in it", (text, shown) => {
    expect(withoutCredentials(text, ["hunter2-hunter2"])).toBe(shown);
  });
});

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("Expected an error but found none");
}

/** What a deployment is to be like, from variables. */

import { describe, expect, test } from "vitest";
import { deploySettings } from "../../../deploy/settings.ts";

const TRIAL = { production: false };
const SHA256 = "0123456789abcdef".repeat(4);

describe("settings of a deployment", () => {
  test("have a default each", () => {
    expect(deploySettings({}, TRIAL)).toEqual({
      backend: "zilliz",
      api: "gateway",
      database: "url",
      architecture: "arm64",
      dataset: "images",
      prefix: "images/",
      model: null,
      apiVariables: {},
      iam: false,
      origins: [],
      alarmEmail: null,
      reserve: false,
      schedule: "rate(1 day)",
    });
  });

  test("are read from variables, without the space around them", () => {
    const found = deploySettings(
      {
        DEPLOY_BACKEND: " elastic ",
        DEPLOY_API: "urls",
        DEPLOY_DATABASE: "aurora",
        DEPLOY_ARCHITECTURE: "x86_64",
        DEPLOY_DATASET: "holiday pictures",
        DEPLOY_PREFIX: "photos/2026/",
        DEPLOY_MODEL: "s3://models/clip/vit-b32/",
        DEPLOY_MODEL_SHA256: SHA256,
        DEPLOY_ALARM_EMAIL: "someone@example.org",
        DEPLOY_RESERVE: "true",
        DEPLOY_SCHEDULE: "cron(0 4 * * ? *)",
      },
      TRIAL,
    );
    expect(found).toMatchObject({
      backend: "elastic",
      api: "urls",
      database: "aurora",
      architecture: "x86_64",
      dataset: "holiday pictures",
      prefix: "photos/2026/",
      model: { bucket: "models", folder: "clip/vit-b32", sha256: SHA256 },
      alarmEmail: "someone@example.org",
      reserve: true,
      schedule: "cron(0 4 * * ? *)",
    });
  });

  test("reserve instances in production, unless they are told not to", () => {
    expect(deploySettings({}, { production: true }).reserve).toBe(true);
    expect(deploySettings({ DEPLOY_RESERVE: "false" }, { production: true }).reserve).toBe(false);
  });

  test("pass on what the API reads, but no secret", () => {
    const environment = {
      NEARSIGHT_API_SECRET: "secret",
      NEARSIGHT_API_MODELS: "clip",
      NEARSIGHT_API_KEYS: "[]",
      NEARSIGHT_API_PUBLIC: "",
      HOME: "/",
    };
    expect(deploySettings(environment, TRIAL).apiVariables).toEqual({ NEARSIGHT_API_MODELS: "clip" });
  });

  test("have AWS check signatures where users or roles are listed", () => {
    expect(deploySettings({ NEARSIGHT_API_IAM: "[]" }, TRIAL).iam).toBe(false);
    expect(deploySettings({ NEARSIGHT_API_IAM: '[{"arn":"arn:aws:iam::1:user/a"}]' }, TRIAL).iam).toBe(true);
  });

  test("let the pages upload that may call", () => {
    const { origins } = deploySettings(
      { NEARSIGHT_API_ORIGINS: "https://a.example, https://b.example" },
      TRIAL,
    );
    expect(origins).toEqual(["https://a.example", "https://b.example"]);
  });

  test.each([
    ["DEPLOY_BACKEND", "milvus"],
    ["DEPLOY_API", "rest"],
    ["DEPLOY_DATABASE", "dynamodb"],
    ["DEPLOY_ARCHITECTURE", "arm"],
    ["DEPLOY_PREFIX", "images"],
    ["DEPLOY_PREFIX", "/"],
    ["DEPLOY_PREFIX", "*/"],
    ["DEPLOY_PREFIX", "uploads/mine/"],
    ["DEPLOY_MODEL", "https://example.org/model"],
    ["DEPLOY_MODEL_SHA256", "abc"],
    ["DEPLOY_ALARM_EMAIL", "nobody"],
    ["DEPLOY_RESERVE", "yes"],
    ["DEPLOY_SCHEDULE", "daily"],
  ])("refuse %s=%s by its name", (name, value) => {
    expect(() => deploySettings({ [name]: value }, TRIAL)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", details: { variable: name } }),
    );
  });

  test("refuse a model without its checksum", () => {
    expect(() => deploySettings({ DEPLOY_MODEL: "s3://models/clip" }, TRIAL)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", details: { variable: "DEPLOY_MODEL_SHA256" } }),
    );
  });
});

/** Settings from the environment: what is wrong is named, and never shown. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createApiKey } from "../../functions/auth/api-keys.ts";
import { DEFAULT_LIMITS } from "../../functions/limits/limits.ts";
import { settings } from "../../functions/settings.ts";
import { temporaryFolder } from "../support/temporary.ts";

const { record } = createApiKey("app", "read");

test("nothing set means nothing allowed", () => {
  expect(settings({ PORT: "", HOME: "x" })).toMatchObject({
    ...{ port: 8787, allow: { models: [], media: [] }, origins: [], apiKeys: [] },
    ...{ jwt: null, iam: [], publicScope: null, limits: DEFAULT_LIMITS },
  });
});

test("lists, records of keys as JSON or in a file, and an issuer", () => {
  const file = join(temporaryFolder(), "keys.json");
  writeFileSync(file, JSON.stringify([{ ...record, notAfter: "2030-01-01T00:00:00Z" }]));
  const found = settings({
    NEARSIGHT_API_MEDIA: "photos, https://images.example.org",
    NEARSIGHT_API_ORIGINS: "https://app.example.org",
    NEARSIGHT_API_KEYS: file,
    NEARSIGHT_API_JWT_ISSUER: "https://login.example.org/",
    NEARSIGHT_API_JWT_AUDIENCE: "nearsight",
    NEARSIGHT_API_JWT_JWKS: "https://login.example.org/keys",
    NEARSIGHT_API_PUBLIC: "read",
  });
  expect(found.allow.media).toEqual(["photos", "https://images.example.org"]);
  expect(found.apiKeys).toEqual([{ ...record, notAfter: "2030-01-01T00:00:00Z" }]);
  expect(found.jwt).toMatchObject({ audience: "nearsight" });
  expect(found.publicScope).toBe("read");
  expect(settings({ NEARSIGHT_API_KEYS: JSON.stringify([record]) }).apiKeys).toEqual([record]);
});

test.each([
  ["PORT", "canary"],
  ["PORT", "65536"],
  ["NEARSIGHT_API_KEYS", "ns_canary"],
  ["NEARSIGHT_API_KEYS", '[{"id":"canary","scope":"read","key":"ns_canary"}]'],
  ["NEARSIGHT_API_KEYS", '[{"id":"app","scope":"read","sha256":"canary"}]'],
  ["NEARSIGHT_API_ORIGINS", "*"],
  ["NEARSIGHT_API_ORIGINS", "https://canary.example.org/"],
  ["NEARSIGHT_API_JWT_ISSUER", "https://canary.example.org"],
  ["NEARSIGHT_API_IAM", '[{"arn":"*","scope":"manage"}]'],
  ["NEARSIGHT_API_PUBLIC", "true"],
  ["NEARSIGHT_API_IN_FLIGHT", "0"],
  ["NEARSIGHT_API_TIMEOUT_MS", "canary"],
])("%s=%s is refused by its name", (variable, value) => {
  const facts = expect.objectContaining({ code: "CONFIG_INVALID", details: { variable } });
  expect(() => settings({ [variable]: value })).toThrowError(facts);
  expect(() => settings({ [variable]: value })).not.toThrowError(/canary/);
});

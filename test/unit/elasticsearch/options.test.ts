/** FiftyOne's connection options reach the SDK under its names, and wrong ones are told without their secrets. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { connectionPlan, type ElasticsearchOptions } from "../../../core/backends/elasticsearch/options.ts";
import { isNearsightError } from "../../../core/errors.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const CANARY = "canary-7c1f";
const FINGERPRINT = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, "0")).join(":");
/** `domain$cluster$kibana` in base64, as Elastic Cloud shows it. */
const CLOUD_ID = `deployment:${Buffer.from("example.org$cluster$kibana").toString("base64")}`;

function problemOf(options: ElasticsearchOptions): string {
  try {
    connectionPlan(options);
  } catch (error) {
    if (!isNearsightError(error, "CONFIG_INVALID")) throw error;
    expect(error.hint).toContain(String(error.details["option"]));
    return JSON.stringify(error);
  }
  throw new Error("Expected CONFIG_INVALID but nothing was thrown");
}

describe("options become the SDK's", () => {
  test.each<[string, ElasticsearchOptions, object]>([
    ["no place is this machine", {}, { nodes: ["http://localhost:9200"] }],
    ["one host", { hosts: "https://a.org:9243" }, { nodes: ["https://a.org:9243"] }],
    [
      "several hosts",
      { hosts: ["http://a:1", "http://b:2/path/"] },
      { nodes: ["http://a:1", "http://b:2/path"] },
    ],
    ["cloudId", { cloudId: CLOUD_ID }, { cloud: { id: CLOUD_ID } }],
    ["user", { username: "me", password: "0123" }, { auth: { username: "me", password: "0123" } }],
    [
      "user of a host",
      { hosts: "http://me:p%40ss@a:1" },
      { nodes: ["http://a:1"], auth: { username: "me", password: "p@ss" } },
    ],
    ["apiKey", { apiKey: CANARY }, { auth: { apiKey: CANARY } }],
    ["bearerAuth", { bearerAuth: CANARY }, { auth: { bearer: CANARY } }],
    ["verifyCerts", { verifyCerts: false }, { tls: { rejectUnauthorized: false } }],
    [
      "empty text is no option",
      { username: "", password: "", apiKey: "", hosts: "" },
      { nodes: ["http://localhost:9200"] },
    ],
  ])("%s", (_name, options, expected) => {
    expect(connectionPlan(options).config).toMatchObject(expected);
  });

  test("caCerts is read", () => {
    const path = join(temporaryFolder(), "ca.pem");
    writeFileSync(path, "-----BEGIN CERTIFICATE-----");
    expect(String(connectionPlan({ caCerts: path }).config.tls?.ca)).toContain("BEGIN CERTIFICATE");
  });

  test("a fingerprint takes the place of authorities", () => {
    const { agent, tls } = connectionPlan({ sslAssertFingerprint: FINGERPRINT }).config;
    expect(tls).toBeUndefined();
    expect(agent).toMatchObject({ connect: expect.any(Function) });
  });
});

describe("options that cannot be used are CONFIG_INVALID", () => {
  test.each<[string, ElasticsearchOptions]>([
    ["hosts and cloudId", { hosts: "http://a:1", cloudId: CLOUD_ID }],
    ["a host without a scheme", { hosts: `user:${CANARY}@host:9200` }],
    ["a host of another kind", { hosts: `ftp://user:${CANARY}@host` }],
    ["no host", { hosts: [] }],
    ["a cloudId of no cloud", { cloudId: "deployment:bm90aGluZw==" }],
    ["a user without a password", { username: "me" }],
    ["a password without a user", { password: CANARY }],
    ["a key and a token", { apiKey: CANARY, bearerAuth: CANARY }],
    ["a user and a key", { username: "me", password: CANARY, apiKey: CANARY }],
    ["authorities that are not there", { caCerts: "absent.pem" }],
    ["a fingerprint that is none", { sslAssertFingerprint: "ab:cd" }],
    ["a fingerprint in the cloud", { cloudId: CLOUD_ID, sslAssertFingerprint: FINGERPRINT }],
  ])("%s", (_name, options) => {
    expect(problemOf(options)).not.toContain(CANARY);
  });
});

test("what must not be told is known in each form that is sent", () => {
  const { secrets, addresses } = connectionPlan({ hosts: `https://me:${CANARY}%2F@a.org` });
  expect(secrets).toContain(`${CANARY}/`);
  expect(secrets).toContain(Buffer.from(`me:${CANARY}/`).toString("base64"));
  expect(addresses).toEqual(["https://a.org"]);
  expect(connectionPlan({ apiKey: CANARY }).secrets).toEqual([CANARY]);
  expect(connectionPlan({ bearerAuth: CANARY }).secrets).toEqual([CANARY]);
});

/** What the pages' model name does with a hub that redirects, breaks off, lies or has nothing. */

import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Nearsight } from "../../core/index.ts";
import { type HubServer, startHubServer } from "../support/hub-server.ts";
import { temporaryFolder, temporaryNearsight } from "../support/temporary.ts";
import { REPOSITORY, writeSmallClip } from "./clip.ts";

const NAME = "clip-vit-base32-torch";
const VISION = "onnx/vision_model.onnx";
const LINK = `GET /${REPOSITORY}/resolve/main/${VISION}`;

let source: string;
let hub: HubServer;
let ns: Nearsight;
let downloaded: string;

beforeEach(async () => {
  source = temporaryFolder();
  await writeSmallClip(source);
  hub = await startHubServer(source, REPOSITORY);
  const cache = temporaryFolder();
  ns = await temporaryNearsight({ config: { cache, hubEndpoint: hub.endpoint } });
  downloaded = join(cache, "models", REPOSITORY.replace("/", "--"), "main");
});
afterEach(() => hub.close());

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

describe(NAME, () => {
  it("follows the redirect and records the ETag, which is the SHA-256 of the weights", async () => {
    const model = await ns.loadZooModel(NAME);
    expect(model.dimension).toBe(512);
    expect(hub.requests).toEqual(expect.arrayContaining([LINK, `GET /storage/${VISION}`]));
    const { files } = JSON.parse(readFileSync(join(downloaded, "nearsight-download.json"), "utf8"));
    expect(files[VISION]).toMatchObject({
      etag: sha256(join(source, VISION)),
      sha256: sha256(join(source, VISION)),
    });
  });

  it("asks for the rest of a truncated body with Range", async () => {
    hub.faults.truncate = { file: VISION, after: 50_000, times: 1 };
    await ns.loadZooModel(NAME, { retryDelay: 1 });
    expect(
      hub.requests.filter((request) => request.startsWith(`GET /storage/${VISION} bytes=`)),
    ).toHaveLength(1);
    expect(sha256(join(downloaded, VISION))).toBe(sha256(join(source, VISION)));
  });

  it("does not join two versions of a file: another ETag starts anew", async () => {
    hub.faults.truncate = { file: VISION, after: 50_000, times: 1 };
    const broken = ns.loadZooModel(NAME, { retries: 0 });
    await expect(broken).rejects.toMatchObject({ code: "DOWNLOAD_FAILED", retryable: true });
    // A field that ONNX readers do not know: another file, as good as the first.
    appendFileSync(join(source, VISION), Buffer.from([0xfa, 0x06, 0x01, 0x00]));
    const before = hub.requests.length;
    await ns.loadZooModel(NAME, { retryDelay: 1 });
    expect(hub.requests.slice(before).filter((request) => request.includes("bytes="))).toEqual([]);
    expect(sha256(join(downloaded, VISION))).toBe(sha256(join(source, VISION)));
  });

  it("is MODEL_NOT_FOUND with the path where the hub answers 404", async () => {
    hub.faults.missing.push("config.json");
    await expect(ns.loadZooModel(NAME)).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      message: expect.stringContaining(`/${REPOSITORY}/resolve/main/config.json`),
    });
  });

  it("is CHECKSUM_MISMATCH for other bytes than announced, and keeps none of them", async () => {
    hub.faults.corrupt = VISION;
    await expect(ns.loadZooModel(NAME, { retries: 0 })).rejects.toMatchObject({ code: "CHECKSUM_MISMATCH" });
    const onnx = join(downloaded, "onnx");
    expect(existsSync(onnx) ? readdirSync(onnx) : []).toEqual([]);
    hub.faults.corrupt = null;
    expect((await ns.loadZooModel(NAME)).dimension).toBe(512);
  });
});

/** The model of a service: fetched once from its bucket, every file by its hash. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bucketModel } from "../../functions/lambda/model.ts";
import { type LoopbackServer, serve } from "../support/loopback.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SHIPPED = join(import.meta.dirname, "../../core/models/nearsight-tiny");
const PREFIX = "models/ours/";

let bucket: Map<string, Buffer>;
let asked: string[];
let server: LoopbackServer;

beforeEach(async () => {
  asked = [];
  bucket = new Map(filesIn(SHIPPED).map((file) => [file, readFileSync(join(SHIPPED, file))]));
  server = await serve((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://bucket");
    const file = pathname.replace(`/weights/${PREFIX}`, "");
    asked.push(file);
    const content = bucket.get(file);
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  vi.stubEnv("AWS_ENDPOINT_URL_S3", server.endpoint);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

/** Writes SHA256SUMS, and says where the model is and what it has to be. */
function place(sums = sumsOf(bucket)) {
  bucket.set("SHA256SUMS", Buffer.from(sums));
  return { bucket: "weights", prefix: PREFIX, sha256: sha256(Buffer.from(sums)) };
}

test("it is fetched once, and named after its folder", async () => {
  const folder = temporaryFolder();
  const where = place();
  const model = await bucketModel(where, folder);
  expect(model).toMatchObject({ name: "ours", dimension: 512 });
  expect(asked.toSorted()).toEqual([...bucket.keys()].toSorted());
  const vectors = await model.embedPrompts?.(["a cat"]);
  expect(vectors?.rows).toBe(1);
  await model.close?.();
  asked = [];
  expect((await bucketModel(where, folder)).fingerprint).toBe(model.fingerprint);
  expect(asked).toEqual([]);
});

test.each([
  ["a file that was changed", () => bucket.set("config.json", Buffer.from("{}")), "CHECKSUM_MISMATCH"],
  ["another list of files", () => bucket.set("SHA256SUMS", Buffer.from("")), "CHECKSUM_MISMATCH"],
  ["a file that is gone", () => bucket.delete("config.json"), "DOWNLOAD_FAILED"],
])("%s is refused, and leaves nothing behind", async (_, change, code) => {
  const folder = temporaryFolder();
  const where = place();
  change();
  await expect(bucketModel(where, folder)).rejects.toMatchObject({ code });
  expect(filesIn(folder)).toEqual([]);
});

test.each(["../outside", "/etc/passwd", "onnx/../../outside"])("the path %s leads nowhere", async (path) => {
  const where = place(`${"0".repeat(64)}  ${path}\n`);
  await expect(bucketModel(where, temporaryFolder())).rejects.toMatchObject({ code: "MODEL_INVALID" });
  expect(asked).toEqual(["SHA256SUMS"]);
});

function sumsOf(files: ReadonlyMap<string, Buffer>): string {
  return [...files].map(([file, content]) => `${sha256(content)}  ./${file}\n`).join("");
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function filesIn(folder: string): string[] {
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return all.filter((file) => statSync(join(folder, file)).isFile());
}

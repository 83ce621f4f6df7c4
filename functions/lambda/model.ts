/** The model of the service, fetched once from a bucket into the container, every file by its SHA-256. */

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { type EmbeddingModel, NearsightError } from "../../core/index.ts";
import { loadModelDirectory } from "../../core/models/directory.ts";
import type { ModelPlace } from "../resources.ts";

/** Lists the other files as `sha256sum` does. */
const SUMS = "SHA256SUMS";
const LINE = /^([0-9a-f]{64}) [ *](?:\.\/)?(.+)$/;

/** A folder with the model's files, and their SHA-256. */
interface FetchedModel {
  readonly directory: string;
  readonly checksums: Readonly<Record<string, string>>;
}

/** Loads the model of a place, by way of `folder`. CHECKSUM_MISMATCH, DOWNLOAD_FAILED, MODEL_INVALID. */
export async function bucketModel(place: ModelPlace, folder: string): Promise<EmbeddingModel> {
  const { directory, checksums } = await fetchModel(place, folder);
  return loadModelDirectory(directory, { name: basename(place.prefix), recorded: checksums });
}

/** Gives the folder of the model below `folder`: as it was fetched before, or from the bucket. */
async function fetchModel(place: ModelPlace, folder: string): Promise<FetchedModel> {
  const directory = join(folder, "models", place.sha256);
  if (await isThere(directory)) return { directory, checksums: await sumsOf(join(directory, SUMS), place) };
  const client = new S3Client({});
  const staging = `${directory}.${process.pid}`;
  try {
    await mkdir(staging, { recursive: true });
    await download(client, place, SUMS, staging, place.sha256);
    const checksums = await sumsOf(join(staging, SUMS), place);
    for (const [file, sha256] of Object.entries(checksums))
      await download(client, place, file, staging, sha256);
    await rename(staging, directory);
    return { directory, checksums };
  } finally {
    client.destroy();
    await rm(staging, { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function download(
  client: S3Client,
  { bucket, prefix }: ModelPlace,
  file: string,
  folder: string,
  expected: string,
): Promise<void> {
  const path = join(folder, file);
  await mkdir(dirname(path), { recursive: true });
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: `${prefix}${file}` }));
    await pipeline(Body as Readable, createWriteStream(path));
  } catch (cause) {
    throw new NearsightError({
      code: "DOWNLOAD_FAILED",
      message: `The model's file s3://${bucket}/${prefix}${file} could not be read`,
      hint: "Check NEARSIGHT_MODEL, and that the function may read the bucket",
      details: { file },
      cause,
    });
  }
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  const found = hash.digest("hex");
  if (found === expected) return;
  throw new NearsightError({
    code: "CHECKSUM_MISMATCH",
    message: `Expected s3://${bucket}/${prefix}${file} with SHA-256 ${expected} but found ${found}`,
    hint: "Upload the model again, or correct NEARSIGHT_MODEL_SHA256",
    details: { file, expected, found },
    // The same file would be found again.
    retryable: false,
  });
}

/** The files of `SHA256SUMS`; none may lie outside the model's folder. */
async function sumsOf(path: string, { bucket, prefix }: ModelPlace): Promise<Record<string, string>> {
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line.trim() !== "");
  const sums: Record<string, string> = {};
  for (const line of lines) {
    const [, sha256, file] = LINE.exec(line) ?? [];
    if (sha256 === undefined || file === undefined || /^\/|(^|\/)\.\.(\/|$)/.test(file)) {
      throw new NearsightError({
        code: "MODEL_INVALID",
        message: `Expected lines of sha256sum in s3://${bucket}/${prefix}${SUMS} but found ${JSON.stringify(line.slice(0, 100))}`,
        hint: `Make it with: find . -type f ! -name ${SUMS} | xargs sha256sum > ${SUMS}`,
      });
    }
    sums[file] = sha256;
  }
  return sums;
}

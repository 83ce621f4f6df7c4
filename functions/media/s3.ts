/** Links to objects in S3 and forms that upload to it; both are signed here, and no byte passes through the service. */

import { randomBytes } from "node:crypto";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { NearsightError } from "../../core/index.ts";
import { endingOf } from "./content-type.ts";
import type { ObjectLinks, UploadPlace } from "./object-store.ts";

const ADDRESS = /^s3:\/\/([^/]+)\/(.+)$/s;

export function s3Links(client: S3Client): ObjectLinks {
  return {
    presign(uri, expiresIn) {
      const [, Bucket, Key] = ADDRESS.exec(uri) ?? [];
      if (Bucket === undefined || Key === undefined) throw notAnObject(uri);
      return getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn });
    },
  };
}

/** `place` is `s3://bucket/prefix/`, below a media root. */
export function s3Uploads(client: S3Client, place: string): UploadPlace {
  const [, Bucket, prefix] = ADDRESS.exec(place) ?? [];
  if (Bucket === undefined || !prefix?.endsWith("/")) throw notAnObject(place);
  return {
    async prepare({ dataset, type, bytes, expiresIn }) {
      const Key = `${prefix}${dataset.id}/${randomBytes(16).toString("hex")}.${endingOf(type)}`;
      const { url, fields } = await createPresignedPost(client, {
        ...{ Bucket, Key, Expires: expiresIn, Fields: { "content-type": type } },
        Conditions: [
          ["content-length-range", 1, bytes],
          ["eq", "$content-type", type],
        ],
      });
      const expires = new Date(Date.now() + expiresIn * 1_000).toISOString();
      return { url, fields, filepath: `s3://${Bucket}/${Key}`, expires };
    },
  };
}

function notAnObject(found: string): NearsightError {
  return new NearsightError({
    code: "CONFIG_INVALID",
    message: `Expected s3://bucket/key, or s3://bucket/prefix/ for a folder, but found '${found.slice(0, 200)}'`,
    hint: "Correct the address",
  });
}

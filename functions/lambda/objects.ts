/** Objects of buckets for the API: links to read them, and forms to upload. */

import { S3Client } from "@aws-sdk/client-s3";
import { s3Links, s3Uploads } from "../media/s3.ts";
import type { Resources } from "../resources.ts";
import type { ServiceOptions } from "../services.ts";

/** Signed with the rights of the function. CONFIG_INVALID */
export function bucketObjects({ uploads }: Resources): Pick<ServiceOptions, "objects" | "uploads"> {
  const client = new S3Client({});
  const objects = s3Links(client);
  return uploads === null ? { objects } : { objects, uploads: s3Uploads(client, uploads) };
}

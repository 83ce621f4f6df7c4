/** Addresses of objects in buckets: `s3://bucket/key`, the key as it is, without any escapes. */

import { NearsightError } from "../../errors.ts";
import { shown } from "../media-source.ts";

const SCHEME = "s3://";

/** An object, or what several of them have in front. */
export interface S3Address {
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
}

export function isS3Address(uri: string): boolean {
  return uri.slice(0, SCHEME.length).toLowerCase() === SCHEME;
}

/** Everything behind the bucket's name is the key: it may hold `?`, `#`, `%` and slashes in a row. INVALID_ARGUMENT */
export function parseS3Address(uri: string): S3Address {
  const rest = uri.slice(SCHEME.length);
  const slash = rest.indexOf("/");
  const bucket = slash === -1 ? rest : rest.slice(0, slash);
  if (isS3Address(uri) && bucket !== "") return { bucket, key: slash === -1 ? "" : rest.slice(slash + 1) };
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected an address such as s3://bucket/key but found ${shown(uri)}`,
    hint: "Write the bucket's name behind s3://, then a slash and the key",
    details: { uri: shown(uri) },
  });
}

export function s3Address({ bucket, key }: S3Address): string {
  return `${SCHEME}${bucket}/${key}`;
}

/** A key as events and listings have it: form-encoded, a space as `+`. INVALID_ARGUMENT */
export function decodeS3Key(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch (cause) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected a form-encoded key but found ${shown(encoded)}`,
      hint: "Send the key as S3 writes it into its events",
      cause,
    });
  }
}

/** The pictures below a folder or a bucket's address, one after the other in the order of their addresses' bytes. */

import { resolve, sep } from "node:path";
import { isShownImage } from "./image-names.ts";
import type { MediaOptions, MediaStat } from "./media-source.ts";
import { isS3Address, parseS3Address, s3Address } from "./s3/address.ts";
import { mediaSource } from "./source.ts";

/** The address with a separator at its end: what all addresses below it start with. */
export function folderAddress(address: string): string {
  if (!isS3Address(address)) return resolve(address).replace(/([^/\\])$/, `$1${sep}`);
  const { bucket, key } = parseS3Address(address);
  return s3Address({ bucket, key: key.replace(/([^/])$/, "$1/") });
}

/** Pictures that are not hidden. `folder` ends in a separator. The errors are those of the place's `list`. */
export async function* imagesBelow(folder: string, options: MediaOptions = {}): AsyncGenerator<MediaStat> {
  for await (const found of mediaSource(folder, options).list(folder, options)) {
    if (isShownImage(found.uri.slice(folder.length))) yield found;
  }
}

/** True for a picture that is below an address and not hidden there: one that following the address comes upon. */
export function isFollowed(address: string, uri: string): boolean {
  const folder = folderAddress(address);
  return uri.startsWith(folder) && isShownImage(uri.slice(folder.length));
}

/** Sizes and hashes of media, read in pieces where their place can. */

import { createHash } from "node:crypto";
import { throwIfAborted } from "../errors.ts";
import type { MediaOptions } from "./media-source.ts";
import { mediaSource } from "./source.ts";

/** Bytes of a medium: a path, a `file:` or `data:` URL. MEDIA_NOT_FOUND, MEDIA_INVALID. */
export async function mediaSize(uri: string, options: MediaOptions = {}): Promise<number> {
  return (await mediaSource(uri, options).stat(uri, options)).size;
}

/** SHA-256 of the bytes of a medium, in hexadecimal. MEDIA_NOT_FOUND, MEDIA_INVALID, ABORTED. */
export async function mediaHash(uri: string, options: MediaOptions = {}): Promise<string> {
  const source = mediaSource(uri, options);
  const hash = createHash("sha256");
  if (source.stream === undefined) return hash.update(await source.open(uri, options)).digest("hex");
  for await (const piece of source.stream(uri, options)) {
    throwIfAborted(options.signal);
    hash.update(piece);
  }
  return hash.digest("hex");
}

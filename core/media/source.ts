/** Where media bytes come from: the choice of the place by its address. */

import { NearsightError, throwIfAborted } from "../errors.ts";
import { dataSource } from "./data-source.ts";
import { fileSource } from "./file-source.ts";
import { checkSize, type MediaOptions, type MediaSource, type ReadMedia, shown } from "./media-source.ts";

const SOURCES: readonly MediaSource[] = [dataSource, fileSource];

/** The place that answers an address; throws INVALID_ARGUMENT where none does. */
export function mediaSource(uri: string, options: MediaOptions = {}): MediaSource {
  const source = [...(options.sources ?? []), ...SOURCES].find((candidate) => candidate.matches(uri));
  if (source !== undefined) return source;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a path, a file:, data: or s3: address but found ${shown(uri)}`,
    hint: "Give a path on this machine, or the bytes themselves",
    details: { uri: shown(uri) },
  });
}

/**
 * Reads all bytes of a medium: a path, a `file:` or `data:` URL, or bytes, which are returned as they are.
 * Throws MEDIA_NOT_FOUND, LIMIT_EXCEEDED, MEDIA_INVALID for folders, INVALID_ARGUMENT for other addresses.
 *
 * @example
 * const bytes = await openMedia("photos/cat.jpg");
 */
export async function openMedia(
  media: string | URL | Uint8Array,
  options: MediaOptions = {},
): Promise<Uint8Array> {
  throwIfAborted(options.signal);
  if (media instanceof Uint8Array) {
    checkSize(media.byteLength, "The given bytes", options);
    return media;
  }
  const uri = String(media);
  return mediaSource(uri, options).open(uri, options);
}

/**
 * A link to a medium for who has no credentials, valid for `expiresIn` seconds. INVALID_ARGUMENT for places that have
 * no links, such as files.
 */
export async function mediaUrl(uri: string, expiresIn: number, options: MediaOptions = {}): Promise<string> {
  const source = mediaSource(uri, options);
  if (source.url !== undefined) return source.url(uri, expiresIn);
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a medium in a bucket but found ${shown(uri)}`,
    hint: "Only media in buckets have links",
    details: { uri: shown(uri) },
  });
}

/** All bytes of a medium at an address, and what was known of it just before. The errors are those of `openMedia`. */
export async function readMedia(uri: string, options: MediaOptions = {}): Promise<ReadMedia> {
  throwIfAborted(options.signal);
  const source = mediaSource(uri, options);
  if (source.read !== undefined) return source.read(uri, options);
  const stat = await source.stat(uri, options);
  return { bytes: await source.open(uri, options), stat };
}

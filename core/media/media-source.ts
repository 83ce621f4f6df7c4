/** The interface of the places media are read from, and the bounds they all keep. */

import { NearsightError } from "../errors.ts";

/** Bytes one medium may have at most, unless the caller says otherwise: 256 MiB. */
const MAX_MEDIA_BYTES = 256 * 1024 * 1024;

/** What is known about a medium without reading it. */
export interface MediaStat {
  readonly uri: string;
  /** Bytes. */
  readonly size: number;
  /** When it last changed, in milliseconds since 1970, where the place knows. */
  readonly modified: number | null;
  /** The place's own version mark, where it has one. */
  readonly etag: string | null;
}

/** Bounds on what is read. */
interface MediaLimits {
  /** Bytes of one medium at most. Default 256 MiB. */
  readonly maxBytes?: number | undefined;
}

/** All bytes of a medium, and what was known of it just before they were read. */
export interface ReadMedia {
  readonly bytes: Uint8Array;
  readonly stat: MediaStat;
}

export interface MediaOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limits?: MediaLimits | undefined;
  /** Places to look in before files and data URLs. */
  readonly sources?: readonly MediaSource[] | undefined;
}

/** A place media are read from: files, data URLs, a web server, a bucket. */
export interface MediaSource {
  /** True for addresses this place answers. */
  matches(uri: string): boolean;
  /** Throws MEDIA_NOT_FOUND where nothing is there. */
  stat(uri: string, options?: MediaOptions): Promise<MediaStat>;
  /** All bytes; throws MEDIA_NOT_FOUND, or LIMIT_EXCEEDED before reading more than the limit. */
  open(uri: string, options?: MediaOptions): Promise<Uint8Array>;
  /** `stat` and `open` in one, where the place has a shorter way to both. */
  read?(uri: string, options?: MediaOptions): Promise<ReadMedia>;
  /** The bytes piece by piece, of any number; left out by places that only have them whole. */
  stream?(uri: string, options?: MediaOptions): AsyncIterable<Uint8Array>;
  /** Everything under a folder or prefix, ordered by the bytes of its address. */
  list(uri: string, options?: MediaOptions): AsyncIterable<MediaStat>;
  /** A link for who has no credentials, valid for so many seconds; left out by places that have none. */
  url?(uri: string, expiresIn: number): Promise<string>;
}

/** Throws LIMIT_EXCEEDED where `size` bytes are more than the limit. */
export function checkSize(size: number, what: string, options: MediaOptions = {}): void {
  const maxBytes = options.limits?.maxBytes ?? MAX_MEDIA_BYTES;
  if (size <= maxBytes) return;
  throw new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `Expected at most ${maxBytes} bytes but ${what} has ${size}`,
    hint: "Raise limits.maxBytes, or give a smaller file",
    details: { limit: maxBytes, found: size },
  });
}

/** An address short enough for a message: data URLs can hold megabytes. Of a long path the end tells most. */
export function shown(uri: string): string {
  return uri.length > 400 ? `${uri.slice(0, 60)}…${uri.slice(-120)} (${uri.length} characters)` : uri;
}

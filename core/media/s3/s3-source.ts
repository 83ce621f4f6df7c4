/** Media in buckets of S3, and of servers that speak its protocol: `s3://bucket/key`. */

import type { GetObjectCommandOutput, ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import { NearsightError, throwIfAborted } from "../../errors.ts";
import type { S3Settings } from "../../s3-settings.ts";
import {
  checkSize,
  type MediaOptions,
  type MediaSource,
  type MediaStat,
  type ReadMedia,
  shown,
} from "../media-source.ts";
import { decodeS3Key, isS3Address, parseS3Address, s3Address } from "./address.ts";
import { loadPresigner, type S3Connection, s3Connection } from "./client.ts";
import { s3Error, s3StatusOf } from "./errors.ts";

/** A link is valid for a week at most: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html */
const MAX_LINK_SECONDS = 7 * 24 * 60 * 60;

/** A place of media that holds connections. */
export interface S3Source extends MediaSource {
  url(uri: string, expiresIn: number): Promise<string>;
  close(): Promise<void>;
}

/** What an answer says of its object. */
type ObjectFacts = Pick<GetObjectCommandOutput, "ContentLength" | "LastModified" | "ETag">;

/**
 * Buckets by address; the SDK is loaded by the first call. Errors of calls: PACKAGE_MISSING, CONFIG_INVALID,
 * MEDIA_NOT_FOUND, LIMIT_EXCEEDED, INVALID_ARGUMENT, AUTHENTICATION_FAILED, PERMISSION_DENIED, BACKEND_UNAVAILABLE,
 * BACKEND_FAILED, ABORTED.
 *
 * @example
 * const source = s3Source({ endpoint: "http://127.0.0.1:9000" });
 * const bytes = await source.open("s3://photos/cat.jpg");
 */
export function s3Source(settings: S3Settings = {}): S3Source {
  const connection = s3Connection(settings);

  /** Runs work on the client; its errors become ours. */
  async function on<Result>(uri: string, work: (open: S3Connection) => Promise<Result>): Promise<Result> {
    try {
      return await work(await connection.open());
    } catch (error) {
      throw s3Error(error, uri);
    }
  }

  return {
    matches: isS3Address,
    stat: (uri, options) => on(uri, (open) => statObject(open, uri, options)),
    open: async (uri, options) => (await on(uri, (open) => readObject(open, uri, options))).bytes,
    read: (uri, options) => on(uri, (open) => readObject(open, uri, options)),
    stream: (uri, options) => piecesOf(on, uri, options),
    async *list(uri, options) {
      let token: string | undefined;
      do {
        const page = await on(uri, (open) => listPage(open, uri, token, options));
        yield* statsOf(page, uri);
        token = page.NextContinuationToken;
      } while (token !== undefined);
    },
    url: (uri, expiresIn) => on(uri, (open) => signedLink(open, uri, expiresIn)),
    close: () => connection.close(),
  };
}

type OnClient = <Result>(uri: string, work: (open: S3Connection) => Promise<Result>) => Promise<Result>;

async function statObject({ sdk, client }: S3Connection, uri: string, options: MediaOptions = {}) {
  const where = objectAt(uri);
  try {
    return describe(uri, await client.send(new sdk.HeadObjectCommand(where), aborting(options)));
  } catch (error) {
    if (s3StatusOf(error) !== 404) throw error;
  }
  // An answer to HEAD has no body: only GET tells a missing object from a missing bucket.
  const found = await client.send(new sdk.GetObjectCommand(where), aborting(options));
  discard(found);
  return describe(uri, found);
}

async function readObject(
  { sdk, client }: S3Connection,
  uri: string,
  options: MediaOptions = {},
): Promise<ReadMedia> {
  const found = await client.send(new sdk.GetObjectCommand(objectAt(uri)), aborting(options));
  const stat = describe(uri, found);
  try {
    checkSize(stat.size, `'${shown(uri)}'`, options);
  } catch (error) {
    discard(found);
    throw error;
  }
  return { bytes: (await found.Body?.transformToByteArray()) ?? new Uint8Array(), stat };
}

async function* piecesOf(on: OnClient, uri: string, options: MediaOptions = {}): AsyncGenerator<Uint8Array> {
  const found = await on(uri, ({ sdk, client }) =>
    client.send(new sdk.GetObjectCommand(objectAt(uri)), aborting(options)),
  );
  try {
    yield* (found.Body ?? []) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw s3Error(error, uri);
  } finally {
    discard(found);
  }
}

/** Names are asked for in form encoding: in plain XML a key with control characters makes the page unreadable. */
function listPage(
  { sdk, client }: S3Connection,
  uri: string,
  token: string | undefined,
  options: MediaOptions = {},
): Promise<ListObjectsV2CommandOutput> {
  throwIfAborted(options.signal);
  const { bucket, key } = parseS3Address(uri);
  const page = token === undefined ? {} : { ContinuationToken: token };
  const request = { Bucket: bucket, Prefix: key, EncodingType: "url", ...page } as const;
  return client.send(new sdk.ListObjectsV2Command(request), aborting(options));
}

function statsOf({ Contents = [], EncodingType }: ListObjectsV2CommandOutput, uri: string): MediaStat[] {
  const { bucket } = parseS3Address(uri);
  return Contents.map(({ Key = "", Size, LastModified, ETag }) => {
    const key = EncodingType === "url" ? decodeS3Key(Key) : Key;
    const facts = {
      ...(Size === undefined ? {} : { ContentLength: Size }),
      ...(LastModified === undefined ? {} : { LastModified }),
      ...(ETag === undefined ? {} : { ETag }),
    };
    return describe(s3Address({ bucket, key }), facts);
  });
}

async function signedLink({ sdk, client }: S3Connection, uri: string, expiresIn: number): Promise<string> {
  if (!Number.isInteger(expiresIn) || expiresIn < 1 || expiresIn > MAX_LINK_SECONDS) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected 1 to ${MAX_LINK_SECONDS} seconds for 'expiresIn' but found ${expiresIn}`,
      hint: "Give whole seconds",
    });
  }
  const { getSignedUrl } = await loadPresigner();
  return getSignedUrl(client, new sdk.GetObjectCommand(objectAt(uri)), { expiresIn });
}

function objectAt(uri: string): { Bucket: string; Key: string } {
  const { bucket, key } = parseS3Address(uri);
  if (key !== "") return { Bucket: bucket, Key: key };
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected the address of an object but '${shown(uri)}' is a bucket`,
    hint: "Write the key behind the bucket's name",
  });
}

function describe(uri: string, { ContentLength, LastModified, ETag }: ObjectFacts): MediaStat {
  return {
    uri,
    size: ContentLength ?? 0,
    modified: LastModified?.getTime() ?? null,
    etag: ETag ?? null,
  };
}

/** Ends a transfer that nobody reads to its end; else its connection stays taken. */
function discard({ Body }: GetObjectCommandOutput): void {
  if (Body !== undefined && "destroy" in Body) Body.destroy();
}

function aborting({ signal }: MediaOptions): { abortSignal?: AbortSignal } {
  throwIfAborted(signal);
  return signal === undefined ? {} : { abortSignal: signal };
}

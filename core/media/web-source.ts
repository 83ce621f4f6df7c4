/** Media on the web: https addresses of a list, fetched so that no answer can lead into a network of one's own. */

import type { LookupAddress } from "node:dns";
import type { IncomingMessage } from "node:http";
import { isIP, type LookupFunction } from "node:net";
import { isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import type { MediaRoots } from "./media-roots.ts";
import {
  checkSize,
  type MediaOptions,
  type MediaSource,
  type MediaStat,
  type ReadMedia,
} from "./media-source.ts";
import { isPublicAddress, networkList } from "./public-address.ts";

export interface WebSourceOptions {
  /** Addresses that may be asked, redirects included. */
  readonly roots: MediaRoots;
  /** Networks of one's own that hosts of the list may lie in, such as `10.1.0.0/16`. Default: none. */
  readonly networks?: readonly string[];
  /** Milliseconds for a medium, redirects included. Default 10,000. */
  readonly timeoutMs?: number;
  /** Bytes of a medium at most, where the caller names no smaller limit. Default 32 MiB. */
  readonly maxBytes?: number;
  /** Certificates to trust beside those of the system, in PEM. */
  readonly certificateAuthority?: string;
  /** Addresses of a host. Default: the system's resolver. */
  readonly resolveHost?: (host: string) => Promise<readonly LookupAddress[]>;
}

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_REDIRECTS = 3;
const REDIRECTS: readonly (number | undefined)[] = [301, 302, 303, 307, 308];
const GONE: readonly (number | undefined)[] = [404, 410];

/** How one medium is asked for. */
interface Fetching {
  readonly method: "GET" | "HEAD";
  readonly signal: AbortSignal;
}

/**
 * A place that reads `https:` addresses below the roots given. Names are resolved once, and what is connected to is
 * the address that was checked. NOT_ALLOWED, MEDIA_NOT_FOUND, MEDIA_INVALID, LIMIT_EXCEEDED, DOWNLOAD_FAILED.
 *
 * @example
 * const roots = mediaRoots(["https://images.example.org"]);
 * await using ns = await open({ mediaSources: [webSource({ roots })] });
 */
export function webSource(options: WebSourceOptions): MediaSource {
  const { roots, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES, certificateAuthority: ca } = options;
  const networks = networkList(options.networks ?? []);
  const resolveHost = options.resolveHost ?? resolveBySystem;

  function mayConnect(address: string): boolean {
    return isPublicAddress(address) || networks.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  }

  /** Gives the connection the very addresses that were checked, so that a second answer cannot replace the first. */
  const lookupChecked: LookupFunction = (host, { all }, answer) => {
    resolveHost(host)
      .then((addresses) => {
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => mayConnect(address))) {
          throw notAllowed(`the address of '${host}' is not of the Internet`);
        }
        if (all) answer(null, [...addresses]);
        else answer(null, first.address, first.family);
      })
      .catch((error) => answer(error, ""));
  };

  async function ask(uri: string, fetching: Fetching, redirects = MAX_REDIRECTS): Promise<IncomingMessage> {
    const url = URL.parse(uri);
    if (url === null || !roots.address(uri)) throw notAllowed(`'${shownAddress(uri)}' is not on the list`);
    const host = url.hostname.replaceAll(/[[\]]/g, "");
    // The system is not asked for the address of an address.
    if (isIP(host) !== 0 && !mayConnect(host)) throw notAllowed(`'${host}' is not of the Internet`);
    const response = await send(url, { ...fetching, lookup: lookupChecked, ca });
    const { statusCode, headers } = response;
    if (!REDIRECTS.includes(statusCode) || headers.location === undefined) return response;
    response.destroy();
    const next = URL.parse(headers.location, url);
    if (redirects === 0 || next === null) throw failed(uri, "it is redirected too often");
    return ask(next.href, fetching, redirects - 1);
  }

  async function withResponse<Value>(
    uri: string,
    method: Fetching["method"],
    media: MediaOptions,
    use: (response: IncomingMessage, limits: MediaOptions) => Promise<Value>,
  ): Promise<Value> {
    throwIfAborted(media.signal);
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = media.signal === undefined ? timeout : AbortSignal.any([timeout, media.signal]);
    const limits = { maxBytes: Math.min(maxBytes, media.limits?.maxBytes ?? maxBytes) };
    try {
      const response = await ask(uri, { method, signal });
      response.on("error", () => undefined);
      assertFound(response, uri);
      return await use(response, { limits });
    } catch (error) {
      throwIfAborted(media.signal);
      if (isNearsightError(error)) throw error;
      throw failed(
        uri,
        timeout.aborted ? `it took more than ${timeoutMs} ms` : "the connection failed",
        error,
      );
    }
  }

  const read = (uri: string, media: MediaOptions = {}): Promise<ReadMedia> =>
    withResponse(uri, "GET", media, async (response, limits) => {
      const bytes = await readBody(response, uri, limits);
      return { bytes, stat: { ...statOf(response, uri), size: bytes.byteLength } };
    });

  const source: MediaSource = {
    matches: (uri) => /^https:/i.test(uri),
    stat: (uri, media = {}) =>
      withResponse(uri, "HEAD", media, async (response) => {
        response.destroy();
        return statOf(response, uri);
      }),
    read,
    open: async (uri, media) => (await read(uri, media)).bytes,
    async *list(uri, media) {
      yield await source.stat(uri, media);
    },
  };
  return source;
}

async function resolveBySystem(host: string): Promise<readonly LookupAddress[]> {
  const { lookup } = await import("node:dns/promises");
  return lookup(host, { all: true });
}

async function send(
  url: URL,
  { method, signal, lookup, ca }: Fetching & { lookup: LookupFunction; ca: string | undefined },
): Promise<IncomingMessage> {
  const headers = { accept: "image/*,*/*;q=0.1", "accept-encoding": "identity", "user-agent": "nearsight" };
  // Loaded with the first medium from the web: most programs read none.
  const { request } = await import("node:https");
  return new Promise((resolve, reject) => {
    // No agent: a connection that is kept might have been made to an address that is no longer allowed.
    const sent = request(url, {
      method,
      headers,
      signal,
      lookup,
      agent: false,
      ...(ca === undefined ? {} : { ca }),
    });
    sent.once("response", resolve).once("error", reject).end();
  });
}

async function readBody(response: IncomingMessage, uri: string, limits: MediaOptions): Promise<Uint8Array> {
  const what = `'${shownAddress(uri)}'`;
  checkSize(statOf(response, uri).size, what, limits);
  const pieces: Buffer[] = [];
  let size = 0;
  // Leaving the loop ends the connection.
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.byteLength;
    checkSize(size, what, limits);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function statOf({ headers }: IncomingMessage, uri: string): MediaStat {
  const size = Number(headers["content-length"] ?? 0);
  const modified = Date.parse(headers["last-modified"] ?? "");
  return { uri, size, modified: Number.isNaN(modified) ? null : modified, etag: headers.etag ?? null };
}

function assertFound(response: IncomingMessage, uri: string): void {
  const { statusCode, headers } = response;
  const encoded = (headers["content-encoding"] ?? "identity") !== "identity";
  if (statusCode === 200 && !encoded) return;
  response.destroy();
  if (statusCode === 200) throw failed(uri, "it is compressed although that was not asked for");
  if (!GONE.includes(statusCode)) throw failed(uri, `its server answered ${statusCode}`);
  throw new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `No file at '${shownAddress(uri)}'`,
    hint: "Check the address",
    details: { status: statusCode },
  });
}

/** Without what may be secret in it: user, password and the query, which holds signatures. */
function shownAddress(uri: string): string {
  const url = URL.parse(uri);
  return url === null ? "an address that is none" : `${url.origin}${url.pathname}`.slice(0, 400);
}

function notAllowed(reason: string): NearsightError {
  return new NearsightError({
    code: "NOT_ALLOWED",
    message: `Media are read from the places of a list only, and ${reason}`,
    hint: "Ask whoever runs the service to add the place to its media roots",
  });
}

function failed(uri: string, reason: string, cause?: unknown): NearsightError {
  return new NearsightError({
    code: "DOWNLOAD_FAILED",
    message: `Could not read '${shownAddress(uri)}': ${reason}`,
    hint: "Try again later, or look whether the address works elsewhere",
    cause,
  });
}

/** Downloads one file over HTTP: follows redirects, goes on where it stopped, checks length and SHA-256. */

import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { NearsightError, throwIfAborted, wrapError } from "../errors.ts";
import { dropParts, type Part, partSize, takePart } from "./download-parts.ts";

/** How far a file has come. */
export interface DownloadProgress {
  /** File name in its repository. */
  readonly file: string;
  /** Bytes so far, and in all where the server says. */
  readonly received: number;
  readonly total: number | null;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Access token, sent to the first server only, never where it redirects to. */
  readonly token?: string | undefined;
  /** Expected SHA-256 in hexadecimal. */
  readonly sha256?: string | undefined;
  /** Bytes at most: a server that sends more could fill the disk. Default 64 GiB. */
  readonly maxBytes?: number | undefined;
  /** Further tries after a broken connection or a busy server. Default 2. */
  readonly retries?: number | undefined;
  /** Milliseconds before the first further try, doubled each time. Default 500. */
  readonly retryDelay?: number | undefined;
}

/** What was downloaded. */
export interface Downloaded {
  readonly size: number;
  readonly sha256: string;
  readonly etag: string | null;
}

/** A server's answer after all redirects, with what it said about the file on the way. */
interface Answer {
  readonly response: Response;
  readonly url: string;
  /** Names the version; parts are joined only where it is the same. */
  readonly etag: string | null;
  readonly size: number | null;
  readonly sha256: string | null;
  /** Bytes left out at the start because they are here already. */
  readonly offset: number;
}

const MAX_REDIRECTS = 8;
const MAX_BYTES = 64 * 1024 ** 3;

const active = new Map<string, Promise<unknown>>();

/**
 * Downloads `url` to the path `target`, which appears only when it is whole. A part left by an earlier, interrupted
 * try is continued. Several processes may do this at once.
 *
 * Gives null for 404. Throws DOWNLOAD_FAILED, CHECKSUM_MISMATCH, MODEL_NOT_FOUND for 401 and 403, LIMIT_EXCEEDED, ABORTED.
 */
export async function downloadFile(
  url: string,
  target: string,
  file: string,
  options: DownloadOptions = {},
): Promise<Downloaded | null> {
  while (active.has(target)) await active.get(target)?.catch(() => undefined);
  const running = downloadWithRetries(url, target, file, options);
  active.set(target, running);
  try {
    return await running;
  } finally {
    active.delete(target);
  }
}

async function downloadWithRetries(
  url: string,
  target: string,
  file: string,
  options: DownloadOptions,
): Promise<Downloaded | null> {
  const { retries = 2, retryDelay = 500, signal } = options;
  await mkdir(dirname(target), { recursive: true });
  for (let tries = 0; ; tries++) {
    throwIfAborted(signal);
    try {
      return await downloadOnce(url, target, file, options);
    } catch (error) {
      throwIfAborted(signal);
      const failure = wrapError(error, failed(url, reasonOf(error)));
      if (tries >= retries || !failure.retryable) throw failure;
      await wait(retryDelay * 2 ** tries, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function downloadOnce(
  url: string,
  target: string,
  file: string,
  options: DownloadOptions,
): Promise<Downloaded | null> {
  const answer = await follow(url, target, options);
  const { response } = answer;
  if (response.status === 404) {
    await response.body?.cancel();
    return null;
  }
  if (response.status === 401 || response.status === 403) throw refused(url, response.status);
  if (response.status === 416) await dropParts(target, answer.etag);
  if (!response.ok || response.body === null) throw httpError(url, response.status);
  const { maxBytes = MAX_BYTES } = options;
  if (answer.size !== null && answer.size > maxBytes) throw tooLarge(url, maxBytes);
  const part = await takePart(target, answer.etag, response.status === 206 ? answer.offset : 0);
  const hash = createHash("sha256");
  const size = await receive(answer, part, hash, (received) => {
    if (received > maxBytes) throw tooLarge(url, maxBytes);
    if (received > (answer.size ?? received))
      throw new NearsightError(failed(url, "more arrived than announced"));
    options.onProgress?.({ file, received, total: answer.size });
  });
  if (answer.size !== null && size !== answer.size) {
    throw new NearsightError(failed(url, `the connection ended after ${size} of ${answer.size} bytes`));
  }
  const sha256 = hash.digest("hex");
  const expected = options.sha256?.toLowerCase() ?? answer.sha256;
  if (expected !== null && expected !== sha256) {
    await rm(part.path, { force: true });
    throw mismatch(url, expected, sha256);
  }
  await rename(part.path, target);
  return { size, sha256, etag: answer.etag };
}

/** Asks for the file, going from redirect to redirect, and for the rest only where a part of this version is here. */
async function follow(start: string, target: string, options: DownloadOptions): Promise<Answer> {
  let url = start;
  let linked: Pick<Answer, "etag" | "size" | "sha256"> = { etag: null, size: null, sha256: null };
  let offset = 0;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await ask(url, start, offset, linked.etag, options);
    linked = merge(linked, response);
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) {
      const here = response.status === 200 ? await partSize(target, linked) : 0;
      if (here === 0 || offset > 0) return finish(response, url, linked, offset);
      offset = here;
    } else {
      url = nextUrl(url, location);
      offset = await partSize(target, linked);
    }
    await response.body?.cancel();
  }
  throw new NearsightError({ ...failed(start, `more than ${MAX_REDIRECTS} redirects`), retryable: false });
}

async function ask(
  url: string,
  start: string,
  offset: number,
  etag: string | null,
  { token, signal }: DownloadOptions,
): Promise<Response> {
  // Lengths are checked, so that nothing may be compressed on the way.
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (token !== undefined && new URL(url).origin === new URL(start).origin)
    headers.authorization = `Bearer ${token}`;
  if (offset > 0) headers.range = `bytes=${offset}-`;
  if (offset > 0 && etag !== null && url === start) headers["if-range"] = `"${etag}"`;
  return fetch(url, { headers, redirect: "manual", signal: signal ?? null });
}

/**
 * Collects what the answers say. `X-Linked-*` is about the file itself where the answer is only a redirect; for
 * large files the linked ETag is its SHA-256 (huggingface_hub, file_download.py). Storage behind it has other ETags.
 */
function merge(
  known: Pick<Answer, "etag" | "size" | "sha256">,
  { headers, status }: Response,
): Pick<Answer, "etag" | "size" | "sha256"> {
  const linked = plainEtag(headers.get("x-linked-etag"));
  const linkedSize = headers.get("x-linked-size");
  const range = /\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1];
  const length = status === 200 ? headers.get("content-length") : null;
  const size = linkedSize ?? range ?? length;
  return {
    etag: known.etag ?? linked ?? (status === 200 ? plainEtag(headers.get("etag")) : null),
    size: known.size ?? (size == null ? null : Number(size)),
    sha256: known.sha256 ?? (linked !== null && /^[0-9a-f]{64}$/i.test(linked) ? linked.toLowerCase() : null),
  };
}

function finish(
  response: Response,
  url: string,
  linked: Pick<Answer, "etag" | "size" | "sha256">,
  offset: number,
): Answer {
  const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  if (response.status === 206 && Number(start) !== offset) {
    throw new NearsightError(failed(url, "the server sent another part than the one asked for"));
  }
  return { response, url, ...linked, offset };
}

/** Appends the body to the part and gives the whole size; the hash covers what was there before, too. */
async function receive(
  { response, offset }: Answer,
  part: Part,
  hash: Hash,
  onReceived: (received: number) => void,
): Promise<number> {
  let size = response.status === 206 ? offset : 0;
  if (size > 0)
    for await (const chunk of createReadStream(part.path, { end: size - 1 })) hash.update(chunk as Buffer);
  const handle = await open(part.path, size > 0 ? "r+" : "w");
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      await writeAll(handle, chunk, size);
      hash.update(chunk);
      size += chunk.byteLength;
      onReceived(size);
    }
    await handle.truncate(size);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  return size;
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < chunk.byteLength; ) {
    const { bytesWritten } = await handle.write(
      chunk,
      written,
      chunk.byteLength - written,
      position + written,
    );
    written += bytesWritten;
  }
}

function nextUrl(from: string, location: string): string {
  const next = new URL(location, from);
  const secure = next.protocol === "https:" || (next.protocol === "http:" && !from.startsWith("https:"));
  if (secure) return next.href;
  throw new NearsightError({
    ...failed(from, `it redirects to ${next.protocol}//${next.host}`),
    retryable: false,
  });
}

function plainEtag(etag: string | null): string | null {
  return etag === null ? null : etag.replace(/^W\//, "").replaceAll('"', "");
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch says only "fetch failed"; the cause has the system's word for it.
  const cause = error.cause as { code?: string; message?: string } | undefined;
  return [error.message, cause?.code ?? cause?.message].filter(Boolean).join(": ");
}

function failed(url: string, reason: string): { code: "DOWNLOAD_FAILED"; message: string; hint: string } {
  return {
    code: "DOWNLOAD_FAILED",
    message: `Could not download ${withoutQuery(url)}: ${reason}`,
    hint: "Run it again to go on where it stopped. Without a network: run `nearsight models fetch` on another machine and copy the folder, or give the path of a model directory",
  };
}

function tooLarge(url: string, maxBytes: number): NearsightError {
  return new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `Expected at most ${maxBytes} bytes from ${withoutQuery(url)} but the server has more`,
    hint: "Check the name of the model: such a file is part of none",
    details: { limit: maxBytes },
  });
}

function httpError(url: string, status: number): NearsightError {
  const busy = status === 429 || status >= 500 || status === 416;
  return new NearsightError({
    ...failed(url, `the server answered ${status}`),
    details: { status },
    retryable: busy,
  });
}

function refused(url: string, status: number): NearsightError {
  return new NearsightError({
    code: "MODEL_NOT_FOUND",
    message: `The server answered ${status} to ${withoutQuery(url)}: there is no such model, or it is not public`,
    hint: "Check the name; for models behind a login set HF_TOKEN",
    details: { status },
  });
}

function mismatch(url: string, expected: string, found: string): NearsightError {
  return new NearsightError({
    code: "CHECKSUM_MISMATCH",
    message: `Expected ${withoutQuery(url)} to have SHA-256 ${expected} but what arrived has ${found}`,
    hint: "Run it again; if it stays, something between here and the server changes the file",
    details: { expected, found },
  });
}

/** Signed addresses carry secrets behind the question mark. */
function withoutQuery(url: string): string {
  return url.split("?")[0] as string;
}

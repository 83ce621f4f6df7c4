/** Answers with a file, or with the part of it that was asked for. */

import type { Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { ReadableStream } from "node:stream/web";
import type { Context } from "hono";
import { NearsightError } from "../../core/index.ts";
import { pictureType, SIGNATURE_BYTES } from "./content-type.ts";

interface Part {
  readonly start: number;
  /** The byte after the last. */
  readonly end: number;
}

const PIECE_BYTES = 256 * 1024;

const SECONDS_KEPT = 300;

/** 200, 206 for one range, 304 where the caller has it, 416 for a range that is not there. MEDIA_NOT_FOUND */
export async function serveFile(context: Context, path: string): Promise<Response> {
  const found = await statFile(path);
  const headers = { ...(await describe(path)), ...versionOf(found), "accept-ranges": "bytes" };
  if (context.req.header("if-none-match") === headers.etag)
    return new Response(null, { status: 304, headers });
  const part = partOf(context, found.size, headers.etag);
  if (part === null) {
    return new Response(null, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${found.size}` },
    });
  }
  const { start, end } = part;
  const isWhole = end - start === found.size;
  const range = isWhole ? {} : { "content-range": `bytes ${start}-${end - 1}/${found.size}` };
  // What is made as it is read: a caller who leaves, or asks for the headers only, opens nothing.
  const body = ReadableStream.from(pieces(path, part));
  return new Response(body as BodyInit, {
    status: isWhole ? 200 : 206,
    headers: { ...headers, ...range, "content-length": String(end - start) },
  });
}

/** Headers that let a browser show a picture, and do nothing else with any file. */
async function describe(path: string): Promise<Record<string, string>> {
  const type = pictureType(await firstBytes(path));
  return {
    "content-type": type ?? "application/octet-stream",
    "content-disposition": type === null ? "attachment" : "inline",
    "content-security-policy": "default-src 'none'; sandbox",
    // Pages of the list show pictures by their address, which no CORS header covers.
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": `private, max-age=${SECONDS_KEPT}`,
  };
}

function versionOf({ mtimeMs, mtime, size }: Stats): { etag: string; "last-modified": string } {
  return { etag: `"${size.toString(36)}-${mtimeMs.toString(36)}"`, "last-modified": mtime.toUTCString() };
}

/** The part asked for; the whole where nothing, several parts, or a part of another version is; null where there is none. */
function partOf(context: Context, size: number, etag: string): Part | null {
  const whole = { start: 0, end: size };
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(context.req.header("range") ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return whole;
  const version = context.req.header("if-range");
  if (version !== undefined && version !== etag) return whole;
  const start = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === "" || to === "" ? size : Math.min(size, Number(to) + 1);
  return start < end ? { start, end } : null;
}

async function statFile(path: string): Promise<Stats> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile()) return found;
  throw new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: "The sample's file is not there",
    hint: "Put the file back, or remove the sample",
  });
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SIGNATURE_BYTES), 0, SIGNATURE_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function* pieces(path: string, { start, end }: Part): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await open(path);
  try {
    for (let at = start; at < end; ) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - at));
      const { bytesRead } = await handle.read(piece, 0, piece.length, at);
      // Shorter than it was: the announced length tells the caller that something is missing.
      if (bytesRead === 0) return;
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Media in files of this machine, by path or `file:` URL. */

import { constants, type Dirent, type Stats } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { isNearsightError, NearsightError, throwIfAborted, wrapError } from "../errors.ts";
import {
  checkSize,
  type MediaOptions,
  type MediaSource,
  type MediaStat,
  type ReadMedia,
  shown,
} from "./media-source.ts";

/** Bytes per read: between two a signal is looked at. */
const READ_BYTES = 16 * 1024 * 1024;

/** Bytes of a piece where a file is read in pieces. */
const PIECE_BYTES = 1024 * 1024;

// One letter before the colon is a Windows drive, not a scheme.
const SCHEME = /^[a-z][a-z0-9+.-]+:/i;

/** Files of this machine; `list` walks folders and skips links to folders. */
export const fileSource: MediaSource = {
  matches: (uri) => uri.toLowerCase().startsWith("file:") || !SCHEME.test(uri),
  async stat(uri) {
    return describe(uri, await statFile(toPath(uri), uri));
  },
  open: async (uri, options) => (await readStatted(uri, options)).bytes,
  read: readStatted,
  stream: readPieces,
  async *list(uri, options = {}) {
    yield* walk(toPath(uri), uri, options.signal);
  },
};

async function readStatted(uri: string, options: MediaOptions = {}): Promise<ReadMedia> {
  const path = toPath(uri);
  // Before it is opened, which can do something to a device; and after, since the path may name another file by then.
  if (!(await statFile(path, uri)).isFile()) throw notAFile(uri);
  const handle = await openFile(path, uri);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw notAFile(uri);
    checkSize(found.size, `'${shown(uri)}'`, options);
    return { bytes: await readBytes(handle, found.size, options.signal), stat: describe(uri, found) };
  } catch (error) {
    throw isNearsightError(error) ? error : readError(error, uri);
  } finally {
    await handle.close();
  }
}

/** As `readStatted`, in pieces, without a limit. */
async function* readPieces(uri: string, { signal }: MediaOptions = {}): AsyncIterable<Uint8Array> {
  const handle = await openFile(toPath(uri), uri);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw notAFile(uri);
    for (let read = 0; read < found.size; ) {
      throwIfAborted(signal);
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, found.size - read));
      const { bytesRead } = await handle.read(piece);
      if (bytesRead === 0) return;
      read += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  } catch (error) {
    throw isNearsightError(error) ? error : readError(error, uri);
  } finally {
    await handle.close();
  }
}

async function openFile(path: string, uri: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK opening a named pipe waits for a writer.
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw readError(error, uri);
  }
}

/** At most `size` bytes: a file that grows meanwhile, or has no end, is not followed. */
async function readBytes(
  handle: FileHandle,
  size: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let read = 0;
  while (read < size) {
    throwIfAborted(signal);
    const { bytesRead } = await handle.read(bytes, read, Math.min(READ_BYTES, size - read), read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}

async function* walk(folder: string, uri: string, signal: AbortSignal | undefined): AsyncIterable<MediaStat> {
  throwIfAborted(signal);
  const entries = await readFolder(folder, uri);
  entries.sort((a, b) => Buffer.compare(orderOf(a), orderOf(b)));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path, path, signal);
    else {
      const found = await stat(path).catch(() => null);
      if (found?.isFile()) yield describe(path, found);
    }
  }
}

/** What follows a folder's name in an address is a separator, which comes after some characters: `a.png`, `a/b.png`. */
function orderOf(entry: Dirent): Buffer {
  return Buffer.from(entry.isDirectory() ? entry.name + sep : entry.name);
}

async function readFolder(folder: string, uri: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw readError(error, uri);
  }
}

async function statFile(path: string, uri: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw readError(error, uri);
  }
}

function toPath(uri: string): string {
  if (!uri.toLowerCase().startsWith("file:")) return uri;
  try {
    return fileURLToPath(uri);
  } catch (error) {
    throw wrapError(error, {
      code: "INVALID_ARGUMENT",
      message: `Expected a file: URL of this machine but found ${shown(uri)}`,
      hint: "Write it as file:///folder/name, or give the path",
    });
  }
}

function describe(uri: string, found: Stats): MediaStat {
  return { uri, size: found.size, modified: found.mtimeMs, etag: null };
}

function notAFile(uri: string): NearsightError {
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected a file but '${shown(uri)}' is a folder or a device`,
    hint: "Give the path of one file",
    details: { uri: shown(uri) },
  });
}

function readError(error: unknown, uri: string): NearsightError {
  const reason = (error as NodeJS.ErrnoException).code ?? String(error);
  const missing = reason === "ENOENT" || reason === "ENOTDIR";
  return new NearsightError({
    code: missing ? "MEDIA_NOT_FOUND" : "MEDIA_INVALID",
    message: missing ? `No file at '${shown(uri)}'` : `'${shown(uri)}' could not be read: ${reason}`,
    hint: missing
      ? "Check the path; relative ones start at the current folder"
      : "Check the file and its permissions",
    details: { uri: shown(uri), reason },
    cause: error,
  });
}

/** Media in files of this machine, by path or `file:` URL. */

import type { Dirent, Stats } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NearsightError, throwIfAborted, wrapError } from "../errors.ts";
import { checkSize, type MediaSource, type MediaStat } from "./media-source.ts";

// One letter before the colon is a Windows drive, not a scheme.
const SCHEME = /^[a-z][a-z0-9+.-]+:/i;

/** Files of this machine; `list` walks folders and skips links to folders. */
export const fileSource: MediaSource = {
  matches: (uri) => uri.toLowerCase().startsWith("file:") || !SCHEME.test(uri),
  async stat(uri) {
    return describe(uri, await statFile(toPath(uri), uri));
  },
  async open(uri, options = {}) {
    const path = toPath(uri);
    const found = await statFile(path, uri);
    if (!found.isFile()) throw notAFile(uri);
    checkSize(found.size, `'${uri}'`, options);
    try {
      return await readFile(path, { signal: options.signal });
    } catch (error) {
      throwIfAborted(options.signal);
      throw readError(error, uri);
    }
  },
  async *list(uri, options = {}) {
    yield* walk(toPath(uri), uri, options.signal);
  },
};

async function* walk(folder: string, uri: string, signal: AbortSignal | undefined): AsyncIterable<MediaStat> {
  throwIfAborted(signal);
  const entries = await readFolder(folder, uri);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path, path, signal);
    else {
      const found = await stat(path).catch(() => null);
      if (found?.isFile()) yield describe(path, found);
    }
  }
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
      message: `Expected a file: URL of this machine but found ${uri}`,
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
    message: `Expected a file but '${uri}' is a folder or a device`,
    hint: "Give the path of one file",
    details: { uri },
  });
}

function readError(error: unknown, uri: string): NearsightError {
  const reason = (error as NodeJS.ErrnoException).code ?? String(error);
  const missing = reason === "ENOENT" || reason === "ENOTDIR";
  return new NearsightError({
    code: missing ? "MEDIA_NOT_FOUND" : "MEDIA_INVALID",
    message: missing ? `No file at '${uri}'` : `'${uri}' could not be read: ${reason}`,
    hint: missing
      ? "Check the path; relative ones start at the current folder"
      : "Check the file and its permissions",
    details: { uri, reason },
    cause: error,
  });
}

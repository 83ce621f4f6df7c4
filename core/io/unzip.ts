/** Unpacks zip archives that may come from anywhere: into a temporary folder first, with bounds on all of it. */

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import type { Entry, ZipFile } from "yauzl";
import type { ImportOptions } from "../dataset/io-port.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import { kindOf, listFolder } from "./find-images.ts";
import { openStaging, writeFailed } from "./staging.ts";

/** Bounds on what an archive may unpack to. */
export interface UnzipLimits {
  readonly maxEntries: number;
  /** Bytes of all files together. */
  readonly maxBytes: number;
  /** Bytes unpacked for each byte of the archive. */
  readonly maxRatio: number;
  /** Bytes that are unpacked whatever the ratio. */
  readonly freeBytes: number;
}

/**
 * Deflate packs at most 1,032 to 1, which only bombs come near; labels as JSON come to 30.
 * https://www.zlib.net/zlib_tech.html
 */
export const UNZIP_LIMITS: UnzipLimits = {
  maxEntries: 2_000_000,
  maxBytes: 2 ** 40,
  maxRatio: 200,
  freeBytes: 256 * 1024 * 1024,
};

/** In the unpacked folder: which archive it holds. Hidden, so that formats do not see it. */
const MARKER = ".nearsight-archive";

/** macOS keeps its own attributes of files there. */
const MACOS_FOLDER = "__MACOSX/";

// Bits of st_mode in the upper half of the external attributes.
const TYPE_MASK = 0xf000;
const REGULAR = 0x8000;
const FOLDER = 0x4000;

/** First bytes of an archive, and of one without entries. */
const MAGIC = ["PK\x03\x04", "PK\x05\x06"];

/** True for files that are zip archives, whatever their name, and for those that are named so. */
export async function isZip(path: string): Promise<boolean> {
  if (!(await stat(path)).isFile()) return false;
  if (extname(path).toLowerCase() === ".zip") return true;
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return MAGIC.includes(buffer.toString("latin1", 0, bytesRead));
  } finally {
    await handle.close();
  }
}

/**
 * Unpacks an archive and returns the folder: `unpackTo`, or one of the archive's name beside it. A folder that this
 * archive was unpacked to before is taken as it is. Where anything is wrong nothing is left behind.
 * MEDIA_INVALID for damaged, encrypted or hostile archives, LIMIT_EXCEEDED, INVALID_ARGUMENT for a folder in use.
 */
export async function unzip(
  path: string,
  options: Pick<ImportOptions, "unpackTo" | "signal">,
  limits: UnzipLimits = UNZIP_LIMITS,
): Promise<string> {
  const archive = await openArchive(path);
  try {
    const entries = await readEntries(archive, path, limits);
    const mark = markOf(entries);
    const folder = await chooseFolder(path, options.unpackTo, mark, entries);
    if (folder.unpacked) return folder.path;
    const staging = await openStaging(folder.path);
    try {
      await mkdir(staging.path);
      await unpack(archive, path, entries, staging.path, { limits, signal: options.signal });
      await writeFile(join(staging.path, MARKER), mark);
      await staging.publish({ overwrite: false });
    } catch (error) {
      throw writeFailed(error, folder.path);
    } finally {
      await staging.remove();
    }
    return folder.path;
  } finally {
    archive.close();
  }
}

/** Where in an unpacked archive the data set may be: in its only folder, or in the whole. */
export async function unpackedFolders(folder: string): Promise<string[]> {
  const entries = await listFolder(folder);
  const [only] = entries;
  if (only === undefined || entries.length > 1) return [folder];
  const path = join(folder, only.name);
  return (await kindOf(only, path)) === "folder" ? [path, folder] : [path];
}

async function openArchive(path: string): Promise<ZipFile> {
  // Loaded where it is needed: most programs never see an archive.
  const { openPromise } = await import("yauzl");
  try {
    return await openPromise(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true });
  } catch (error) {
    throw damaged(path, error);
  }
}

/** A file of the archive; its name is checked, with slashes. */
interface FileEntry {
  readonly name: string;
  readonly entry: Entry;
}

/** Reads the list of contents and refuses it where any of it could do harm. */
async function readEntries(archive: ZipFile, path: string, limits: UnzipLimits): Promise<FileEntry[]> {
  const { maxEntries } = limits;
  if (archive.entryCount > maxEntries) throw tooMuch(path, maxEntries, "files", archive.entryCount);
  const files: FileEntry[] = [];
  const seen = new Map<string, string>();
  let bytes = 0;
  try {
    for await (const entry of archive.eachEntry()) {
      const name = entry.fileName;
      if (name.startsWith(MACOS_FOLDER)) continue;
      checkEntry(path, entry, seen);
      if (name.endsWith("/")) continue;
      bytes += entry.uncompressedSize;
      assertBytes(path, bytes, archive.fileSize, limits);
      files.push({ name, entry });
    }
  } catch (error) {
    throw damaged(path, error);
  }
  return files;
}

/** yauzl has refused absolute names, drive letters and `..` by now, and made slashes of backslashes. */
function checkEntry(path: string, entry: Entry, seen: Map<string, string>): void {
  const name = entry.fileName;
  const refuse = (reason: string) => {
    throw refused(path, `'${name.slice(0, 100)}' ${reason}`);
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x1f]/.test(name)) refuse("has control characters in its name");
  if (name.split("/").some((part, i, parts) => part === "." || (part === "" && i < parts.length - 1))) {
    refuse("has a name that is no plain path");
  }
  if (basename(name).toLowerCase() === MARKER) refuse("has a name that is used for archives themselves");
  if (entry.isEncrypted()) refuse("is encrypted");
  const type = (entry.externalFileAttributes >>> 16) & TYPE_MASK;
  if (type !== 0 && type !== REGULAR && type !== FOLDER) refuse("is a link or a device");
  // Some file systems keep no case, others write accents in another form.
  const key = name.normalize("NFC").toLowerCase();
  if (seen.has(key) && !name.endsWith("/")) refuse(`is there twice, first as '${seen.get(key)}'`);
  seen.set(key, name);
}

async function unpack(
  archive: ZipFile,
  path: string,
  entries: readonly FileEntry[],
  folder: string,
  { limits, signal }: { limits: UnzipLimits; signal: AbortSignal | undefined },
): Promise<void> {
  let unpacked = 0;
  const count = (bytes: number) => {
    unpacked += bytes;
    assertBytes(path, unpacked, archive.fileSize, limits);
  };
  for (const { name, entry } of entries) {
    throwIfAborted(signal);
    const target = resolve(folder, name);
    if (relative(folder, target).startsWith("..")) throw refused(path, `'${name}' leads out of the folder`);
    try {
      await mkdir(dirname(target), { recursive: true });
      const content = await archive.openReadStreamPromise(entry);
      await pipeline(content, checked(entry, count), createWriteStream(target, { flags: "wx" }), { signal });
    } catch (error) {
      throwIfAborted(signal);
      throw unpackError(error, path, name);
    }
  }
}

/** Counts real bytes, whatever the archive says, and compares the checksum. */
function checked(entry: Entry, count: (bytes: number) => void): Transform {
  let sum = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      try {
        count(chunk.length);
        sum = crc32(chunk, sum);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      done(sum === entry.crc32 ? null : new Error("its checksum is another"));
    },
  });
}

function assertBytes(path: string, bytes: number, packed: number, limits: UnzipLimits): void {
  const limit = Math.min(limits.maxBytes, Math.max(limits.freeBytes, packed * limits.maxRatio));
  if (bytes > limit) throw tooMuch(path, limit, "bytes", bytes);
}

/** The same for the same contents: names, sizes and checksums of all files. */
function markOf(entries: readonly FileEntry[]): string {
  const hash = createHash("sha256");
  for (const { name, entry } of entries) {
    hash.update(`${JSON.stringify(name)} ${entry.uncompressedSize} ${entry.crc32}\n`);
  }
  return hash.digest("hex");
}

async function chooseFolder(
  path: string,
  unpackTo: string | undefined,
  mark: string,
  entries: readonly FileEntry[],
): Promise<{ readonly path: string; readonly unpacked: boolean }> {
  const wanted = unpackTo === undefined ? defaultFolder(path) : resolve(unpackTo);
  for (let number = 1; ; number++) {
    const folder = number === 1 ? wanted : `${wanted}-${number}`;
    if (await isFree(folder)) return { path: folder, unpacked: false };
    if (await holds(folder, mark, entries)) return { path: folder, unpacked: true };
    if (unpackTo === undefined) continue;
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected an empty folder to unpack '${path}' to but '${folder}' holds something else`,
      hint: "Give another folder as unpackTo",
    });
  }
}

function defaultFolder(path: string): string {
  const name = basename(path, extname(path));
  return join(dirname(path), name === basename(path) ? `${name}-unpacked` : name);
}

async function isFree(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => null);
  return found === null || (found.isDirectory() && (await readdir(folder)).length === 0);
}

/** Whether all of this archive is in the folder: it may have been changed since. */
async function holds(folder: string, mark: string, entries: readonly FileEntry[]): Promise<boolean> {
  if ((await readFile(join(folder, MARKER), "utf8").catch(() => null)) !== mark) return false;
  for (const { name, entry } of entries) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found?.size !== entry.uncompressedSize) return false;
  }
  return true;
}

function unpackError(error: unknown, path: string, name: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  // A file and a folder of one name, or a name too long.
  if (code === "EEXIST" || code === "ENOTDIR" || code === "EISDIR" || code === "ENAMETOOLONG") {
    return refused(path, `'${name.slice(0, 100)}' cannot be written: ${code}`);
  }
  return syscall === undefined ? damaged(path, error, name) : error;
}

function damaged(path: string, error: unknown, name?: string): unknown {
  if (isNearsightError(error)) return error;
  const place = name === undefined ? "" : `'${name}': `;
  return refused(path, `${place}${(error as Error).message}`, error);
}

function refused(path: string, found: string, cause?: unknown): NearsightError {
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected a whole, plain zip archive at '${path}' but found: ${found}`,
    hint: "Make the archive again, or unpack it yourself and import the folder",
    details: { path },
    cause,
  });
}

function tooMuch(path: string, limit: number, unit: string, found: number): NearsightError {
  return new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `Expected at most ${limit} ${unit} in '${path}' but found ${found}`,
    hint: "If you trust the archive, unpack it yourself and import the folder",
    details: { limit, found },
  });
}

/** Places media files into an export: copied, linked, or left where they are. */

import { constants, type Stats } from "node:fs";
import { copyFile, mkdir, stat, symlink } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ExportOptions } from "../dataset/io-port.ts";
import { NearsightError } from "../errors.ts";

/** Gives each medium its place in an export. */
export interface MediaWriter {
  /**
   * Copies or links a medium and returns its name in the folder; a name that is taken gets a number, `cat-2.jpg`.
   * The same medium again has the same name. With `exportMedia: false` nothing is written.
   * MEDIA_NOT_FOUND, MEDIA_INVALID.
   */
  put(filepath: string, wanted?: string): Promise<string>;
}

// At least two letters: `C:\pictures` is a path.
const URL_START = /^[a-z][a-z0-9+.-]+:/i;

/**
 * Writes media into `folder`, which is made with the first of them.
 *
 * @example
 * const media = mediaWriter(join(path, "data"), options);
 * const name = await media.put(sample.filepath); // "cat.jpg"
 */
export function mediaWriter(folder: string, options: Pick<ExportOptions, "exportMedia">): MediaWriter {
  const { exportMedia = "copy" } = options;
  const names = new Map<string, string>();
  const unique = uniqueNames();
  return {
    async put(filepath, wanted = mediaName(filepath)) {
      const known = names.get(filepath);
      if (known !== undefined) return known;
      const from = exportMedia === false ? null : await fileOf(filepath);
      const name = unique(wanted);
      if (from !== null && exportMedia !== false) await place(from, join(folder, name), exportMedia);
      names.set(filepath, name);
      return name;
    },
  };
}

/** The last part of a path or URL, as a file name. */
function mediaName(filepath: string): string {
  if (filepath.toLowerCase().startsWith("data:")) return "media";
  const path = URL_START.test(filepath) ? filepath.replace(/[?#].*$/s, "") : filepath;
  return basename(path) || "media";
}

/** Makes file names unique, as FiftyOne does: `cat.jpg`, `cat-2.jpg`; also where only case differs. */
export function uniqueNames(): (wanted: string) => string {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return (wanted) => {
    const ending = extname(wanted);
    const stem = wanted.slice(0, wanted.length - ending.length);
    let name = wanted;
    // Some file systems keep no case, others write accents in another form.
    const key = (text: string) => text.normalize("NFC").toLowerCase();
    for (let count = counts.get(key(wanted)) ?? 1; taken.has(key(name)); ) {
      count++;
      name = `${stem}-${count}${ending}`;
      counts.set(key(wanted), count);
    }
    taken.add(key(name));
    return name;
  };
}

/** The absolute path of a medium, which is a file of this machine. */
async function fileOf(filepath: string): Promise<string> {
  const path = toPath(filepath);
  const found: Stats | null = await stat(path).catch(() => null);
  if (found?.isFile()) return resolve(path);
  throw new NearsightError({
    code: found === null ? "MEDIA_NOT_FOUND" : "MEDIA_INVALID",
    message: found === null ? `No file at '${filepath}'` : `Expected a file but '${filepath}' is none`,
    hint: "Delete the sample, or pass exportMedia: false",
    details: { filepath },
  });
}

function toPath(filepath: string): string {
  if (filepath.toLowerCase().startsWith("file:")) return fileURLToPath(filepath);
  if (!URL_START.test(filepath)) return filepath;
  throw new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected a file of this machine to copy but found ${filepath.slice(0, 100)}`,
    hint: "Pass exportMedia: false, which writes the addresses as they are",
  });
}

async function place(from: string, to: string, how: "copy" | "symlink"): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  // A clone where the file system can, which costs no space.
  if (how === "copy") await copyFile(from, to, constants.COPYFILE_FICLONE);
  else await symlink(from, to);
}

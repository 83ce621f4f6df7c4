/** Finds the pictures below a folder. */

import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isImageName } from "../media/image-names.ts";

/** What was found, and what could not be looked into. */
export interface FoundImages {
  /** Absolute, ordered by name folder by folder. */
  readonly files: readonly string[];
  /** Folders, absolute. */
  readonly unreadable: readonly string[];
}

/** A picture, or a folder that could not be looked into; absolute paths. */
export type FoundPath = { readonly file: string } | { readonly unreadable: string };

/**
 * All pictures below a folder, by their endings, in the order of their names' bytes folder by folder. Hidden files and
 * folders are left out; folders that are linked in a circle are entered once.
 *
 * @example
 * const { files } = await findImages("photos");
 */
export async function findImages(folder: string): Promise<FoundImages> {
  const files: string[] = [];
  const unreadable: string[] = [];
  for await (const found of walkImages(folder)) {
    if ("file" in found) files.push(found.file);
    else unreadable.push(found.unreadable);
  }
  return { files, unreadable };
}

/** As `findImages`, one by one: holds the names of one folder at a time. */
export async function* walkImages(folder: string): AsyncGenerator<FoundPath, void, undefined> {
  yield* walk(resolve(folder), new Set());
}

async function* walk(folder: string, entered: Set<string>): AsyncGenerator<FoundPath, void, undefined> {
  const entries = await enter(folder, entered);
  if (entries === null) yield { unreadable: folder };
  for (const entry of entries ?? []) {
    const path = join(folder, entry.name);
    const kind = await kindOf(entry, path);
    if (kind === "folder") yield* walk(path, entered);
    else if (kind === "file" && isImageName(entry.name)) yield { file: path };
  }
}

async function enter(folder: string, entered: Set<string>): Promise<Dirent[] | null> {
  try {
    const real = await realpath(folder);
    if (entered.has(real)) return [];
    entered.add(real);
    return await listFolder(folder);
  } catch {
    return null;
  }
}

/** What is in a folder, hidden things aside, in the order of the names' bytes. */
export async function listFolder(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.name.startsWith("."))
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

/** What an entry is, or what a link leads to: null for devices, and links that lead nowhere. */
export async function kindOf(entry: Dirent, path: string): Promise<"file" | "folder" | null> {
  const target = entry.isSymbolicLink() ? await stat(path).catch(() => null) : entry;
  if (target?.isDirectory()) return "folder";
  return target?.isFile() ? "file" : null;
}

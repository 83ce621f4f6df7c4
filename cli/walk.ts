/** Finds the pictures below a folder. */

import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { NearsightError } from "../core/index.ts";

/** File name endings taken for pictures. */
const IMAGE_EXTENSIONS: readonly string[] = [
  ...[".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif"],
];

/** What was found, and what could not be looked into. */
export interface WalkResult {
  /** Absolute, ordered by name folder by folder. */
  readonly files: readonly string[];
  readonly unreadable: readonly string[];
}

/** All pictures below a folder; hidden ones are left out, folders linked in a circle are entered once. */
export function findImages(folder: string): WalkResult {
  const files: string[] = [];
  const unreadable: string[] = [];
  const entered = new Set<string>();

  const walk = (path: string) => {
    const entries = enter(path);
    if (entries === null) unreadable.push(path);
    for (const entry of entries ?? []) {
      if (entry.name.startsWith(".")) continue;
      const below = join(path, entry.name);
      const kind = kindOf(entry, below);
      if (kind === "folder") walk(below);
      else if (kind === "file" && isImageName(entry.name)) files.push(below);
    }
  };

  const enter = (path: string): Dirent[] | null => {
    try {
      const real = realpathSync(path);
      if (entered.has(real)) return [];
      entered.add(real);
      return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch {
      return null;
    }
  };

  walk(resolve(folder));
  return { files, unreadable };
}

function kindOf(entry: Dirent, path: string): "file" | "folder" | null {
  const target = entry.isSymbolicLink() ? targetOf(path) : entry;
  if (target?.isDirectory()) return "folder";
  return target?.isFile() ? "file" : null;
}

/** Links can lead nowhere, or to themselves. */
function targetOf(path: string) {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.includes(extname(name).toLowerCase());
}

/** MEDIA_NOT_FOUND for a folder without pictures. */
export function noImages(folder: string): NearsightError {
  return new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `Expected pictures in ${folder} but found none`,
    hint: `Their names end in ${IMAGE_EXTENSIONS.map((extension) => extension.slice(1)).join(", ")}; hidden files and folders are left out`,
  });
}

/** Where media may come from: folders, bucket prefixes and web addresses. What lies below none of them is refused. */

import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { NearsightError } from "../errors.ts";

/** Whether media lie below the roots of a list. Nothing here throws for a strange address: it is refused. */
export interface MediaRoots {
  /** The path of a file below a folder of the list, with all links followed; null for anything else. */
  file(uri: string): Promise<string | null>;
  /** True for an object below a bucket prefix, or an address below a web address, of the list. */
  address(uri: string): boolean;
  /** True for both, and for `data:` URLs, which are their own content. */
  allows(uri: string): Promise<boolean>;
}

// At least two letters: `C:\pictures` is a path.
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;

/**
 * The places media may come from: folders, `s3://bucket/prefix/`, `https://host/path/`. CONFIG_INVALID
 *
 * @example
 * const roots = mediaRoots(["photos", "https://images.example.org"]);
 * await roots.allows("photos/../secrets.txt"); // false
 */
export function mediaRoots(list: readonly string[]): MediaRoots {
  const folders = list.filter((root) => !SCHEME.test(root)).map((root) => resolve(root));
  const addresses = list.filter((root) => SCHEME.test(root)).map(rootAddress);

  async function file(uri: string): Promise<string | null> {
    const path = pathOf(uri);
    if (path === null) return null;
    for (const folder of folders) {
      const realFolder = (await followed(folder)) ?? folder;
      // What is written elsewhere is not looked at on the disk: the answer must not tell what is there.
      if (!isBelow(path, folder) && !isBelow(path, realFolder)) continue;
      const real = await followed(path);
      if (real !== null && isBelow(real, realFolder)) return real;
    }
    return null;
  }

  function address(uri: string): boolean {
    const normal = normalAddress(uri);
    return normal !== null && addresses.some((root) => normal.startsWith(root));
  }

  return {
    file,
    address,
    allows: async (uri) => /^data:/i.test(uri) || address(uri) || (await file(uri)) !== null,
  };
}

/** An address as it is compared; null for those that no root can hold. */
function normalAddress(uri: string): string | null {
  // Keys of a bucket are taken as they are: `..` is a name there.
  if (/^s3:\/\//i.test(uri)) return `s3://${uri.slice("s3://".length)}`;
  const url = URL.parse(uri);
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "") return null;
  return url.href;
}

function rootAddress(root: string): string {
  const normal = normalAddress(root);
  if (normal !== null && !/[?#]/.test(normal)) return normal.endsWith("/") ? normal : `${normal}/`;
  throw new NearsightError({
    code: "CONFIG_INVALID",
    message: `Expected a folder, s3://bucket/prefix/ or https://host/ to take media from but found '${root}'`,
    hint: "Correct the list of media roots",
    details: { root },
  });
}

/** The path that a path or `file:` URL names; null for what names none. */
function pathOf(uri: string): string | null {
  if (uri.includes("\0")) return null;
  const scheme = SCHEME.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return resolve(uri);
  if (scheme !== "file") return null;
  try {
    return fileURLToPath(uri);
  } catch {
    return null;
  }
}

/** The path without links in it, also of a file that is not there yet; null where links lead nowhere or in circles. */
async function followed(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === path) return null;
    // A link whose target is missing: it may be there by the time the file is read.
    if (await isThere(path)) return null;
    const folder = await followed(parent);
    return folder === null ? null : join(folder, basename(path));
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function isBelow(path: string, folder: string): boolean {
  const rest = relative(folder, path);
  return (
    rest !== "" && rest !== ".." && !rest.startsWith("../") && !rest.startsWith("..\\") && !isAbsolute(rest)
  );
}

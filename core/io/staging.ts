/** Writes into a temporary place and moves it to the target at once, so that nothing half-written is ever there. */

import { randomBytes } from "node:crypto";
import { lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isNearsightError, NearsightError } from "../errors.ts";

/** A folder beside the target, on the same disk. */
export interface Staging {
  /** Where to write: its name is the target's, nothing is there yet. */
  readonly path: string;
  /**
   * Moves what was written, and the files beside it, to the target and its neighbours. A neighbour that is there
   * already is replaced with `overwrite`, else INVALID_ARGUMENT; the target is the caller's to check. WRITE_FAILED
   */
  publish(options: { readonly overwrite: boolean }): Promise<void>;
  /** Removes the temporary folder with all that is left in it. */
  remove(): Promise<void>;
}

/** Makes a temporary folder beside `target`. WRITE_FAILED */
export async function openStaging(target: string): Promise<Staging> {
  const parent = dirname(target);
  const folder = join(parent, `.${basename(target).slice(0, 100)}.${randomBytes(6).toString("hex")}.part`);
  await written(target, () => mkdir(folder, { recursive: true }));
  return {
    path: join(folder, basename(target)),
    publish: ({ overwrite }) => written(target, () => publish(folder, target, overwrite)),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Runs a write; failures of the file system become WRITE_FAILED. */
async function written<Result>(target: string, write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    throw writeFailed(error, target);
  }
}

/** The error as it is if it is ours, or of no file system; else WRITE_FAILED. */
export function writeFailed(error: unknown, target: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (isNearsightError(error) || code === undefined || syscall === undefined) return error;
  return new NearsightError({
    code: "WRITE_FAILED",
    message: `Expected to write '${target}' but found: ${REASONS[code]?.[0] ?? code}`,
    hint: REASONS[code]?.[1] ?? "Check the folder and its permissions; nothing was left there",
    details: { path: target, reason: code },
    cause: error,
  });
}

const REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOSPC: ["the disk is full", "Make room, or choose a folder on another disk"],
  EDQUOT: ["the disk quota is used up", "Make room, or choose a folder on another disk"],
  EACCES: ["no permission", "Choose a folder that you may write to"],
  EPERM: ["no permission", "Choose a folder that you may write to"],
  EROFS: ["the disk is read-only", "Choose a folder on another disk"],
  EBUSY: ["the folder is in use, or a disk is mounted there", "Choose a folder inside it"],
  ENOTDIR: ["a file where a folder should be", "Choose another path"],
  ENAMETOOLONG: ["a name that is too long for the file system", "Choose a shorter name"],
};

async function publish(folder: string, target: string, overwrite: boolean): Promise<void> {
  const name = basename(target);
  const parent = dirname(target);
  await syncFiles(folder);
  // What goes beside the target comes first: once the target is there, all is.
  const names = (await readdir(folder)).filter((one) => one !== name);
  if (!overwrite) await assertNone(names.map((one) => join(parent, one)));
  for (const one of [...names, name]) await moveInto(join(folder, one), join(parent, one), folder);
  await sync(parent);
}

async function assertNone(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if ((await lstat(path).catch(() => null)) === null) continue;
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected a free place but '${path}' is there already`,
      hint: "Choose another path, or pass overwrite: true",
    });
  }
}

/** Renames over what is there; folders cannot be renamed over one another, so the former is moved away first. */
async function moveInto(from: string, to: string, folder: string): Promise<void> {
  const aside = join(folder, `former-${randomBytes(6).toString("hex")}`);
  const replaced = await isFolder(to);
  if (replaced) await rename(to, aside);
  try {
    await rename(from, to);
  } catch (error) {
    if (replaced) await rename(aside, to);
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    () => false,
  );
}

/** Brings the files that were written to disk: labels and the like. Media are copies of files that are still there. */
async function syncFiles(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) await sync(path);
    else if (entry.isDirectory()) await syncTop(path);
  }
}

async function syncTop(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile()) await sync(join(folder, entry.name));
  }
  await sync(folder);
}

/** Windows cannot sync folders, some network disks nothing. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, "r").catch(() => null);
  try {
    await handle?.sync().catch(() => undefined);
  } finally {
    await handle?.close();
  }
}

/** The folder of index files: making, finding and removing them, one process at a time. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { NearsightError } from "../../errors.ts";
import { BUSY_TIMEOUT_MS, guarded } from "../../sqlite.ts";
import { IndexFile, makeIndexFile } from "./file.ts";
import type { Header } from "./header.ts";
import { fileNameOf, nameOfFile } from "./names.ts";

/** A file being made has this after its name until it is whole. */
const DRAFT = ".new";
/** A database, and the files that SQLite keeps beside it while it is open. */
const FILES = ["", "-wal", "-shm"] as const;

/** A file under the lock of its folder, and what tells it from a later one of the same name. */
export interface OpenedFile {
  readonly file: IndexFile;
  readonly identity: string;
}

/** Makes a collection's file; INDEX_EXISTS if there is one. */
export function createFile(folder: string, name: string, header: Header, meta: string): void {
  const path = join(folder, fileNameOf(name));
  guarded(folder, () => mkdirSync(folder, { recursive: true }));
  locked(folder, () => {
    if (existsSync(path)) {
      throw new NearsightError({
        code: "INDEX_EXISTS",
        message: `Expected no index '${name}' yet but found ${path}`,
        hint: "Open it, choose another name, or drop it first",
        details: { index: name },
      });
    }
    removeLeftovers(folder);
    const draft = `${path}${DRAFT}`;
    try {
      makeIndexFile(draft, header, meta);
      renameSync(draft, path);
    } catch (error) {
      removeFiles(draft);
      throw error;
    }
  });
}

/** Opens a collection's file; INDEX_NOT_FOUND if there is none. */
export function openFile(folder: string, name: string): OpenedFile {
  const path = join(folder, fileNameOf(name));
  if (identityOf(folder, name) === undefined) {
    // Its logs are there where a process was killed while it removed the file. Another may be making it anew.
    if (FILES.some((suffix) => existsSync(path + suffix))) locked(folder, () => removeLeftovers(folder));
    throw notFound(name, folder);
  }
  return locked(folder, () => {
    const identity = identityOf(folder, name);
    if (identity === undefined) throw notFound(name, folder);
    const file = new IndexFile(path, name);
    try {
      file.read(() => undefined);
      return { file, identity };
    } catch (error) {
      file.close();
      throw error;
    }
  });
}

/** Removes a collection's file; fine if there is none. */
export function removeFile(folder: string, name: string): void {
  const path = join(folder, fileNameOf(name));
  if (!FILES.some((suffix) => existsSync(path + suffix))) return;
  locked(folder, () => {
    removeFiles(path);
    removeLeftovers(folder);
  });
}

/** Names of the collections in the folder, sorted. */
export function listNames(folder: string, prefix: string): string[] {
  if (!existsSync(folder)) return [];
  const names = guarded(folder, () => readdirSync(folder)).map(nameOfFile);
  return names.filter((name) => name?.startsWith(prefix) === true).sort() as string[];
}

/** Differs for a file that was removed and made again; undefined if there is none. */
export function identityOf(folder: string, name: string): string | undefined {
  const facts = statSync(join(folder, fileNameOf(name)), { bigint: true, throwIfNoEntry: false });
  return facts === undefined ? undefined : `${facts.dev}:${facts.ino}`;
}

function notFound(name: string, folder: string): NearsightError {
  return new NearsightError({
    code: "INDEX_NOT_FOUND",
    message: `Expected an index '${name}' in ${folder} but found none`,
    hint: "List the indexes with list(), or compute this one again",
    details: { index: name },
  });
}

/** The database first: without it the others mean nothing, and whoever still has it open keeps it whole. */
function removeFiles(path: string): void {
  for (const suffix of FILES) rmSync(path + suffix, { force: true });
}

/**
 * Removes what processes left that were killed while they made or removed a file: drafts, and logs without
 * their database, which SQLite would replay into a later file of that name. Runs under the lock.
 */
function removeLeftovers(folder: string): void {
  const names = new Set(readdirSync(folder));
  for (const name of names) {
    const database = name.replace(/-(wal|shm)$/, "");
    const isDraft = database.endsWith(DRAFT) && nameOfFile(database.slice(0, -DRAFT.length)) !== null;
    const isLog = database !== name && nameOfFile(database) !== null && !names.has(database);
    if (isDraft || isLog) rmSync(join(folder, name), { force: true });
  }
}

/**
 * Runs `work` while no other process makes, opens or removes a file here. SQLite opens a file's log by name:
 * were the file replaced in between, the log of one would meet the pages of another. The lock is SQLite's own
 * on an empty database, which the system frees when a process is killed.
 */
function locked<Result>(folder: string, work: () => Result): Result {
  const path = join(folder, "names.lock");
  const database = guarded(path, () => new DatabaseSync(path));
  try {
    guarded(path, () => database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; BEGIN EXCLUSIVE`));
    return guarded(folder, work);
  } finally {
    database.close();
  }
}

/** Opens SQLite files with the settings every database of nearsight uses. */

import { DatabaseSync } from "node:sqlite";
import { isNearsightError, NearsightError } from "./errors.ts";

/** How long a statement waits for another process's write to end, in milliseconds. */
export const BUSY_TIMEOUT_MS = 30_000;

export interface SqliteOptions {
  readonly readOnly?: boolean;
  /** Bytes per page of a new file. Default 4096; larger suits long blobs. */
  readonly pageSize?: number;
}

/** One step of a schema: SQL run once, in order, inside a transaction. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/**
 * Opens a file in WAL mode, so that several processes read while one writes, and a killed process loses
 * nothing it had committed. Throws STORE_UNUSABLE for a file that is corrupt, read-only or cannot be made.
 */
export function openSqlite(path: string, options: SqliteOptions = {}): DatabaseSync {
  return guarded(path, () => {
    const database = new DatabaseSync(path, { readOnly: options.readOnly ?? false });
    try {
      prepare(database, options);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function prepare(database: DatabaseSync, { readOnly = false, pageSize }: SqliteOptions): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  if (!readOnly) {
    if (pageSize !== undefined) database.exec(`PRAGMA page_size = ${pageSize}`);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
  }
  database.exec("PRAGMA foreign_keys = ON");
}

/** Brings the schema to the newest version; STORE_TOO_NEW if the file comes from a newer nearsight. */
export function migrate(database: DatabaseSync, path: string, migrations: readonly Migration[]): void {
  guarded(path, () => {
    const newest = migrations.at(-1)?.version ?? 0;
    if (schemaVersion(database) === newest) return;
    transaction(database, () => {
      const current = schemaVersion(database);
      if (current > newest) throw tooNew(path, current, newest);
      for (const step of migrations) if (step.version > current) database.exec(step.sql);
      database.exec(`PRAGMA user_version = ${newest}`);
    });
  });
}

/** Runs `work` in one write transaction: all of it is kept, or none. */
export function transaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Ends an unfinished transaction; some failures, such as a full disk, have ended it already. */
export function rollBack(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // `isTransaction` would tell beforehand, but Node 22 has it only from 22.16 on.
  }
}

/** Runs `work`, turning errors of SQLite and of the file system into ours, told apart by their codes. */
export function guarded<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw storeError(path, error);
  }
}

function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
}

function tooNew(path: string, found: number, known: number): NearsightError {
  return new NearsightError({
    code: "STORE_TOO_NEW",
    message: `Expected a store of version ${known} or older in ${path} but found version ${found}`,
    hint: "Upgrade nearsight, or point NEARSIGHT_HOME at another folder",
    details: { found, known },
  });
}

type Advice = readonly [code: "STORE_BUSY" | "STORE_UNUSABLE", hint: string];

const MAKE_WRITABLE =
  "Make the folder and its files readable and writable, or choose another with NEARSIGHT_HOME";
const FREE_SPACE = "The disk is full; free some space";
const NO_FOLDER = "A file is where the folder should be; move it away or choose another with NEARSIGHT_HOME";

/** What to do for SQLite's primary result codes (https://sqlite.org/rescode.html). */
const ADVICE: Readonly<Record<number, Advice>> = {
  5: ["STORE_BUSY", "Another process is writing; try again when it has ended"],
  6: ["STORE_BUSY", "Another process is writing; try again when it has ended"],
  8: ["STORE_UNUSABLE", MAKE_WRITABLE],
  10: ["STORE_UNUSABLE", "Check that the disk is not full, and the permissions of the folder"],
  11: ["STORE_UNUSABLE", "The file is damaged; restore it from a backup or delete it"],
  13: ["STORE_UNUSABLE", FREE_SPACE],
  14: ["STORE_UNUSABLE", MAKE_WRITABLE],
  26: ["STORE_UNUSABLE", "The file is no nearsight store; move it away or choose another folder"],
};

/** What to do for the system's errors where we make, move or remove files ourselves. */
const SYSTEM_ADVICE: Readonly<Record<string, Advice>> = {
  EACCES: ["STORE_UNUSABLE", MAKE_WRITABLE],
  EDQUOT: ["STORE_UNUSABLE", FREE_SPACE],
  EEXIST: ["STORE_UNUSABLE", NO_FOLDER],
  EFBIG: ["STORE_UNUSABLE", FREE_SPACE],
  ENOSPC: ["STORE_UNUSABLE", FREE_SPACE],
  ENOTDIR: ["STORE_UNUSABLE", NO_FOLDER],
  EPERM: ["STORE_UNUSABLE", MAKE_WRITABLE],
  EROFS: ["STORE_UNUSABLE", MAKE_WRITABLE],
};

function adviceFor(error: Error): Advice | undefined {
  if ("errcode" in error && typeof error.errcode === "number") return ADVICE[error.errcode & 0xff];
  return "code" in error && typeof error.code === "string" ? SYSTEM_ADVICE[error.code] : undefined;
}

function storeError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || isNearsightError(error)) return error;
  const advice = adviceFor(error);
  if (advice === undefined) return error;
  const [code, hint] = advice;
  return new NearsightError({
    code,
    message: `The store ${path} cannot be used: ${error.message}`,
    hint,
    cause: error,
  });
}

/**
 * Loaded before a child program, in each of its threads: counts the writes to its SQLite files, and what removes
 * or renames them, and kills the process at the one that NEARSIGHT_CRASH names, such as `store:12`, or only the thread with `store:12:thread`.
 * The file NEARSIGHT_CRASH_LOG is told of it.
 */

import fs, { appendFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, dirname } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";

const [wanted = "", point = "", victim = "process"] = (process.env["NEARSIGHT_CRASH"] ?? "").split(":");
const log = process.env["NEARSIGHT_CRASH_LOG"] ?? "";

interface Watched {
  readonly kind: string;
  inside: boolean;
}

const databases = new WeakMap<DatabaseSync, Watched>();
const statements = new WeakMap<StatementSync, Watched>();
const counts: Record<string, number> = {};

/** Which of the files a database is: the store, an index, or neither. */
function kindOf(path: string): string {
  if (basename(path) === "nearsight.db") return "store";
  return basename(dirname(path)) === "indexes" && /\.db(\.new)?(-wal|-shm)?$/.test(path) ? "index" : "other";
}

function watchedOf(database: DatabaseSync): Watched {
  const known = databases.get(database);
  if (known !== undefined) return known;
  const watched = { kind: kindOf(database.location() ?? ""), inside: false };
  databases.set(database, watched);
  return watched;
}

/** One write, or one step of a transaction, is about to happen. */
function step({ kind, inside }: Watched): void {
  const count = (counts[kind] ?? 0) + 1;
  counts[kind] = count;
  if (wanted === "" && log !== "") writeFileSync(`${log}.${kind}`, String(count));
  if (kind !== wanted || count !== Number(point)) return;
  appendFileSync(
    log,
    `killed ${inside ? "inside a transaction" : "between transactions"} ${kind}:${point}\n`,
  );
  if (victim === "thread") process.exit(1);
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // the signal ends this thread a moment later
}

const { exec, prepare } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
  const watched = watchedOf(this);
  if (sql === "COMMIT") {
    step(watched);
    watched.inside = false;
  }
  Reflect.apply(exec, this, [sql]);
  if (sql === "BEGIN IMMEDIATE") watched.inside = true;
  if (sql === "ROLLBACK") watched.inside = false;
};
DatabaseSync.prototype.prepare = function (sql, ...rest) {
  const statement = Reflect.apply(prepare, this, [sql, ...rest]);
  statements.set(statement, watchedOf(this));
  return statement;
};

for (const method of ["run", "all", "get"] as const) {
  const original = StatementSync.prototype[method] as (...values: unknown[]) => unknown;
  const replacement = function (this: StatementSync, ...values: unknown[]): unknown {
    const watched = statements.get(this);
    if (watched !== undefined && (watched.inside || method === "run")) step(watched);
    return Reflect.apply(original, this, values);
  };
  Object.defineProperty(StatementSync.prototype, method, { value: replacement });
}

for (const method of ["rmSync", "renameSync"] as const) {
  const original = fs[method] as (...values: unknown[]) => unknown;
  const replacement = (...values: unknown[]): unknown => {
    step({ kind: kindOf(String(values[0])), inside: false });
    return Reflect.apply(original, fs, values);
  };
  Object.defineProperty(fs, method, { value: replacement });
}
syncBuiltinESMExports();

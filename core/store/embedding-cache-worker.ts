/** The worker thread that holds the embedding cache's SQLite file and keeps it within its size. */

import { guarded, type Migration, migrate, openSqlite, transaction } from "../sqlite.ts";
import { serveWorker } from "../worker.ts";
import type { CachedVector } from "./embedding-cache.ts";

/** A vector of 512 numbers takes 2 KB: seven fit a page. */
const PAGE_BYTES = 16_384;

/** A build does not wait long for another process's write: it can compute the vector itself. */
const BUSY_TIMEOUT_MS = 2_000;

/** Rows deleted at a time while the file is too large, and the share of its size that is kept. */
const EVICTED_ROWS = 64;
const KEPT_SHARE = 0.9;

const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
CREATE TABLE embeddings (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  vector BLOB NOT NULL,
  used INTEGER NOT NULL
);
CREATE INDEX embeddings_by_use ON embeddings (used, id);
`,
  },
];

serveWorker(({ path, maxBytes }: { path: string; maxBytes: number }) => {
  const database = openSqlite(path, { pageSize: PAGE_BYTES });
  migrate(database, path, MIGRATIONS);
  guarded(path, () => {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    // A cache may lose its last writes when the machine stops: no reason to wait for the disk.
    database.exec("PRAGMA synchronous = NORMAL");
    shrink();
  });
  const find = database.prepare("SELECT id, vector, used FROM embeddings WHERE key = ?");
  const touch = database.prepare("UPDATE embeddings SET used = ? WHERE id = ?");
  const insert = database.prepare(
    "INSERT INTO embeddings (key, vector, used) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
  );

  function get(keys: readonly string[]): (Uint8Array | null)[] {
    const day = today();
    const old: number[] = [];
    const found = keys.map((key) => {
      const row = find.get(Buffer.from(key, "hex"));
      if (row === undefined) return null;
      if (Number(row["used"]) < day) old.push(Number(row["id"]));
      return row["vector"] as Uint8Array;
    });
    if (old.length > 0) {
      transaction(database, () => {
        for (const id of old) touch.run(day, id);
      });
    }
    return found;
  }

  function put(vectors: readonly CachedVector[]): void {
    const day = today();
    transaction(database, () => {
      for (const { key, vector } of vectors) {
        const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
        insert.run(Buffer.from(key, "hex"), bytes, day);
      }
      evict();
    });
  }

  /** Deletes what was not used for longest while the rows take more than the limit. */
  function evict(): void {
    if (bytesInUse() <= maxBytes) return;
    while (bytesInUse() > maxBytes * KEPT_SHARE) {
      const { changes } = database
        .prepare("DELETE FROM embeddings WHERE id IN (SELECT id FROM embeddings ORDER BY used, id LIMIT ?)")
        .run(EVICTED_ROWS);
      if (Number(changes) === 0) return;
    }
  }

  /** Brings a file down to a limit that was lowered; deleted rows alone leave its size as it is. */
  function shrink(): void {
    if (pragma("page_count") * pragma("page_size") <= maxBytes) return;
    transaction(database, evict);
    if (pragma("freelist_count") > 0) database.exec("VACUUM");
  }

  function bytesInUse(): number {
    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
  }

  function pragma(name: "page_count" | "freelist_count" | "page_size"): number {
    return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
  }

  return {
    get: (keys: readonly string[]) => guarded(path, () => get(keys)),
    put: (vectors: readonly CachedVector[]) => guarded(path, () => put(vectors)),
    close: () => database.close(),
  };
});

/** Days since 1970: a vector counts as used once a day, so that a look-up seldom writes. */
function today(): number {
  return Math.floor(Date.now() / 86_400_000);
}

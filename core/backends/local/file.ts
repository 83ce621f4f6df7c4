/** One collection's SQLite file: its tables, its header, and reading blocks from it. */

import { statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isNearsightError, NearsightError } from "../../errors.ts";
import { guarded, type Migration, migrate, openSqlite, rollBack, transaction } from "../../sqlite.ts";
import { METRICS, type Metric } from "../metric.ts";
import { type Header, rowBytes } from "./header.ts";

/** The entries of one block; `ids[i]` is null where row `i` is free. */
export interface BlockEntries {
  readonly ids: (string | null)[];
  readonly sampleIds: string[];
}

/** A block and the version that last changed its vectors. */
export interface Block extends BlockEntries {
  readonly block: number;
  readonly vectorsVersion: number;
}

const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE header (
        one INTEGER PRIMARY KEY CHECK (one = 1), dimension INTEGER NOT NULL, metric TEXT NOT NULL,
        vector_type TEXT NOT NULL, rows_per_block INTEGER NOT NULL, meta TEXT NOT NULL,
        version INTEGER NOT NULL, slots INTEGER NOT NULL, size INTEGER NOT NULL, sequence INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE entries (sequence INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, slot INTEGER NOT NULL) STRICT;
      CREATE TABLE holes (slot INTEGER PRIMARY KEY) STRICT;
      CREATE TABLE blocks (
        block INTEGER PRIMARY KEY, version INTEGER NOT NULL, vectors_version INTEGER NOT NULL,
        ids TEXT NOT NULL, sample_ids TEXT NOT NULL
      ) STRICT;
      CREATE INDEX blocks_by_version ON blocks (version);
      CREATE TABLE vectors (block INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;`,
  },
];

/** Bytes per page: blocks span many pages, and larger ones leave less slack and shorter chains. */
const PAGE_BYTES = 16_384;
/** SQLite's page cache in KiB; its default of 2 MB thrashes on the index of a million ids. */
const CACHE_KIB = 16_384;

/**
 * An id as SQLite text. Text is UTF-8, where halves of surrogate pairs and zero characters do not survive:
 * such ids are kept as JSON, and so are those that could be taken for it.
 */
export function keyOf(id: string): string {
  return id.isWellFormed() && !id.startsWith('"') && !id.includes("\0") ? id : JSON.stringify(id);
}

/** Writes a new file with its header and nothing else. */
export function makeIndexFile(path: string, header: Header, meta: string): void {
  const database = openSqlite(path, { pageSize: PAGE_BYTES });
  try {
    migrate(database, path, MIGRATIONS);
    const { dimension, metric, vectorType, rowsPerBlock } = header;
    database
      .prepare("INSERT INTO header VALUES (1, ?, ?, ?, ?, ?, 0, 0, 0, 0)")
      .run(dimension, metric, vectorType, rowsPerBlock, meta);
  } finally {
    database.close();
  }
}

/** An open file. Its methods run inside `read` or `write`, which give them one consistent state. */
export class IndexFile {
  readonly path: string;
  readonly name: string;
  readonly database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, name: string) {
    this.path = path;
    this.name = name;
    // Files appear under their name only when they are whole; SQLite would take this one for a new database.
    if (statSync(path).size === 0) throw this.corrupt("The file is empty");
    this.database = this.#guarded(() => openSqlite(path));
    try {
      this.#guarded(() => {
        this.database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
        migrate(this.database, path, MIGRATIONS);
      });
    } catch (error) {
      this.database.close();
      throw error;
    }
  }

  /** Runs `work` on one state of the file, whatever other processes write meanwhile. */
  read<Result>(work: (header: Header) => Result): Result {
    return this.#guarded(() => {
      this.database.exec("BEGIN");
      try {
        return work(this.#header());
      } finally {
        rollBack(this.database);
      }
    });
  }

  /** Runs `work` in one write transaction: all of it is kept, or none. */
  write<Result>(work: (header: Header) => Result): Result {
    return this.#guarded(() => transaction(this.database, () => work(this.#header())));
  }

  /** A prepared statement, made once. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  slotOf(id: string): number | undefined {
    const row = this.statement("SELECT slot FROM entries WHERE key = ?").get(keyOf(id));
    return row === undefined ? undefined : Number(row.slot);
  }

  /** Slots in order of insertion, after the given sequence number. */
  slotsAfter(sequence: number, limit: number): { slots: number[]; last: number } {
    const rows = this.statement(
      "SELECT sequence, slot FROM entries WHERE sequence > ? ORDER BY sequence LIMIT ?",
    );
    const slots: number[] = [];
    let last = sequence;
    for (const row of rows.all(sequence, limit)) {
      slots.push(Number(row.slot));
      last = Number(row.sequence);
    }
    return { slots, last };
  }

  /** The blocks written since `version`, in order. */
  *changedBlocks(version: number): Iterable<Block> {
    const columns = "SELECT block, vectors_version, ids, sample_ids FROM blocks";
    const rows =
      version === 0
        ? this.statement(`${columns} ORDER BY block`).iterate()
        : this.statement(`${columns} WHERE version > ?`).iterate(version);
    for (const row of rows) {
      yield {
        block: Number(row.block),
        vectorsVersion: Number(row.vectors_version),
        ...this.#entries(row),
      };
    }
  }

  /** The entries of one block, or undefined if it was never written. */
  block(block: number): BlockEntries | undefined {
    const row = this.statement("SELECT block, ids, sample_ids FROM blocks WHERE block = ?").get(block);
    return row === undefined ? undefined : this.#entries(row);
  }

  /** The vectors of a block, as many rows as it has entries. */
  vectors(block: number, header: Header, rows: number): Uint8Array {
    const data = this.statement("SELECT data FROM vectors WHERE block = ?").get(block)?.data;
    const expected = rows * rowBytes(header);
    if (data instanceof Uint8Array && data.length === expected && rows <= header.rowsPerBlock) return data;
    const found = data instanceof Uint8Array ? data.length : "none";
    throw this.corrupt(`Expected ${expected} bytes in block ${block} but found ${found}`);
  }

  corrupt(problem: string, cause?: unknown): NearsightError {
    return new NearsightError({
      code: "INDEX_CORRUPT",
      message: `The index '${this.name}' in ${this.path} is damaged: ${problem}`,
      hint: "Delete the index and compute it again",
      details: { index: this.name },
      cause,
    });
  }

  close(): void {
    this.#statements.clear();
    if (this.database.isOpen) this.database.close();
  }

  #header(): Header {
    const row = this.statement("SELECT * FROM header").get();
    const header = {
      dimension: Number(row?.dimension),
      metric: row?.metric as Metric,
      vectorType: row?.vector_type as Header["vectorType"],
      rowsPerBlock: Number(row?.rows_per_block),
      version: Number(row?.version),
      slots: Number(row?.slots),
      size: Number(row?.size),
      sequence: Number(row?.sequence),
    };
    const whole = header.dimension > 0 && header.rowsPerBlock > 0 && METRICS.includes(header.metric);
    if (!whole || header.size > header.slots)
      throw this.corrupt("Expected a header but found none that makes sense");
    return header;
  }

  #entries(row: Record<string, unknown>): BlockEntries {
    const block = `block ${String(row.block)}`;
    let lists: BlockEntries;
    try {
      lists = { ids: JSON.parse(String(row.ids)), sampleIds: JSON.parse(String(row.sample_ids)) };
    } catch (error) {
      throw this.corrupt(`The entries of ${block} are no JSON`, error);
    }
    if (lists.ids.length !== lists.sampleIds.length) {
      throw this.corrupt(
        `Expected as many sample ids as ids in ${block}, ${lists.ids.length}, but found ${lists.sampleIds.length}`,
      );
    }
    return lists;
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return guarded(this.path, work);
    } catch (error) {
      throw damaged(error) ? this.corrupt("SQLite cannot read it", error) : error;
    }
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB (https://sqlite.org/rescode.html), and tables that are not there. */
function damaged(error: unknown): boolean {
  const cause = isNearsightError(error, "STORE_UNUSABLE") ? error.cause : error;
  if (!(cause instanceof Error) || !("errcode" in cause)) return false;
  const code = Number(cause.errcode) & 0xff;
  return code === 11 || code === 26 || (code === 1 && /no such (table|column)/.test(cause.message));
}

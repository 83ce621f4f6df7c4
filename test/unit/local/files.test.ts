/** What the local backend makes of names, and of files that are damaged, newer or not its own. */

import { copyFileSync, existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Backend } from "../../../core/backends/backend.ts";
import { type LocalClient, localBackend } from "../../../core/backends/local/local.ts";
import { fileNameOf, nameOfFile } from "../../../core/backends/local/names.ts";
import {
  batch,
  entries,
  expectCode,
  fetched,
  floats,
  padded,
  select,
  stream,
} from "../../contract/context.ts";
import { temporaryFolder } from "../../support/temporary.ts";

let folder: string;
let backend: Backend<LocalClient>;

beforeEach(() => {
  folder = temporaryFolder();
  backend = localBackend({ folder });
});
afterEach(() => backend.close());

async function filled(name: string, count = 200) {
  const collection = await backend.create({ name, dimension: 8, metric: "cosine" });
  await collection.upsert(stream(entries(count, "cosine", 1)));
  return collection;
}

/** Changes a file as another program might, after our handle is closed. */
async function tamper(name: string, sql: string): Promise<void> {
  await backend.close();
  const database = new DatabaseSync(join(folder, fileNameOf(name)));
  database.exec(sql);
  database.close();
  backend = localBackend({ folder });
}

describe("names", () => {
  const odd = [
    "it's",
    "A",
    "a",
    "über",
    "con",
    "v1.2",
    "a b",
    "..",
    "100%",
    "猫",
    "%41",
    "-",
    "x".repeat(240),
  ];

  test("are files and back", () => {
    for (const name of odd) {
      expect(nameOfFile(fileNameOf(name))).toBe(name);
      expect(fileNameOf(name)).toMatch(/^[a-z0-9_%-]+\.db$/);
    }
    expect(new Set(odd.map(fileNameOf)).size).toBe(odd.length);
    expect(fileNameOf("con")).not.toBe("con.db");
  });

  test("other files are no names", () => {
    for (const file of [
      "a.db-wal",
      "a.db.new",
      "names.lock",
      "A.db",
      "%4z.db",
      "%2F.db",
      "%2f.db",
      ".db",
      "ü.db",
    ]) {
      expect(nameOfFile(file), file).toBeNull();
    }
  });

  test.each(["", "a/b", "a\\b", "../up", "nul\0", "line\nbreak", "\ud800", "x".repeat(241), "ü".repeat(100)])(
    "%j is INVALID_ARGUMENT",
    async (name) => {
      await expectCode(() => backend.create({ name, dimension: 8, metric: "cosine" }), "INVALID_ARGUMENT");
      await expectCode(() => backend.open(name), "INVALID_ARGUMENT");
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test("collections of odd names live side by side", async () => {
    for (const name of odd) await (await backend.create({ name, dimension: 8, metric: "cosine" })).describe();
    expect(await backend.list()).toEqual(odd.toSorted());
    expect(await backend.list("v1")).toEqual(["v1.2"]);
  });
});

test("an absent folder is an empty one, and stays absent", async () => {
  const absent = join(folder, "deep", "down");
  const other = localBackend({ folder: absent });
  expect(await other.list()).toEqual([]);
  await expectCode(() => other.open("a"), "INDEX_NOT_FOUND");
  expect(existsSync(join(folder, "deep"))).toBe(false);
  await other.create({ name: "a", dimension: 8, metric: "cosine" });
  expect(await other.list()).toEqual(["a"]);
  expect(await other.client()).toEqual({ folder: absent });
  await other.close();
});

test("drop leaves no file of the collection", async () => {
  const collection = await filled("gone");
  await collection.search(floats(padded(1)), { k: 1 });
  await collection.drop();
  expect(readdirSync(folder).filter((file) => file.includes("gone"))).toEqual([]);
});

test("a folder removed by hand is INDEX_NOT_FOUND", async () => {
  const collection = await filled("gone");
  rmSync(folder, { recursive: true });
  await expectCode(() => collection.describe(), "INDEX_NOT_FOUND");
  await expectCode(() => collection.upsert(stream(entries(1, "cosine", 1))), "INDEX_NOT_FOUND");
  await collection.drop();
});

describe("a damaged file is INDEX_CORRUPT", () => {
  test("when it is no database", async () => {
    writeFileSync(join(folder, "text.db"), "not a database at all, only some text that is long enough");
    await expectCode(() => backend.open("text"), "INDEX_CORRUPT");
  });

  test("when it is cut off", async () => {
    const collection = await filled("cut", 5000);
    await backend.close();
    truncateSync(join(folder, "cut.db"), 40_000);
    backend = localBackend({ folder });
    await expectCode(async () => fetched((await backend.open("cut")).fetch()), "INDEX_CORRUPT");
    expect(collection.name).toBe("cut");
  });

  test.each([
    ["a block of another size", "UPDATE vectors SET data = zeroblob(17) WHERE block = 1"],
    ["a block that is missing", "DELETE FROM vectors WHERE block = 2"],
    ["sample ids that are missing", "UPDATE blocks SET sample_ids = '[]' WHERE block = 0"],
    ["entries that are no JSON", "UPDATE blocks SET ids = '[\"a' WHERE block = 0"],
    ["a wrong count", "UPDATE header SET size = size - 1"],
    ["a block beyond the end", "UPDATE blocks SET block = 99 WHERE block = 3"],
    ["no header", "DELETE FROM header"],
    ["a metric nobody knows", "UPDATE header SET metric = 'manhattan'"],
    ["a table that is missing", "DROP TABLE vectors"],
  ])("when it has %s", async (_, sql) => {
    await filled("bad");
    await tamper("bad", sql);
    const searching = async () => (await backend.open("bad")).search(floats(padded(1)), { k: 3 });
    await expectCode(searching, "INDEX_CORRUPT");
    await expectCode(searching, "INDEX_CORRUPT");
    // It can still be removed and made again.
    await (await filled("good")).describe();
    const { drop } = await backend.open("good");
    await drop();
  });

  test("and can be replaced", async () => {
    writeFileSync(join(folder, "text.db"), "not a database at all, only some text that is long enough");
    await expectCode(() => backend.create({ name: "text", dimension: 8, metric: "cosine" }), "INDEX_EXISTS");
    rmSync(join(folder, "text.db"));
    expect((await (await filled("text")).describe()).size).toBe(200);
  });
});

test("a file of a newer version is STORE_TOO_NEW", async () => {
  await filled("newer");
  await tamper("newer", "PRAGMA user_version = 99");
  await expectCode(() => backend.open("newer"), "STORE_TOO_NEW");
});

test("a stale log beside an absent file is not replayed into a new one", async () => {
  await filled("first");
  // While its file is open, the log of the first holds all it was given.
  copyFileSync(join(folder, "first.db-wal"), join(folder, "second.db-wal"));
  const collection = await backend.create({ name: "second", dimension: 8, metric: "cosine" });
  expect((await collection.describe()).size).toBe(0);
});

test("ids that SQLite text cannot hold are kept apart", async () => {
  const ids = ["\ud800", "\ud801", "a\0b", "a\0c", "a", '"a"', '"\\ud800"', ""];
  const collection = await backend.create({ name: "ids", dimension: 8, metric: "euclidean" });
  const rows = floats(...ids.map((_, i) => padded(i)));
  expect((await collection.upsert(stream(batch(ids, rows), batch(ids, rows)))).written).toBe(16);
  expect((await collection.describe()).size).toBe(8);
  expect([...(await fetched(collection.fetch(select(ids)))).keys()]).toEqual(ids);
  const [hits] = await collection.search(floats(padded(0)), { k: null });
  expect(hits?.ids).toEqual(ids);
  expect((await collection.delete(stream(["\ud800", "a\0b"]))).written).toBe(2);
  expect([...(await fetched(collection.fetch())).keys()]).toEqual([
    "\ud801",
    "a\0c",
    "a",
    '"a"',
    '"\\ud800"',
    "",
  ]);
});

test("params are refused, and bits that fill no bytes", async () => {
  const spec = { name: "x", dimension: 12, metric: "hamming" as const };
  await expectCode(() => backend.create(spec), "INVALID_ARGUMENT");
  await expectCode(() => backend.create({ ...spec, dimension: 8, params: { m: 16 } }), "INVALID_ARGUMENT");
  await expectCode(
    () => backend.create({ ...spec, metric: "cosine", vectorType: "bits" }),
    "METRIC_NOT_SUPPORTED",
  );
  await expectCode(() => backend.create({ ...spec, metric: "cosine", dimension: 70_000 }), "LIMIT_EXCEEDED");
  expect(await backend.list()).toEqual([]);
});

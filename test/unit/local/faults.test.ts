/** What the local backend makes of files that processes left or spoilt: a clear error, or a clean folder. */

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Backend } from "../../../core/backends/backend.ts";
import { localBackend } from "../../../core/backends/local/local.ts";
import { batch, floats, stream } from "../../contract/context.ts";
import { temporaryFolder } from "../../support/temporary.ts";

let folder: string;
let backend: Backend;

beforeEach(() => {
  folder = temporaryFolder();
  backend = localBackend({ folder });
});
afterEach(() => backend.close());

const make = (name: string) => backend.create({ name, dimension: 4, metric: "cosine" });
const files = () => readdirSync(folder).filter((name) => name !== "names.lock");

/** Puts a file where a collection's would be. */
function put(name: string, contents: string): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

test.each([
  ["an empty file", ""],
  ["a text", "milk, bread and\n".repeat(400)],
])("%s in place of an index is INDEX_CORRUPT and stays as it is", async (_, contents) => {
  const path = put("pets.db", contents);
  const opened = backend.open("pets");
  await expect(opened).rejects.toMatchObject({
    code: "INDEX_CORRUPT",
    hint: expect.stringContaining("again"),
  });
  expect(readFileSync(path, "utf8")).toBe(contents);
  expect(files()).toEqual(["pets.db"]);
});

describe("what killed processes left", () => {
  const LEFT = ["pets.db.new", "pets.db.new-wal", "gone.db-wal", "gone.db-shm"];

  test("goes when the next index is made, and nothing else does", async () => {
    const kept = ["notes.txt", "notes.new", "other-wal", "Pets.db-wal"];
    for (const name of [...LEFT, ...kept]) put(name, "left");
    await (await make("cats")).upsert(stream(batch(["a"], floats([1, 2, 3, 4]))));
    await backend.close();
    expect(files().sort()).toEqual(["cats.db", ...kept].sort());
  });

  test("goes when an index is dropped or not found", async () => {
    const collection = await make("cats");
    for (const name of LEFT) put(name, "left");
    await collection.drop();
    expect(files()).toEqual([]);
    for (const name of ["pets.db-wal", "pets.db-shm"]) put(name, "left");
    await expect(backend.open("pets")).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
    expect(files()).toEqual([]);
  });

  test("does not touch an index that is open", async () => {
    const collection = await make("cats");
    await collection.upsert(stream(batch(["a"], floats([1, 2, 3, 4]))));
    const other = localBackend({ folder });
    await other.create({ name: "dogs", dimension: 4, metric: "cosine" });
    await (await other.open("dogs")).drop();
    await other.close();
    expect(statSync(join(folder, "cats.db-wal")).size).toBeGreaterThan(0);
    expect((await collection.search(floats([1, 2, 3, 4]), { k: 1 }))[0]?.ids).toEqual(["a"]);
  });
});

describe("a folder that cannot be used is STORE_UNUSABLE", () => {
  const unusable = { code: "STORE_UNUSABLE", hint: expect.any(String), retryable: false };

  test("when it is a file", async () => {
    const other = localBackend({ folder: put("file", "") });
    await expect(other.create({ name: "a", dimension: 4, metric: "cosine" })).rejects.toMatchObject(unusable);
    await other.close();
  });

  test("when it is inside a file", async () => {
    const other = localBackend({ folder: join(put("file", ""), "inside") });
    await expect(other.create({ name: "a", dimension: 4, metric: "cosine" })).rejects.toMatchObject(unusable);
    await other.close();
  });

  test("when its lock is something else", async () => {
    put("names.lock", "not a lock ".repeat(100));
    await expect(make("a")).rejects.toMatchObject(unusable);
    expect(existsSync(join(folder, "a.db"))).toBe(false);
  });

  test("when a folder has the place of an index", async () => {
    mkdirSync(join(folder, "pets.db"));
    await expect(backend.open("pets")).rejects.toMatchObject(unusable);
  });
});

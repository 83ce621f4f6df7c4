/** What the store makes of files that are damaged, not its own or not to be had: an error, and the file as it was. */

import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, test } from "vitest";
import { isNearsightError, type NearsightError } from "../../../core/errors.ts";
import { matrix } from "../../../core/matrix.ts";
import { openSqliteStore } from "../../../core/store/sqlite-store.ts";
import { EVERYTHING, newSample } from "../../store/helpers.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const SAMPLES = 400;

let folder: string;
let path: string;
let datasetId: string;

beforeEach(async () => {
  folder = temporaryFolder();
  path = join(folder, "nearsight.db");
  const store = await openSqliteStore({ folder });
  datasetId = (await store.datasets.create("pets")).id;
  await store.samples.add(
    datasetId,
    Array.from({ length: SAMPLES }, () => newSample()),
  );
  await store.close();
});

/** The error of opening the store and reading all of it. */
async function failure(): Promise<NearsightError> {
  let store: Awaited<ReturnType<typeof openSqliteStore>> | undefined;
  try {
    store = await openSqliteStore({ folder });
    await store.samples.rows(datasetId, [], EVERYTHING);
  } catch (error) {
    if (isNearsightError(error)) return error;
    throw error;
  } finally {
    await store?.close();
  }
  throw new Error("Expected the store to be refused");
}

function overwrite(at: number, length: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0x5a, at, at + length);
  writeFileSync(path, bytes);
}

describe("a store that cannot be used", () => {
  test.each<[what: string, hint: RegExp, harm: () => void]>([
    ["a text file", /no nearsight store/, () => writeFileSync(path, "milk, bread and\n".repeat(400))],
    ["a file whose first page is overwritten", /no nearsight store|damaged/, () => overwrite(0, 4096)],
    ["a file whose pages are overwritten", /damaged/, () => overwrite(4096, statSync(path).size - 4096)],
    ["a file cut in half", /damaged/, () => truncateSync(path, Math.floor(statSync(path).size / 2))],
    ["a file cut inside its first page", /no nearsight store|damaged/, () => truncateSync(path, 1000)],
  ])("%s is STORE_UNUSABLE and stays as it is", async (_, hint, harm) => {
    harm();
    const before = readFileSync(path);
    const error = await failure();
    expect(error.code).toBe("STORE_UNUSABLE");
    expect(error.message).toContain(path);
    expect(error.hint).toMatch(hint);
    expect(error.retryable).toBe(false);
    expect(readFileSync(path)).toEqual(before);
  });

  test("a folder in its place", async () => {
    renameSync(path, `${path}.old`);
    mkdirSync(path);
    expect(await failure()).toMatchObject({
      code: "STORE_UNUSABLE",
      hint: expect.stringContaining("writable"),
    });
  });

  test("a file where the folder should be", async () => {
    const file = join(folder, "home");
    writeFileSync(file, "");
    const opened = openSqliteStore({ folder: file });
    await expect(opened).rejects.toMatchObject({ code: "STORE_UNUSABLE", hint: expect.any(String) });
  });

  test("an empty file beside indexes has lost its contents; without them it is a new store", async () => {
    truncateSync(path, 0);
    mkdirSync(join(folder, "indexes"));
    writeFileSync(join(folder, "indexes", "pets-images.db"), "an index");
    expect(await failure()).toMatchObject({
      code: "STORE_UNUSABLE",
      hint: expect.stringContaining("backup"),
    });
    expect(statSync(path).size).toBe(0);
    const other = temporaryFolder();
    writeFileSync(join(other, "nearsight.db"), "");
    const store = await openSqliteStore({ folder: other });
    expect(await store.datasets.list()).toEqual([]);
    await store.close();
  });

  test("one of a newer version is STORE_TOO_NEW and stays as it is", async () => {
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    const before = readFileSync(path);
    const error = await failure();
    expect(error).toMatchObject({ code: "STORE_TOO_NEW", details: { found: 99 } });
    expect(error.hint).toContain("Upgrade");
    expect(readFileSync(path)).toEqual(before);
  });
});

test("a damaged log loses what comes after the damage, and nothing before it", async () => {
  const store = await openSqliteStore({ folder });
  const log = `${path}-wal`;
  await store.samples.add(datasetId, [newSample()]);
  const kept = statSync(log).size;
  await store.samples.add(datasetId, [newSample()]);
  const copy = temporaryFolder();
  for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, join(copy, `nearsight.db${suffix}`));
  await store.close();
  const bytes = readFileSync(join(copy, "nearsight.db-wal"));
  bytes.fill(0x5a, kept);
  writeFileSync(join(copy, "nearsight.db-wal"), bytes);
  const found = await openSqliteStore({ folder: copy });
  expect(await found.samples.count(datasetId, [])).toBe(SAMPLES + 1);
  await found.samples.add(datasetId, [newSample()]);
  expect(await found.samples.count(datasetId, [])).toBe(SAMPLES + 2);
  await found.close();
});

test("samples whose vectors are refused are not added either", async () => {
  const store = await openSqliteStore({ folder });
  const [first, second] = [newSample(), newSample()];
  const column = (id: string, dimension: number) => ({
    field: "v",
    ownerIds: [id],
    vectors: matrix(new Float32Array(dimension).fill(1), dimension),
  });
  await store.samples.add(datasetId, [first], [column(first.id, 4)]);
  const refused = store.samples.add(datasetId, [second], [column(second.id, 5)]);
  await expect(refused).rejects.toMatchObject({ code: "DIMENSION_MISMATCH" });
  expect(await store.samples.byId(datasetId, [second.id])).toEqual([]);
  const change = { id: first.id, tags: ["changed"] };
  const update = store.samples.update(datasetId, [change], [column(first.id, 5)]);
  await expect(update).rejects.toMatchObject({ code: "DIMENSION_MISMATCH" });
  expect((await store.samples.byId(datasetId, [first.id]))[0]?.tags).not.toContain("changed");
  expect((await store.vectors.get(datasetId, "v", [first.id])).vectors.dimension).toBe(4);
  await store.close();
});

test("a store closed twice, and calls after it, do no harm", async () => {
  const store = await openSqliteStore({ folder });
  await Promise.all([store.close(), store.close()]);
  await expect(store.datasets.list()).rejects.toMatchObject({ code: "CLOSED" });
  const again = await openSqliteStore({ folder });
  expect(await again.samples.count(datasetId, [])).toBe(SAMPLES);
  await again.close();
});

/** How writes use a file: holes are filled, only changed blocks are read again, searches come in between. */

import { expect, test } from "vitest";
import type { IndexFile } from "../../../core/backends/local/file.ts";
import { loadKernel } from "../../../core/backends/local/kernel/kernel.ts";
import { localBackend } from "../../../core/backends/local/local.ts";
import { Resident } from "../../../core/backends/local/resident.ts";
import { headerOf } from "../../../core/backends/local/spec.ts";
import { deleteEntries, upsertEntries } from "../../../core/backends/local/writes.ts";
import { entries, fetched, floats, padded, select, stream } from "../../contract/context.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { newIndexFile } from "./index-files.ts";

const newFile = () => newIndexFile(headerOf({ name: "x", metric: "euclidean", dimension: 8 }));

function write(file: IndexFile, count: number, seed: number, prefix = "e"): void {
  const { ids, sampleIds, vectors } = entries(count, "euclidean", seed, prefix);
  expect(upsertEntries(file, { ids, sampleIds, data: vectors.data })).toEqual({ written: count, failed: [] });
}

test("rows of deleted entries are used again before the file grows", () => {
  const file = newFile();
  write(file, 200, 1);
  for (let round = 0; round < 5; round++) {
    const gone = Array.from({ length: 60 }, (_, i) => `e${String(i * 3).padStart(4, "0")}`);
    expect(deleteEntries(file, gone).written).toBe(60);
    write(file, 200, round);
  }
  expect(file.read(({ slots, size }) => ({ slots, size }))).toEqual({ slots: 200, size: 200 });
  write(file, 10, 3, "more");
  expect(file.read(({ slots, size }) => ({ slots, size }))).toEqual({ slots: 210, size: 210 });
  file.close();
});

test("after a write only the blocks it changed are read again", () => {
  const file = newFile();
  write(file, 640, 1);
  const resident = new Resident(
    loadKernel(),
    file.read((header) => header),
  );
  const refresh = () => file.read((header) => resident.refresh(file, header));
  refresh();
  // Damage that reading any other block would show.
  file.database.exec("UPDATE vectors SET data = zeroblob(3) WHERE block NOT IN (2, 10)");
  write(file, 1, 9, "added");
  upsertEntries(file, {
    ids: ["e0130"],
    sampleIds: ["s"],
    data: floats(padded(7)).data,
  });
  refresh();
  expect(resident.size).toBe(641);
  expect([...new Float32Array(resident.row(130).slice().buffer)]).toEqual(padded(7));
  deleteEntries(file, ["e0600"]);
  refresh();
  expect([resident.size, resident.live[600]]).toEqual([640, 0]);
  file.close();
});

test("a search waits for one part of a long batch, not for all of it", async () => {
  const backend = localBackend({ folder: temporaryFolder() });
  const collection = await backend.create({ name: "long", dimension: 8, metric: "euclidean" });
  const order: string[] = [];
  const writing = collection.upsert(stream(entries(30_000, "euclidean", 1))).then((report) => {
    order.push("written");
    return report.written;
  });
  const searching = collection.search(floats(padded(1)), { k: null }).then(([hits]) => {
    order.push("found");
    return hits?.ids.length ?? 0;
  });
  const [written, found] = await Promise.all([writing, searching]);
  expect(written).toBe(30_000);
  expect(found).toBeLessThan(30_000);
  expect(order).toEqual(["found", "written"]);
  await backend.close();
});

test("rows are the same from memory and from the file", async () => {
  const backend = localBackend({ folder: temporaryFolder() });
  const collection = await backend.create({ name: "rows", dimension: 8, metric: "cosine" });
  const { ids, vectors, sampleIds } = entries(500, "cosine", 1);
  await collection.upsert(stream({ ids, vectors, sampleIds }));
  const wanted = select(ids.filter((_, i) => i % 7 === 0).toReversed());
  const cold = await fetched(collection.fetch(wanted));
  await collection.search(floats(padded(1)), { k: 1 });
  expect(await fetched(collection.fetch(wanted))).toEqual(cold);
  await backend.close();
});

/** What must hold of a home after a crash; plain functions, for programs of their own as well as for tests. */

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import sharp from "sharp";
import type { SimilarityIndex } from "../../core/dataset/brain-port.ts";
import type { Dataset } from "../../core/dataset/dataset.ts";
import { seededRandom } from "../../core/random.ts";

/** Small plain pictures, each of its own colour. */
export async function drawPictures(folder: string, count: number): Promise<string[]> {
  const random = seededRandom(count);
  const channel = () => Math.floor(random() * 256);
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const path = join(folder, `picture${i}.png`);
      const background = { r: channel(), g: channel(), b: channel() };
      await sharp({ create: { width: 8, height: 8, channels: 3, background } })
        .png()
        .toFile(path);
      return path;
    }),
  );
}

/** Ends the lease of a killed builder, as 30 seconds would. */
export function letLeasesEnd(home: string): void {
  const database = new DatabaseSync(join(home, "nearsight.db"));
  database.exec("PRAGMA busy_timeout = 10000; UPDATE runs SET lease_until = 0");
  database.close();
}

/** Every SQLite file is whole, and nothing lies about that belongs to no index. Call it when all is closed. */
export function expectSoundFiles(home: string, indexes: number): void {
  const folder = join(home, "indexes");
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name !== "names.lock") : [];
  assert.deepEqual(
    names.filter((name) => !name.endsWith(".db")),
    [],
  );
  assert.equal(names.length, indexes, names.join());
  for (const path of [join(home, "nearsight.db"), ...names.map((name) => join(folder, name))]) {
    const database = new DatabaseSync(path);
    assert.equal(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok", path);
    assert.equal(database.prepare("PRAGMA foreign_key_check").get(), undefined, path);
    database.close();
  }
}

/** Index and store say the same: as many vectors as entries, none of a sample that is gone. */
export async function expectInStep(dataset: Dataset, index: SimilarityIndex, size: number): Promise<void> {
  const info = await dataset.getBrainInfo(index.key);
  assert.deepEqual(info.entries, { pending: 0, indexed: size, failed: 0, deleting: 0 });
  assert.equal(await index.totalIndexSize(), size);
  const { sampleIds } = await index.getEmbeddings();
  assert.equal(new Set(sampleIds).size, size);
  const known = new Set((await dataset.values("id")) as string[]);
  assert.deepEqual(
    sampleIds.filter((id) => !known.has(id)),
    [],
  );
}

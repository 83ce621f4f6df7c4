/** What the store makes of its file: of an older version, of a newer one, and of what is no store. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { MIGRATIONS } from "../../../core/store/sqlite-schema.ts";
import { openSqliteStore } from "../../../core/store/sqlite-store.ts";
import { temporaryFolder } from "../../support/temporary.ts";

test("a store of version 1 is brought up to date: what was searchable stays so and is no arrival", async () => {
  const folder = temporaryFolder();
  const old = new DatabaseSync(join(folder, "nearsight.db"));
  old.exec(MIGRATIONS[0]?.sql ?? "");
  old.exec(`PRAGMA user_version = 1;
    INSERT INTO datasets (id, name, created_at, info) VALUES ('d', 'pets', '', '{}');
    INSERT INTO samples (dataset_id, id, filepath, media_type, rand, tags, fields, label_fields, created_at, updated_at)
      VALUES ('d', 's', 'a.jpg', 'image', 1, '[]', '{}', '{}', '', '');
    INSERT INTO runs (id, dataset_id, key, type, version, config, spec_hash, state, epoch, created_at, updated_at)
      VALUES ('r', 'd', 'k', 'similarity', '1', '{}', '', 'ready', 1, '', '');
    INSERT INTO run_entries (run_id, entry_id, sample_id, state) VALUES ('r', 's', 's', 'indexed');`);
  old.close();
  const { entries, ...store } = await openSqliteStore({ folder });
  expect(await entries.gone("r", ["s"])).toEqual(new Set());
  const revision = (await entries.revision("r")) ?? 0;
  expect(await entries.arrivals("r", { revision, sequence: Number.MAX_SAFE_INTEGER }, 10)).toEqual([]);
  await entries.plan("r", [{ entryId: "s", sampleId: "s" }], { overwrite: true });
  expect(await entries.countInView("r", "d", [], null)).toEqual({ total: 1, indexed: 0, stale: 1 });
  await store.close();
});

test("a file that is no store, and one of a newer version, say so", async () => {
  const folder = temporaryFolder();
  const broken = join(folder, "broken");
  await mkdir(broken);
  await writeFile(
    join(broken, "nearsight.db"),
    "not a database, but long enough to be looked at".repeat(100),
  );
  await expect(openSqliteStore({ folder: broken })).rejects.toMatchObject({ code: "STORE_UNUSABLE" });
  const newer = join(folder, "newer");
  await mkdir(newer);
  const raw = new DatabaseSync(join(newer, "nearsight.db"));
  raw.exec("PRAGMA user_version = 999");
  raw.close();
  await expect(openSqliteStore({ folder: newer })).rejects.toMatchObject({ code: "STORE_TOO_NEW" });
  await expect(openSqliteStore({ folder: join(broken, "nearsight.db") })).rejects.toMatchObject({
    code: "STORE_UNUSABLE",
  });
});

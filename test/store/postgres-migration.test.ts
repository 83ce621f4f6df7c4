/** The schema of a PostgreSQL store is made once, however many open it at the same time. */

import { expect, test } from "vitest";
import { newId } from "../../core/ids.ts";
import { openPostgresStore } from "../../core/store/postgres-store.ts";
import { askPostgres } from "../support/postgres.ts";
import { postgresAddress, schemaOf } from "../support/temporary-store.ts";

const address = postgresAddress() ?? "";

test("eight that open a new store at the same time all get it", async () => {
  const url = schemaOf(address, newId());
  const stores = await Promise.all(Array.from({ length: 8 }, () => openPostgresStore({ url })));
  await Promise.all(stores.map((store, i) => store.datasets.create(`data set ${i}`)));
  expect(await stores[0]?.datasets.list()).toHaveLength(8);
  expect(await askPostgres(url, "select version from schema_version")).toEqual([{ version: 5 }]);
  for (const store of stores) await store.close();
});

test("stores in two schemas of a database know nothing of each other", async () => {
  const [one, two] = await Promise.all(
    [newId(), newId()].map((name) => openPostgresStore({ url: schemaOf(address, name) })),
  );
  await one?.datasets.create("pets");
  expect(await two?.datasets.list()).toEqual([]);
  await one?.close();
  await two?.close();
});

test("a sound store has nothing to complain of, a broken index is named", async () => {
  const url = schemaOf(address, newId());
  const store = await openPostgresStore({ url });
  expect(await store.check()).toEqual([]);
  await askPostgres(
    url,
    "update pg_index set indisvalid = false where indexrelid = 'labels_by_name'::regclass",
  );
  expect(await store.check()).toEqual([expect.stringContaining("labels_by_name")]);
  await store.close();
});

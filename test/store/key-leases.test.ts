/** Leases on keys: one holder at a time, writes only while it is held, and a mark where nobody can be sure. */

import { beforeAll, describe, expect, test } from "vitest";
import type { DatasetRecord } from "../../core/store/store.ts";
import type { KeyLease } from "../../core/store/store-sync.ts";
import { newSample, useStore } from "./helpers.ts";

const LONG = 1_000_000;
/** Over before it has begun. */
const NONE = -1;

const files = useStore();
let dataset: DatasetRecord;
beforeAll(async () => {
  dataset = await files.store.datasets.create("photos");
});

async function take(uri: string, ttlMs = LONG): Promise<KeyLease> {
  const lease = await files.store.keyLeases.take(dataset.id, uri, ttlMs);
  if (lease === null) throw new Error("Expected the key to be free");
  return lease;
}

describe("a key", () => {
  test("has one holder, and is free again after it", async () => {
    const { keyLeases } = files.store;
    const lease = await take("one");
    expect(lease.unsettledUntil).toBe(0);
    expect(await keyLeases.take(dataset.id, "one", LONG)).toBeNull();
    await take("another");
    await keyLeases.release(lease, "settled");
    expect((await take("one")).unsettledUntil).toBe(0);
  });

  test("whose holder did not come back in time is taken over, and is uncertain for a while", async () => {
    const { keyLeases } = files.store;
    const lost = await take("late", NONE);
    const lease = await take("late");
    expect(lease.unsettledUntil).toBeGreaterThan(lease.takenAt);
    await expect(keyLeases.renew(lost, LONG)).rejects.toMatchObject({ code: "LEASE_LOST" });
    await expect(keyLeases.release(lost, "settled")).rejects.toMatchObject({ code: "LEASE_LOST" });
    await keyLeases.release(lease, "settled");
    expect(await keyLeases.unsettled(dataset.id, ["late", "nobody"])).toEqual(["late"]);
    expect((await take("late")).unsettledUntil).toBe(lease.unsettledUntil);
  });

  test("is kept by renewing it", async () => {
    const lease = await take("renewed", NONE);
    await files.store.keyLeases.renew(lease, LONG);
    expect(await files.store.keyLeases.take(dataset.id, "renewed", LONG)).toBeNull();
  });

  test("whose work failed is uncertain until somebody has settled it", async () => {
    const { keyLeases } = files.store;
    await keyLeases.release(await take("failed"), "unsettled");
    await keyLeases.release(await take("failed"), "untouched");
    const again = await take("failed");
    expect(again.unsettledUntil).toBeGreaterThan(0);
    await keyLeases.release(again, "settled");
    expect(await keyLeases.unsettled(dataset.id, ["failed"])).toEqual([]);
  });

  test("of no data set is DATASET_NOT_FOUND", async () => {
    await expect(files.store.keyLeases.take("nobody", "one", LONG)).rejects.toMatchObject({
      code: "DATASET_NOT_FOUND",
    });
  });
});

test("a store under a lease writes while it is held, and nothing afterwards", async () => {
  const lease = await take("held", NONE);
  const held = files.store.under(lease);
  await held.samples.add(dataset.id, [newSample({ id: "s1" })]);
  await take("held");
  await expect(held.samples.add(dataset.id, [newSample({ id: "s2" })])).rejects.toMatchObject({
    code: "LEASE_LOST",
  });
  await expect(held.samples.delete(dataset.id, ["s1"])).rejects.toMatchObject({ code: "LEASE_LOST" });
  expect((await held.samples.byId(dataset.id, ["s1", "s2"])).map(({ id }) => id)).toEqual(["s1"]);
});

describe("addresses", () => {
  test("come in the order of their bytes, those below a prefix only, page by page", async () => {
    const { addresses, datasets, samples } = files.store;
    const { id } = await datasets.create("addresses");
    const uris = [
      "s3://b/a.png",
      "s3://b/a/1.png",
      "s3://b/\uff5e",
      "s3://b/\u{1f408}",
      "s3://c/x",
      "s3://b/",
      "s3://a/y",
    ];
    await samples.add(
      id,
      uris.map((uri, i) => newSample({ id: `s${i}`, uri })),
    );
    const first = await addresses.page(id, "s3://b/", { after: "", limit: 3 });
    expect(first.map(({ uri }) => uri)).toEqual(["s3://b/", "s3://b/a.png", "s3://b/a/1.png"]);
    const rest = await addresses.page(id, "s3://b/", { after: "s3://b/a/1.png", limit: 3 });
    expect(rest.map(({ uri }) => uri)).toEqual(["s3://b/\uff5e", "s3://b/\u{1f408}"]);
    expect(await addresses.get(id, "s3://c/x")).toBe("s4");
    expect(await addresses.get(id, "s3://c/")).toBeNull();
  });

  test("are given to samples by their files, once for each file", async () => {
    const { addresses, datasets, samples } = files.store;
    const { id } = await datasets.create("adopted");
    await samples.add(id, [
      newSample({ id: "a", filepath: "/p/a.png" }),
      newSample({ id: "again", filepath: "/p/a.png" }),
      newSample({ id: "b", filepath: "/p/b.png", uri: "elsewhere" }),
      newSample({ id: "c", filepath: "/p%/c.png" }),
      newSample({ id: "d", filepath: "/P/d.png" }),
    ]);
    await addresses.adopt(id, "/p/");
    await addresses.adopt(id, "/p/");
    const known = await addresses.page(id, "", { after: "", limit: 10 });
    expect(known).toEqual([
      { id: "a", uri: "/p/a.png" },
      { id: "b", uri: "elsewhere" },
    ]);
  });
});

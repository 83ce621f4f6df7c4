/** Memory follows the size of the index, not the number of writes and searches. */

import { expect, test } from "vitest";
import { localBackend } from "../../../core/backends/local/local.ts";
import { entries, floats, stream } from "../../contract/context.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const DIMENSION = 256;
const MEGABYTE = 2 ** 20;

test("writing and searching over and over takes no more memory than the index", async () => {
  const backend = localBackend({ folder: temporaryFolder() });
  const collection = await backend.create({ name: "flat", dimension: DIMENSION, metric: "cosine" });
  const part = entries(10_000, "cosine", 1, "e", DIMENSION);
  const query = floats([...part.vectors.row(0)]);
  const round = async () => {
    await collection.upsert(stream(part));
    await collection.search(query, { k: 10 });
  };
  for (let i = 0; i < 3; i++) await round();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 25; i++) await round();
  // The index is 10 MB: a copy kept of each write would show as 250, garbage not yet collected as some 50.
  expect(process.memoryUsage().rss - before).toBeLessThan(125 * MEGABYTE);
  expect((await collection.describe()).size).toBe(10_000);
  await backend.close();
});

/** The embedded backend passes the contract, with WebAssembly and without. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { localBackend } from "../../core/backends/local/local.ts";
import { testBackend } from "../contract/backend-contract.ts";
import { batch, entries, floats, padded, stream } from "../contract/context.ts";

const root = mkdtempSync(join(tmpdir(), "nearsight-local-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

for (const simd of [true, false]) {
  const folder = join(root, simd ? "simd" : "scalar");
  testBackend(simd ? "local" : "local without SIMD", {
    open: () => localBackend({ folder, simd }),
    limits: { dimension: 65_536 },
    extra: (context) => {
      test("entries are fetched in the order they were first written", async () => {
        const collection = await context().make();
        await collection.upsert(stream(entries(200, "cosine", 1, "b"), entries(3, "cosine", 2, "a")));
        await collection.delete(stream(["b0001", "b0100"]));
        await collection.upsert(stream(batch(["z", "b0002"], floats(padded(1), padded(2)))));
        const ids: string[] = [];
        for await (const part of collection.fetch()) ids.push(...part.ids);
        const kept = entries(200, "cosine", 1, "b").ids.filter((id) => id !== "b0001" && id !== "b0100");
        expect(ids).toEqual([...kept, "a0000", "a0001", "a0002", "z"]);
      });
    },
  });
}

/** Damaged files of every detection format: the reader ends, with samples, failures, or an error of ours. */

import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { isNearsightError } from "../../../core/errors.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/fiftyone");

let ns: Nearsight;
beforeAll(async () => {
  ns = await temporaryNearsight();
});

/** Texts that change what JSON, XML, YAML and numbers mean. */
const PIECES = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ",",
  ":",
  "<",
  ">",
  "&",
  "\0",
  "\n",
  "-",
  "1e999",
  "NaN",
  "null",
  "true",
  "é",
  "__proto__",
  "$oid",
  "$binary",
  "_cls",
];

/** One change: some bytes cut out and something put in their place. */
const mutation = fc.record({
  file: fc.nat(),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.oneof(fc.constant(0), fc.nat(8), fc.nat(2_000)),
  piece: fc.oneof(fc.constant(""), fc.constantFrom(...PIECES), fc.string({ maxLength: 8 })),
});

type Mutation = typeof mutation extends fc.Arbitrary<infer One> ? One : never;

function mutate(folder: string, { file, at, length, piece }: Mutation): void {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(json|xml|txt|yaml)$/.test(name))
    .sort();
  const path = join(folder, files[file % files.length] ?? "");
  const bytes = readFileSync(path);
  const start = Math.floor(at * bytes.length);
  writeFileSync(
    path,
    Buffer.concat([bytes.subarray(0, start), Buffer.from(piece), bytes.subarray(start + length)]),
  );
}

describe.each(["fiftyone", "coco", "yolo", "voc"])("a damaged %s data set", (format) => {
  test("is read as far as it goes", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const folder = join(temporaryFolder(), "damaged");
        cpSync(join(FIXTURES, format), folder, { recursive: true });
        for (const one of mutations) mutate(folder, one);
        const dataset = await ns.createDataset(undefined, { overwrite: true });
        try {
          const { added, failed } = await dataset.addDir(folder, { format });
          expect(added).toBe(await dataset.count());
          for (const { path, reason } of failed) expect(path.length * reason.length).toBeGreaterThan(0);
        } catch (error) {
          if (!isNearsightError(error)) throw error;
          expect(error.code).not.toBe("INTERNAL");
        }
        await dataset.delete();
      }),
      { numRuns: format === "fiftyone" ? 25 : 100 },
    );
  });
});

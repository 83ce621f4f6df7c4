/** Exact duplicates by the bytes of files. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

let ns: Nearsight;
let dataset: Dataset;
let folder: string;

beforeEach(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("files");
  folder = temporaryFolder();
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function add(...filepaths: string[]): Promise<string[]> {
  return dataset.addSamples(filepaths.map((filepath) => ({ filepath })));
}

describe("computeExactDuplicates", () => {
  it("names the copies of each first file, in the order of the view", async () => {
    const [a, b, , c, d, e] = await add(
      file("a", "same bytes"),
      file("b", "other byte"),
      file("c", "of another size"),
      file("d", "other byte"),
      file("e", "same bytes"),
      file("f", "same bytes"),
    );
    const { duplicates, failed } = await dataset.computeExactDuplicates();
    expect([...duplicates]).toEqual([
      [a, [d, e]],
      [b, [c]],
    ]);
    expect(failed).toEqual([]);
    const reversed = await ns.computeExactDuplicates(dataset.sortBy("filepath", { reverse: true }));
    expect([...reversed.duplicates]).toEqual([
      [e, [d, a]],
      [c, [b]],
    ]);
  });

  it("compares every byte of files larger than a piece", async () => {
    const bytes = new Uint8Array(3 * 1024 * 1024 + 17).fill(7);
    const other = bytes.slice();
    other[bytes.length - 1] = 8;
    const [a, , c] = await add(file("a", bytes), file("b", other), file("c", bytes));
    const { duplicates } = await dataset.computeExactDuplicates({ numWorkers: 1 });
    expect([...duplicates]).toEqual([[a, [c]]]);
  });

  it("reads file: and data: URLs, and takes empty files as equal", async () => {
    const path = file("a", "hello");
    const [a, b, c, d, e] = await add(
      path,
      pathToFileURL(path).href,
      "data:text/plain,hello",
      file("empty", ""),
      "data:,",
    );
    const { duplicates } = await dataset.computeExactDuplicates();
    expect([...duplicates]).toEqual([
      [a, [b, c]],
      [d, [e]],
    ]);
  });

  it("lists what cannot be read and goes on", async () => {
    const [a, missing, b] = await add(file("a", "x"), join(folder, "absent"), file("b", "x"));
    const { duplicates, failed } = await dataset.computeExactDuplicates();
    expect([...duplicates]).toEqual([[a, [b]]]);
    expect(failed).toEqual([{ id: missing, sampleId: missing, reason: expect.stringContaining("absent") }]);
    await expect(dataset.computeExactDuplicates({ skipFailures: false })).rejects.toMatchObject({
      code: "MEDIA_NOT_FOUND",
    });
  });

  it("hears the signal and reports progress", async () => {
    await add(file("a", "x"), file("b", "x"), file("c", "yy"));
    const signal = AbortSignal.abort();
    await expect(dataset.computeExactDuplicates({ signal })).rejects.toMatchObject({ code: "ABORTED" });
    const events: string[] = [];
    await dataset.computeExactDuplicates({ progress: ({ done, total }) => events.push(`${done}/${total}`) });
    expect(events).toEqual(["1/3", "2/3", "3/3"]);
  });

  it("answers for no samples, and refuses patches", async () => {
    const { duplicates, failed } = await dataset.computeExactDuplicates();
    expect([[...duplicates], failed]).toEqual([[], []]);
    await dataset.addSamples([
      { filepath: file("a", "x"), objects: { _cls: "Detections" as const, detections: [] } },
    ]);
    await expect(dataset.toPatches("objects").computeExactDuplicates()).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

/** A medium read once: its hash, its version, its tensors, and how a changed one is told from a touched one. */

import { createHash } from "node:crypto";
import { readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decodeImage } from "../../../core/media/image.ts";
import type { MediaSource } from "../../../core/media/media-source.ts";
import { mediaVersion, openMedium } from "../../../core/media/medium.ts";
import { imageTensor } from "../../../core/media/resize.ts";
import { colourModel } from "../../support/colour-model.ts";
import { encodePicture, noisePicture } from "../../support/pictures.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const { input } = colourModel();
const folder = temporaryFolder();
const longAgo = new Date("2020-01-01T00:00:00Z");

async function picture(name: string, seed = 1): Promise<string> {
  const path = join(folder, name);
  writeFileSync(path, await encodePicture(noisePicture(20, 10, seed)));
  return path;
}

const hashOf = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

describe("a medium", () => {
  test("has the tensors of its picture, whole and in part, also when its file is gone by then", async () => {
    const path = await picture("whole.png");
    const decoded = await decodeImage(path);
    const medium = await openMedium(path);
    unlinkSync(path);
    const crop = { box: [0.5, 0, 0.5, 1] as const, forceSquare: true };
    expect(await medium.tensor(input, null)).toEqual(await imageTensor(decoded, input));
    expect(await medium.tensor(input, crop)).toEqual(await imageTensor(decoded, input, crop));
  });

  test("is known by its bytes wherever it comes from", async () => {
    const path = await picture("same.png");
    const bytes = readFileSync(path);
    const media = [path, bytes, `data:image/png;base64,${bytes.toString("base64")}`];
    const hashes = await Promise.all(media.map(async (one) => (await openMedium(one)).contentHash));
    expect(new Set(hashes)).toEqual(new Set([hashOf(path)]));
  });

  test("that is no picture says which file it is, when it is decoded", async () => {
    const path = join(folder, "text.png");
    writeFileSync(path, "text");
    const medium = await openMedium(path);
    await expect(medium.tensor(input, null)).rejects.toMatchObject({
      code: "MEDIA_INVALID",
      message: expect.stringContaining(path),
    });
    await expect(openMedium(join(folder, "none.png"))).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
  });
});

describe("a version", () => {
  test("stays the same while size and time of the file do, whose bytes are not read for it", async () => {
    const path = await picture("steady.png");
    utimesSync(path, longAgo, longAgo);
    const { version } = await openMedium(path);
    expect(version).toBe(`${statSync(path).size}:${longAgo.getTime()} ${hashOf(path)}`);
    writeFileSync(path, Buffer.alloc(statSync(path).size));
    utimesSync(path, longAgo, longAgo);
    expect(await mediaVersion(path, version)).toBe(version);
  });

  test("has another mark and the same hash after a touch, and another hash after a change", async () => {
    const path = await picture("changing.png");
    utimesSync(path, longAgo, longAgo);
    const { version, contentHash } = await openMedium(path);
    utimesSync(path, longAgo, new Date("2021-01-01T00:00:00Z"));
    const touched = await mediaVersion(path, version);
    expect(touched).not.toBe(version);
    expect(touched.endsWith(` ${contentHash}`)).toBe(true);
    await picture("changing.png", 2);
    const changed = await mediaVersion(path, touched);
    expect(changed.endsWith(` ${hashOf(path)}`)).toBe(true);
    expect(changed.endsWith(contentHash)).toBe(false);
  });

  test("of a file that has just changed is not trusted to show the next change", async () => {
    const path = await picture("fresh.png");
    const { version } = await openMedium(path);
    const { size, mtime } = statSync(path);
    const other = readFileSync(path);
    other[size - 1] = 255 - (other[size - 1] ?? 0);
    writeFileSync(path, other);
    utimesSync(path, mtime, mtime);
    expect(await mediaVersion(path, version)).not.toBe(version);
  });

  test("is the place's own mark where it has one, and is found without reading", async () => {
    let reads = 0;
    const bucket: MediaSource = {
      matches: (uri) => uri.startsWith("bucket:"),
      stat: async (uri) => ({ uri, size: 3, modified: null, etag: '"a 1"' }),
      async open() {
        reads++;
        return new Uint8Array([1, 2, 3]);
      },
      async *list() {},
    };
    const options = { sources: [bucket] };
    const { version, contentHash } = await openMedium("bucket:cat", options);
    expect(version).toBe(`"a1" ${contentHash}`);
    expect(await mediaVersion("bucket:cat", version, options)).toBe(version);
    expect(reads).toBe(1);
    await mediaVersion("bucket:cat", null, options);
    expect(reads).toBe(2);
  });
});

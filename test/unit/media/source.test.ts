/** Places media come from: files, data URLs, bytes; what is missing, too large or not a file says so. */

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { MediaSource } from "../../../core/media/media-source.ts";
import { mediaSource, openMedia } from "../../../core/media/source.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const root = temporaryFolder();

beforeAll(() => {
  mkdirSync(join(root, "a", "b"), { recursive: true });
  writeFileSync(join(root, "a", "b", "deep.txt"), "deep");
  writeFileSync(join(root, "a", "one ü.txt"), "one");
  writeFileSync(join(root, "zero.txt"), "zero");
  symlinkSync(root, join(root, "a", "loop"));
  symlinkSync(join(root, "nothing"), join(root, "broken"));
});

const text = async (media: string | URL | Uint8Array) => Buffer.from(await openMedia(media)).toString();

describe("openMedia", () => {
  test("reads paths, file: URLs, data URLs and bytes", async () => {
    const path = join(root, "a", "one ü.txt");
    expect(await text(path)).toBe("one");
    expect(await text(pathToFileURL(path))).toBe("one");
    expect(await text(pathToFileURL(path).href)).toBe("one");
    expect(await text("data:text/plain;base64,b25l")).toBe("one");
    expect(await text("data:,a%20b%ff")).toBe(Buffer.from([97, 32, 98, 255]).toString());
    expect(await text(new Uint8Array([111, 110, 101]))).toBe("one");
  });

  test("nothing there is MEDIA_NOT_FOUND, a folder MEDIA_INVALID", async () => {
    await expect(openMedia(join(root, "missing.jpg"))).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
    await expect(openMedia(join(root, "zero.txt", "below"))).rejects.toMatchObject({
      code: "MEDIA_NOT_FOUND",
    });
    await expect(openMedia(root)).rejects.toMatchObject({ code: "MEDIA_INVALID" });
  });

  test.each([["file"], ["data"], ["bytes"]])(
    "more bytes than allowed are LIMIT_EXCEEDED: %s",
    async (kind) => {
      const media = { file: join(root, "zero.txt"), data: "data:;base64,AAAAAAAA", bytes: new Uint8Array(4) }[
        kind
      ];
      const opening = openMedia(media as string, { limits: { maxBytes: 3 } });
      await expect(opening).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 3 } });
    },
  );

  test.each(["data:image/png;base64", "data:;base64,***"])("%s is MEDIA_INVALID", async (uri) => {
    await expect(openMedia(uri)).rejects.toMatchObject({ code: "MEDIA_INVALID" });
  });

  test("an address nobody answers is INVALID_ARGUMENT", async () => {
    await expect(openMedia("gopher://example.org/1")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(openMedia("file://other-machine/share")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("an aborted signal is ABORTED", async () => {
    const signal = AbortSignal.abort();
    await expect(openMedia(join(root, "zero.txt"), { signal })).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("further places are asked first", async () => {
    const place: MediaSource = {
      matches: (uri) => uri.startsWith("memory:"),
      stat: async (uri) => ({ uri, size: 2, modified: null, etag: null }),
      open: async () => new Uint8Array([104, 105]),
      async *list() {},
    };
    expect(Buffer.from(await openMedia("memory:1", { sources: [place] })).toString()).toBe("hi");
  });
});

describe("file source", () => {
  test("stat gives size and time", async () => {
    const found = await mediaSource("zero.txt").stat(join(root, "zero.txt"));
    expect(found).toMatchObject({ size: 4, modified: expect.any(Number) });
  });

  test("list walks folders in order, without loops and broken links", async () => {
    const found: string[] = [];
    for await (const { uri } of mediaSource(root).list(root)) found.push(uri);
    expect(found).toEqual([
      join(root, "a", "b", "deep.txt"),
      join(root, "a", "one ü.txt"),
      join(root, "zero.txt"),
    ]);
  });

  test("list of nothing is MEDIA_NOT_FOUND", async () => {
    const listing = mediaSource(root).list(join(root, "missing"))[Symbol.asyncIterator]();
    await expect(listing.next()).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
  });
});

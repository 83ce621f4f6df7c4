/** Model hubs that cannot be trusted: refused by what is wrong, never followed, never waited for. */

import { existsSync, readdirSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type DownloadOptions, downloadFile } from "../../../core/models/download.ts";
import { downloadModel } from "../../../core/models/hub.ts";
import { writeRandomClip } from "../../../tools/make-random-clip.ts";
import { serve } from "../../support/loopback.ts";
import { temporaryFolder } from "../../support/temporary.ts";

describe("a server that means harm", () => {
  /** Downloads one file from a server that answers so; gives the error, and what was left on disk. */
  async function download(answer: RequestListener, options: DownloadOptions = {}) {
    const { endpoint, close } = await serve(answer);
    const folder = temporaryFolder();
    const rest = { retries: 0, ...options };
    const error = await downloadFile(`${endpoint}/file`, join(folder, "file"), "file", rest).catch(
      (reason) => reason,
    );
    await close();
    return { error, left: readdirSync(folder).filter((name) => !name.endsWith(".part")) };
  }

  const endless: RequestListener = (_, response) => {
    const chunk = Buffer.alloc(64 * 1024);
    const more = () => {
      while (response.writable && response.write(chunk));
      response.once("drain", more);
    };
    response.on("error", () => undefined);
    more();
  };

  test.each([
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
    "data:text/plain,x",
    "gopher://127.0.0.1/",
    "http://[",
  ])("that redirects to %s is DOWNLOAD_FAILED", async (location) => {
    const { error, left } = await download((_, response) => response.writeHead(302, { location }).end());
    expect(error).toMatchObject({ code: "DOWNLOAD_FAILED", hint: expect.any(String) });
    expect(left).toEqual([]);
  });

  test("that redirects in circles is DOWNLOAD_FAILED", async () => {
    const { error } = await download((_, response) => response.writeHead(302, { location: "/file" }).end());
    expect(error).toMatchObject({ code: "DOWNLOAD_FAILED", message: expect.stringContaining("redirects") });
  });

  test("that never ends is LIMIT_EXCEEDED at the limit", async () => {
    const { error, left } = await download(endless, { maxBytes: 1_000_000 });
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 1_000_000 } });
    expect(left).toEqual([]);
  });

  test("that announces more than the limit is LIMIT_EXCEEDED before it is read", async () => {
    const { error } = await download(
      (_, response) => response.writeHead(200, { "content-length": 2_000_000 }).write("a"),
      { maxBytes: 1_000_000 },
    );
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  test("that sends more than its linked size is DOWNLOAD_FAILED", async () => {
    const { error, left } = await download((request, response) => {
      if (request.url !== "/file") endless(request, response);
      else response.writeHead(302, { location: "/blob", "x-linked-size": 1_000 }).end();
    });
    expect(error).toMatchObject({ code: "DOWNLOAD_FAILED", message: expect.stringContaining("announced") });
    expect(left).toEqual([]);
  });

  test("that sends less, other bytes, or something packed, leaves nothing behind", async () => {
    const short = await download((_, response) =>
      response.writeHead(200, { "x-linked-size": 9 }).end("1234"),
    );
    expect(short).toMatchObject({ error: { code: "DOWNLOAD_FAILED" }, left: [] });
    const other = await download((_, response) => response.end("other"), { sha256: "0".repeat(64) });
    expect(other).toMatchObject({ error: { code: "CHECKSUM_MISMATCH" }, left: [] });
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    const packed = await download(
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
      { maxBytes: 1_000_000 },
    );
    expect(packed).toMatchObject({ error: { code: "LIMIT_EXCEEDED" }, left: [] });
  });

  test("that has settings of many gigabytes is refused", async () => {
    const { endpoint, close } = await serve((_, response) =>
      response.writeHead(200, { "content-length": 2 ** 33 }).write("{"),
    );
    const cache = temporaryFolder();
    await expect(downloadModel("owner/name", { cache, endpoint, retries: 0 })).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
    });
    await close();
  });

  test.each([
    "[]",
    "null",
    '{"files": null, "absent": 5}',
    '{"files": {"config.json": null}, "absent": []}',
    "{",
  ])("a record of downloads that says %s is begun anew", async (text) => {
    const cache = temporaryFolder();
    const directory = join(cache, "owner--name", "main");
    await writeRandomClip(directory);
    writeFileSync(join(directory, "nearsight-download.json"), text);
    const { endpoint, close } = await serve((_, response) => response.writeHead(404).end());
    const model = await downloadModel("owner/name", { cache, endpoint, retries: 0 });
    expect(model.directory).toBe(directory);
    await close();
  });

  test.each(["../x", "a/..", "a/b/c", "/a/b", "a/b\n", "a\\b/c", ".a/b", "a/b?x", "a/%2e%2e"])(
    "%j is no repository, and %j no revision",
    async (name) => {
      const cache = temporaryFolder();
      const place = { cache, endpoint: "http://127.0.0.1:9", retries: 0 };
      const refused = { code: "INVALID_ARGUMENT" };
      await expect(downloadModel(name, place)).rejects.toMatchObject(refused);
      await expect(downloadModel("owner/name", { ...place, revision: name })).rejects.toMatchObject(refused);
      expect(readdirSync(cache)).toEqual([]);
      expect(existsSync(join(cache, "..", "x"))).toBe(false);
    },
  );
});

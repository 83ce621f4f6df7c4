/** Media in buckets: any key, listings of several pages, sizes before bytes, and what goes wrong by its code. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readConfig } from "../../../core/config.ts";
import { folderAddress, imagesBelow } from "../../../core/media/below.ts";
import { mediaHash } from "../../../core/media/hash.ts";
import { mediaVersion, openMedium } from "../../../core/media/medium.ts";
import { decodeS3Key, parseS3Address } from "../../../core/media/s3/address.ts";
import { type S3Source, s3Source } from "../../../core/media/s3/s3-source.ts";
import { readMedia } from "../../../core/media/source.ts";
import { type BucketServer, encodeKey, settingsOf, startBucketServer } from "../../support/bucket-server.ts";
import { temporaryFolder } from "../../support/temporary.ts";

/** Keys that are easily got wrong. */
const ODD_KEYS = [
  ...[
    "a b.png",
    "a+b.png",
    "a%20b.png",
    "a?b#c.png",
    "größe/日本 🐈.png",
    "a//b.png",
    "./x/../y.png",
    "a\\b.png",
  ],
  ...["'\"&<>.png", "tab\tand\u0001.png", "~!*'().png", "/leading.png", "e\u0301.png", "\u00e9.png"],
];

let server: BucketServer;
let source: S3Source;

beforeAll(async () => {
  server = await startBucketServer("photos", 3);
  source = s3Source(settingsOf(server));
});
afterAll(async () => {
  await source.close();
  await server.close();
});
beforeEach(() => {
  for (const key of server.keys()) server.delete(key);
  server.requests.length = 0;
});

describe("objects", () => {
  test.each(ODD_KEYS)("are found by the key %j, by stat, open and list", async (key) => {
    server.put(key, "content");
    const uri = `s3://photos/${key}`;
    expect(await source.stat(uri)).toMatchObject({ uri, size: 7 });
    expect(Buffer.from(await source.open(uri)).toString()).toBe("content");
    expect((await Array.fromAsync(source.list("s3://photos/"))).map((one) => one.uri)).toEqual([uri]);
  });

  test("have size, time and etag, and a version that follows the etag", async () => {
    server.put("cat.png", "one");
    const { bytes, stat } = await readMedia("s3://photos/cat.png", { sources: [source] });
    expect(stat).toEqual({
      uri: "s3://photos/cat.png",
      size: 3,
      modified: expect.any(Number),
      etag: '"f97c5d29941bfb1b2fdab0874906ab82"',
    });
    expect(Buffer.from(bytes).toString()).toBe("one");
    const options = { sources: [source] };
    const { version } = await openMedium("s3://photos/cat.png", options);
    server.requests.length = 0;
    expect(await mediaVersion("s3://photos/cat.png", version, options)).toBe(version);
    expect(server.requests).toEqual(["HEAD /photos/cat.png"]);
    server.put("cat.png", "two");
    expect(await mediaVersion("s3://photos/cat.png", version, options)).not.toBe(version);
  });

  test("are hashed in pieces", async () => {
    server.put("cat.png", new Uint8Array(300_000));
    expect(await mediaHash("s3://photos/cat.png", { sources: [source] })).toBe(
      await mediaHash(`data:;base64,${Buffer.alloc(300_000).toString("base64")}`),
    );
  });

  test("larger than allowed are refused before their bytes are read", async () => {
    server.put("large.png", new Uint8Array(5_000_000));
    const opening = source.open("s3://photos/large.png", { limits: { maxBytes: 1_000 } });
    await expect(opening).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", details: { found: 5_000_000 } });
    server.put("small.png", "x");
    expect((await source.open("s3://photos/small.png")).byteLength).toBe(1);
  });

  test("get links for who has no credentials", async () => {
    server.put("a b.png", "content");
    const url = await source.url("s3://photos/a b.png", 60);
    expect(new URL(url).searchParams.get("X-Amz-Expires")).toBe("60");
    expect(await (await fetch(url)).text()).toBe("content");
    await expect(source.url("s3://photos/a b.png", 604_801)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("listings", () => {
  test("go through all pages in the order of the keys' bytes", async () => {
    const keys = ["b/1.png", "a.png", "a/2.png", "a/1.png", "c.png", "\u{1f408}.png", "\uff5e.png", "d.png"];
    for (const key of keys) server.put(key, "x");
    const listed = (await Array.fromAsync(source.list("s3://photos/"))).map(
      (one) => parseS3Address(one.uri).key,
    );
    expect(listed).toEqual([
      "a.png",
      "a/1.png",
      "a/2.png",
      "b/1.png",
      "c.png",
      "d.png",
      "\uff5e.png",
      "\u{1f408}.png",
    ]);
    expect(server.requests).toHaveLength(3);
  });

  test("of pictures below a folder leave out others, hidden ones and folders with longer names", async () => {
    const keys = [
      "pets/cat.PNG",
      "pets/.nearsight/thumb.png",
      "pets/note.txt",
      "pets/",
      "pets2/dog.png",
      "x.png",
    ];
    for (const key of keys) server.put(key, "x");
    const options = { sources: [source] };
    for (const address of ["s3://photos/pets", "s3://photos/pets/"]) {
      const found = await Array.fromAsync(imagesBelow(folderAddress(address), options));
      expect(found.map(({ uri }) => uri)).toEqual(["s3://photos/pets/cat.PNG"]);
    }
    expect(await Array.fromAsync(imagesBelow(folderAddress("s3://photos"), options))).toHaveLength(3);
  });
});

describe("what goes wrong", () => {
  test.each([
    ["a missing object", "s3://photos/nothing.png", "MEDIA_NOT_FOUND"],
    ["a missing bucket", "s3://nobody/nothing.png", "INVALID_ARGUMENT"],
    ["a bucket for an object", "s3://photos", "INVALID_ARGUMENT"],
    ["no bucket at all", "s3:///key.png", "INVALID_ARGUMENT"],
  ])("%s is told by its code", async (_, uri, code) => {
    await expect(source.stat(uri)).rejects.toMatchObject({ code });
    await expect(source.open(uri)).rejects.toMatchObject({ code });
  });

  test("a missing bucket cannot be listed", async () => {
    await expect(Array.fromAsync(source.list("s3://nobody/"))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test.each([
    [403, "AccessDenied", "PERMISSION_DENIED"],
    [403, "SignatureDoesNotMatch", "AUTHENTICATION_FAILED"],
    [503, "SlowDown", "BACKEND_UNAVAILABLE"],
    [501, "NotImplemented", "BACKEND_FAILED"],
    [400, "Strange", "BACKEND_FAILED"],
  ])("status %i %s is %s", async (status, code, ours) => {
    server.put("cat.png", "x");
    Object.assign(server.fault, { status, code, times: 20 });
    try {
      await expect(source.open("s3://photos/cat.png")).rejects.toMatchObject({ code: ours });
    } finally {
      server.fault.times = 0;
    }
  });

  test("nobody at the endpoint is BACKEND_UNAVAILABLE", async () => {
    const gone = await startBucketServer();
    await gone.close();
    const unreachable = s3Source(settingsOf(gone));
    await expect(unreachable.stat("s3://photos/cat.png")).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
    });
    await unreachable.close();
  });

  test("a signal that has fired is ABORTED", async () => {
    server.put("cat.png", "x");
    const signal = AbortSignal.abort();
    await expect(source.stat("s3://photos/cat.png", { signal })).rejects.toMatchObject({ code: "ABORTED" });
    await expect(Array.fromAsync(source.list("s3://photos/", { signal }))).rejects.toMatchObject({
      code: "ABORTED",
    });
  });

  test("certificates that cannot be read are CONFIG_INVALID", async () => {
    const caCerts = join(temporaryFolder(), "nothing.pem");
    const misled = s3Source({ ...settingsOf(server), caCerts });
    await expect(misled.stat("s3://photos/cat.png")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

test("keys as events have them are decoded, whatever they are", () => {
  for (const key of ODD_KEYS) expect(decodeS3Key(encodeKey(key))).toBe(key);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (key) => {
      expect(decodeS3Key(encodeKey(key))).toBe(key);
    }),
  );
  expect(() => decodeS3Key("100%")).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
});

test("settings come from AWS's variables, and secrets are not shown", () => {
  const home = temporaryFolder();
  writeFileSync(join(home, "ca.pem"), "");
  const environment = {
    HOME: home,
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9000",
    AWS_REGION: "eu-central-1",
    AWS_CA_BUNDLE: join(home, "ca.pem"),
    NEARSIGHT_S3_PATH_STYLE: "no",
  };
  const config = readConfig({ s3: { accessKeyId: "id", secretAccessKey: "hush" } }, environment);
  expect(config.s3).toEqual({
    endpoint: "http://127.0.0.1:9000",
    region: "eu-central-1",
    pathStyle: false,
    caCerts: join(home, "ca.pem"),
    accessKeyId: "id",
    secretAccessKey: "hush",
  });
  expect(JSON.stringify(config.rows())).not.toContain("hush");
  const invalid = { ...environment, NEARSIGHT_S3_PATH_STYLE: "maybe" };
  expect(() => readConfig({}, invalid)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
});

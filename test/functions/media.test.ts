/** Pictures over HTTP: by key, by signed link, in parts, smaller; and no file that is not meant. */

import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { decodeImage } from "../../core/media/image.ts";
import { s3Links } from "../../functions/media/s3.ts";
import { signedUrls } from "../../functions/media/signed-urls.ts";
import { encodePicture, noisePicture } from "../support/pictures.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { temporaryApi } from "./helpers.ts";

const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';

let api: Awaited<ReturnType<typeof temporaryApi>>;
let folder: string;
let picture: Buffer;
/** Ids of samples by the names of their files. */
let ids: Record<string, string>;

beforeAll(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder, "photos"));
  picture = Buffer.from(await encodePicture(noisePicture(300, 200, 1), "png"));
  const files = {
    "cat.png": picture,
    "page.html": "<script>alert(1)</script>",
    "picture.svg": SVG,
    "empty.png": "",
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, "photos", name), content);
  writeFileSync(join(folder, "secret.png"), picture);
  symlinkSync(join(folder, "secret.png"), join(folder, "photos/link.png"));
  const uris = {
    ...Object.fromEntries(Object.keys(files).map((name) => [name, join(folder, "photos", name)])),
    ...{
      secret: join(folder, "secret.png"),
      link: join(folder, "photos/link.png"),
      gone: join(folder, "photos/no"),
    },
    ...{
      web: "https://images.example.org/a.jpg",
      bucket: "s3://bucket/photos/a b.jpg",
      other: "s3://other/a.jpg",
    },
    ...{ proc: "/proc/self/environ", folder: join(folder, "photos"), data: "data:image/png;base64,AAAA" },
  };
  const client = new S3Client({
    region: "eu-central-1",
    credentials: { accessKeyId: "AK", secretAccessKey: "canary" },
  });
  api = await temporaryApi(
    {},
    {
      allow: { media: [join(folder, "photos"), "https://images.example.org", "s3://bucket/photos/"] },
      objects: s3Links(client),
      secret: "s".repeat(32),
    },
  );
  // As the owner of the service would: by the library, which takes any path.
  const dataset = await api.nearsight.createDataset("my pets");
  const added = await dataset.addSamples(Object.values(uris).map((filepath) => ({ filepath })));
  ids = Object.fromEntries(Object.keys(uris).map((name, i) => [name, added[i] ?? ""]));
});

const path = (name: string) => `/datasets/my%20pets/samples/${ids[name]}/media`;

/** By key. */
const get = (name: string, headers: Record<string, string> = {}, query = "", method = "GET") =>
  api.app.request(`${path(name)}${query}`, {
    method,
    headers: { authorization: `Bearer ${api.keys.read.key}`, ...headers },
  });

const linksOf = async (body: object) =>
  (await api.call("POST", "/datasets/my%20pets/media", { body, scope: "read" })).body;

async function linkOf(name: string, more: object = {}): Promise<string> {
  return (await linksOf({ ids: [ids[name]], ...more })).links[0].url;
}

describe("a file", () => {
  test("is given with headers that let it be shown and nothing else", async () => {
    const response = await get("cat.png");
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(picture);
    const { headers } = response;
    expect(headers.get("content-type")).toBe("image/png");
    expect(headers.get("content-length")).toBe(String(picture.length));
    expect(headers.get("content-disposition")).toBe("inline");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("sandbox");
    expect(headers.get("cross-origin-resource-policy")).toBe("cross-origin");
  });

  test.each(["page.html", "picture.svg", "empty.png"])(
    "that is no picture is to be saved, not shown: %s",
    async (name) => {
      const { status, headers } = await get(name);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe("application/octet-stream");
      expect(headers.get("content-disposition")).toBe("attachment");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    },
  );

  test("is given in the parts asked for", async () => {
    const size = picture.length;
    const range = fc
      .tuple(fc.nat(size + 10), fc.nat(size + 10))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    await fc.assert(
      fc.asyncProperty(range, async ([from, to]) => {
        const response = await get("cat.png", { range: `bytes=${from}-${to}` });
        const expected = picture.subarray(from, to + 1);
        if (expected.length === 0) {
          expect(response.status).toBe(416);
          return;
        }
        expect(response.status).toBe(expected.length === size ? 200 : 206);
        expect(Buffer.from(await response.arrayBuffer())).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ["bytes=-5", 206, 5],
    ["bytes=5-", 206, -5],
    ["bytes=0-0,5-6", 200, 0],
    ["bytes=-", 200, 0],
    ["lines=1-2", 200, 0],
    ["bytes=-0", 416, 0],
    ["bytes=9999999-", 416, 0],
    ["bytes=5-1", 416, 0],
  ])("asked for by %s is answered %i", async (range, status, length) => {
    const response = await get("cat.png", { range });
    expect(response.status).toBe(status);
    const bytes = (await response.arrayBuffer()).byteLength;
    if (status !== 416) expect(bytes).toBe(length > 0 ? length : picture.length + length);
  });

  test("is not sent again to those who have it, and its length is told without it", async () => {
    const { headers } = await get("cat.png");
    const etag = headers.get("etag") ?? "";
    expect((await get("cat.png", { "if-none-match": etag })).status).toBe(304);
    expect((await get("cat.png", { range: "bytes=0-1", "if-range": etag })).status).toBe(206);
    expect((await get("cat.png", { range: "bytes=0-1", "if-range": '"old"' })).status).toBe(200);
    const head = await get("cat.png", {}, "", "HEAD");
    expect([head.headers.get("content-length"), await head.text()]).toEqual([String(picture.length), ""]);
  });

  test("is made smaller, in few sizes", async () => {
    const response = await get("cat.png", {}, "?size=128");
    expect(response.headers.get("content-type")).toBe("image/webp");
    expect(await decodeImage(new Uint8Array(await response.arrayBuffer()))).toMatchObject({
      width: 128,
      height: 85,
    });
    for (const query of ["?size=127", "?size=100000", "?size=x", "?path=/etc/passwd"]) {
      expect((await get("cat.png", {}, query)).status).toBe(400);
    }
    expect((await get("page.html", {}, "?size=128")).status).toBe(422);
  });

  test.each(["secret", "link", "proc", "folder", "other", "data"])(
    "is not given where it lies below no root: %s",
    async (name) => {
      const response = await get(name);
      expect(await response.json()).toMatchObject({ code: "NOT_ALLOWED", status: 403 });
    },
  );

  test("that is gone, of a sample that is not there, or without a key, is none", async () => {
    expect((await get("gone")).status).toBe(404);
    expect((await get("unknown")).status).toBe(404);
    expect((await api.app.request(path("cat.png"))).status).toBe(401);
    for (const id of ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "a%00b"]) {
      const url = `/datasets/my%20pets/samples/${id}/media`;
      expect([401, 404]).toContain((await api.call("GET", url, { scope: "read" })).status);
    }
  });
});

describe("a link", () => {
  test("works without a key, for its own file and size", async () => {
    const response = await api.app.request(await linkOf("cat.png"));
    expect(Buffer.from(await response.arrayBuffer())).toEqual(picture);
    const small = await api.app.request(await linkOf("cat.png", { size: 128 }));
    expect(small.headers.get("content-type")).toBe("image/webp");
    expect((await api.app.request(await linkOf("cat.png"), { method: "HEAD" })).status).toBe(200);
  });

  test("of files elsewhere is an address that shows them, or none", async () => {
    const { links, expires } = await linksOf({ ids: Object.values(ids), expiresIn: 60 });
    const urls = Object.fromEntries(links.map(({ id, url }: { id: string; url: string }) => [id, url]));
    const named = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, urls[id]]));
    expect(named).toMatchObject({
      ...{ web: "https://images.example.org/a.jpg", data: "data:image/png;base64,AAAA" },
      ...{ secret: null, link: null, proc: null, other: null, folder: null },
    });
    const object = new URL(named["bucket"] ?? "");
    expect(object.pathname).toMatch(/photos\/a%20b\.jpg$/);
    expect(object.searchParams.get("X-Amz-Expires")).toBe("60");
    expect(JSON.stringify(links)).not.toContain("canary");
    expect(Date.parse(expires)).toBeGreaterThan(Date.now());
    const redirected = await get("bucket");
    expect([redirected.status, new URL(redirected.headers.get("location") ?? "").host]).toEqual([
      302,
      object.host,
    ]);
  });

  test("that was changed in any way is refused", async () => {
    const link = await linkOf("cat.png", { size: 128 });
    const other = path("page.html");
    const changed = [
      ...[link.replace("size=128", "size=256"), link.replace("size=128&", ""), `${link}&size=256`],
      ...[link.replace(/expires=(\d)/, "expires=9$1"), link.replace(path("cat.png"), other), `${link}x`],
      link.replace(/signature=.+$/, "signature="),
    ];
    for (const url of changed) {
      const response = await api.app.request(url);
      expect({ url, ...((await response.json()) as object) }).toMatchObject({
        url,
        code: "LINK_INVALID",
        status: 403,
      });
    }
    for (const method of ["POST", "DELETE", "PUT"]) {
      expect((await api.app.request(link, { method })).status).toBe(403);
    }
  });

  test("has an end, and is worth nothing at another service", async () => {
    const start = Date.parse("2030-01-01T00:00:00Z");
    let now = start;
    const urls = signedUrls("s".repeat(32), () => now);
    const { url, expires } = urls.sign("GET", "/datasets/a/samples/b/media", {}, 60);
    const asked = new Request(`http://api${url}`);
    expect(expires).toBe("2030-01-01T00:01:00.000Z");
    now = start + 60_000;
    expect(await urls.authenticate(asked, {})).toMatchObject({ scope: "read" });
    now = start + 60_001;
    await expect(urls.authenticate(asked, {})).rejects.toMatchObject({ code: "LINK_INVALID" });
    const foreign = signedUrls("t".repeat(32), () => start);
    await expect(foreign.authenticate(asked, {})).rejects.toMatchObject({ code: "LINK_INVALID" });
  });

  test("is given for a day at most, and only to those who may read", async () => {
    for (const expiresIn of [0, 86_401, 1.5, -1]) {
      const body = { ids: [ids["cat.png"]], expiresIn };
      expect((await api.call("POST", "/datasets/my%20pets/media", { body })).status).toBe(400);
    }
    expect(
      (await api.call("POST", "/datasets/my%20pets/media", { body: { ids: ["x"] }, scope: null })).status,
    ).toBe(401);
  });

  test("does not outlive its file's way out of the roots", async () => {
    const file = join(folder, "photos/moves.png");
    writeFileSync(file, picture);
    const [id = ""] = await (await api.nearsight.loadDataset("my pets")).addSamples([{ filepath: file }]);
    const { url } = (await linksOf({ ids: [id] })).links[0];
    rmSync(file);
    symlinkSync(join(folder, "secret.png"), file);
    expect((await api.app.request(url)).status).toBe(403);
    expect(readFileSync(file)).toEqual(picture);
  });
});

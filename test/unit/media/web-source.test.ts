/** Media at https addresses, from a real server with TLS, and every way out of the list. */

import type { RequestListener } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { mediaRoots } from "../../../core/media/media-roots.ts";
import { type WebSourceOptions, webSource } from "../../../core/media/web-source.ts";
import { type HttpsServer, serveHttps } from "../../support/https-server.ts";

const LOOPBACK = { address: "127.0.0.1", family: 4 };
const PICTURE = Buffer.from("a picture");

let server: HttpsServer;
let origin: string;
let answer: RequestListener;
let asked: string[];

beforeAll(async () => {
  server = await serveHttps((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  origin = server.origin;
});
afterAll(() => server.close());
beforeEach(() => {
  asked = [];
  answer = (_, response) => response.setHeader("etag", '"1"').end(PICTURE);
});

/** A source that may read from the server, or from what is given. */
function source({ list = [origin], ...more }: Partial<WebSourceOptions> & { list?: string[] } = {}) {
  return webSource({ roots: mediaRoots(list), ...server.reach, ...more });
}

const refusedWith = (code: string) => expect.objectContaining({ code });

describe("a medium on the web", () => {
  test("is read with what is known of it", async () => {
    expect(await source().read?.(`${origin}/cat.jpg`)).toEqual({
      bytes: PICTURE,
      stat: { uri: `${origin}/cat.jpg`, size: PICTURE.length, modified: null, etag: '"1"' },
    });
    expect((await source().stat(`${origin}/cat.jpg`)).etag).toBe('"1"');
    expect(asked).toEqual(["GET /cat.jpg", "HEAD /cat.jpg"]);
  });

  test("is followed to another address of the list", async () => {
    answer = ({ url }, response) =>
      url === "/old" ? response.writeHead(302, { location: "/new" }).end() : response.end(PICTURE);
    expect(await source().open(`${origin}/old`)).toEqual(PICTURE);
  });

  test.each([
    [404, "MEDIA_NOT_FOUND"],
    [410, "MEDIA_NOT_FOUND"],
    [403, "DOWNLOAD_FAILED"],
    [500, "DOWNLOAD_FAILED"],
    [206, "DOWNLOAD_FAILED"],
  ])("answered with %i is %s", async (status, code) => {
    answer = (_, response) => response.writeHead(status).end();
    await expect(source().open(`${origin}/cat.jpg`)).rejects.toEqual(refusedWith(code));
  });
});

describe("limits", () => {
  test("more bytes than allowed are not read, announced or not", async () => {
    answer = (_, response) => response.writeHead(200, { "content-length": 1e9 }).write("x");
    await expect(source().open(`${origin}/large`)).rejects.toEqual(refusedWith("LIMIT_EXCEEDED"));
    answer = (_, response) => {
      const more = () => response.write(Buffer.alloc(65_536)) && setImmediate(more);
      response.on("drain", more);
      more();
    };
    await expect(source({ maxBytes: 1e6 }).open(`${origin}/endless`)).rejects.toEqual(
      refusedWith("LIMIT_EXCEEDED"),
    );
    const limits = { limits: { maxBytes: 3 } };
    answer = (_, response) => response.end(PICTURE);
    await expect(source().open(`${origin}/cat.jpg`, limits)).rejects.toEqual(refusedWith("LIMIT_EXCEEDED"));
  });

  test("an answer that does not end is given up, and one that is compressed refused", async () => {
    answer = (_, response) => response.write("x");
    await expect(source({ timeoutMs: 300 }).open(`${origin}/slow`)).rejects.toEqual(
      refusedWith("DOWNLOAD_FAILED"),
    );
    answer = (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("bomb");
    await expect(source().open(`${origin}/bomb`)).rejects.toEqual(refusedWith("DOWNLOAD_FAILED"));
  });

  test("the caller's signal ends it", async () => {
    const stop = new AbortController();
    answer = () => stop.abort();
    await expect(source().open(`${origin}/x`, { signal: stop.signal })).rejects.toEqual(
      refusedWith("ABORTED"),
    );
  });
});

describe("the way into a network", () => {
  test.each([
    [[LOOPBACK]],
    [[{ address: "169.254.169.254", family: 4 }]],
    [[{ address: "::1", family: 6 }]],
    [[{ address: "::ffff:127.0.0.1", family: 6 }]],
    [[{ address: "8.8.8.8", family: 4 }, LOOPBACK]],
    [[{ address: "fe80::1%lo", family: 6 }]],
    [[{ address: "no address", family: 4 }]],
    [[]],
  ])("is closed for a host at %j", async (addresses) => {
    const closed = source({ networks: [], resolveHost: async () => addresses });
    await expect(closed.open(`${origin}/cat.jpg`)).rejects.toEqual(refusedWith("NOT_ALLOWED"));
    expect(asked).toEqual([]);
  });

  test.each([
    ...[
      "127.0.0.1",
      "2130706433",
      "0x7f.1",
      "0177.0.0.1",
      "127.1",
      "[::1]",
      "[::ffff:7f00:1]",
      "169.254.169.254",
    ],
  ])("is closed for %s, also where the list has it", async (host) => {
    const address = `https://${host}:${new URL(origin).port}`;
    const closed = source({ list: [address], networks: [] });
    await expect(closed.open(`${address}/cat.jpg`)).rejects.toEqual(refusedWith("NOT_ALLOWED"));
    expect(asked).toEqual([]);
  });

  test("stays closed where a name gets another address after it was checked", async () => {
    const answers = [[LOOPBACK], [{ address: "10.0.0.1", family: 4 }]];
    let times = 0;
    const pinned = source({ resolveHost: async () => answers[times++] ?? [] });
    expect(await pinned.open(`${origin}/cat.jpg`)).toEqual(PICTURE);
    expect(times).toBe(1);
  });

  test.each([
    ...["http://localhost/", "https://169.254.169.254/", "https://evil.example.org/", "file:///etc/passwd"],
    ...["//127.0.0.1/", "https://user@localhost/", "data:image/png;base64,AAAA"],
  ])("is closed behind a redirect to %s", async (location) => {
    answer = (_, response) => response.writeHead(302, { location }).end();
    await expect(source().open(`${origin}/old`)).rejects.toEqual(refusedWith("NOT_ALLOWED"));
    expect(asked).toEqual(["GET /old"]);
  });

  test("redirects have an end", async () => {
    answer = (_, response) => response.writeHead(302, { location: "/again" }).end();
    await expect(source().open(`${origin}/again`)).rejects.toEqual(refusedWith("DOWNLOAD_FAILED"));
    expect(asked).toHaveLength(4);
  });

  test("no message tells the query of an address, which may hold a signature", async () => {
    answer = (_, response) => response.writeHead(500).end();
    const error = await source()
      .open(`${origin}/a?X-Signature=canary`)
      .then(String, (found) => JSON.stringify(found));
    expect(error).not.toContain("canary");
  });
});

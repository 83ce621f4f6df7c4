/** Connecting: to a server, to what is none, with a wrong key, through a gateway that fails now and then. */

import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connect } from "../../client/index.ts";
import { isNearsightError, type Nearsight, VERSION } from "../../core/index.ts";
import { type Gateway, type HttpServer, serveNearsight } from "../support/http-server.ts";
import { temporaryNearsight } from "../support/temporary.ts";

const PASS: Gateway = async () => null;
const SECRET = "ns_canary-8d1f-secret";

let opened: Nearsight;
let server: HttpServer;
let ns: Nearsight;
let gateway: Gateway;

beforeAll(async () => {
  opened = await temporaryNearsight();
  server = await serveNearsight(opened, (request) => gateway(request));
  gateway = PASS;
  ns = await connect(server.url, { apiKey: server.keys.manage });
});
beforeEach(() => {
  gateway = PASS;
});
afterAll(async () => {
  await ns.close();
  await server.close();
});

/** Lets the first requests fail, and counts those that came. */
function failing(times: number, answer: () => Response | Promise<Response>) {
  const seen: string[] = [];
  gateway = async ({ method, url }) => {
    seen.push(`${method} ${new URL(url).pathname}`);
    return seen.length <= times ? answer() : null;
  };
  return seen;
}

/** A gateway that is busy. */
const busy = () => new Response("busy", { status: 503, headers: { "retry-after": "0" } });

describe("connect", () => {
  test("tells of the server what it may", async () => {
    expect(ns.listZooDatasets()).toEqual(opened.listZooDatasets());
    expect(ns.listZooModels()).toEqual(opened.listZooModels());
    expect(ns.config.defaultSimilarityBackend).toBe("local");
    expect(ns.config.rows()).toContainEqual(
      expect.objectContaining({ name: "serverVersion", value: VERSION }),
    );
    expect(() => ns.config.home).toThrowError(expect.objectContaining({ code: "REMOTE_UNSUPPORTED" }));
  });

  test.each([["localhost:8787"], ["ftp://example.org"], [""], ["http://user:word@127.0.0.1:9"], [null]])(
    "%j is no address",
    async (url) => {
      await expect(connect(url as string)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    },
  );

  test.each([
    ["a page", () => new Response("<html></html>"), /something else than JSON/],
    ["other JSON", () => Response.json({ service: "elsewhere" }), /JSON of another kind/],
    ["not found", () => new Response("no", { status: 404 }), /404/],
    ["elsewhere", () => Response.redirect("http://127.0.0.1:9/"), /302/],
    ["an older server", () => problem("ROUTE_NOT_FOUND", 404), /older than this client/],
    ["a newer server's error", () => problem("BRAND_NEW", 418), /^It failed$/],
  ])("what answers with %s is told in one line", async (_, answer, message) => {
    failing(9, answer);
    await expect(connect(server.url)).rejects.toMatchObject({
      code: "SERVER_INVALID",
      message: expect.stringMatching(message),
    });
  });

  test("a gateway without a server is one that is away", async () => {
    failing(9, () => new Response("", { status: 502 }));
    await expect(connect(server.url)).rejects.toMatchObject({ code: "SERVER_UNREACHABLE", message: /502/ });
  });

  test("a server that is away is an error that may pass", async () => {
    const refused = connect("http://127.0.0.1:9", { apiKey: SECRET });
    await expect(refused).rejects.toMatchObject({ code: "SERVER_UNREACHABLE", retryable: true });
  });

  test("a request that takes too long ends", async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    failing(1, () => promise);
    const slow = connect(server.url, { apiKey: server.keys.read, timeout: 50 });
    await expect(slow).rejects.toMatchObject({ code: "SERVER_UNREACHABLE", message: /in time/ });
    resolve(busy());
  });

  test("a wrong key is refused by the server, and is in nothing that can be printed", async () => {
    const errors = await Promise.all([
      connect(server.url, { apiKey: SECRET }).catch((error: unknown) => error),
      connect("http://127.0.0.1:9", { apiKey: SECRET }).catch((error: unknown) => error),
    ]);
    expect(errors.map((error) => isNearsightError(error) && error.code)).toEqual([
      "API_KEY_INVALID",
      "SERVER_UNREACHABLE",
    ]);
    const known = await ns.createDataset("printed");
    const printed = [...errors, ns, known, await known.limit(1).explain()].map(
      (one) => inspect(one, { depth: 20, showHidden: true }) + JSON.stringify(one),
    );
    expect(printed.join()).not.toContain(SECRET);
    expect(printed.join()).not.toContain(server.keys.manage);
  });

  test("what was closed says so", async () => {
    const other = await connect(server.url, { apiKey: server.keys.read });
    await other.close();
    await expect(other.listDatasets()).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("requests", () => {
  test("that only read are sent again while a gateway is busy", async () => {
    const seen = failing(2, busy);
    const dataset = await ns.loadDataset("none").catch((error: { code: string }) => error.code);
    expect(dataset).toBe("DATASET_NOT_FOUND");
    expect(seen.slice(0, 3)).toEqual(Array(3).fill("GET /datasets/none"));
  });

  test("that make something are sent once", async () => {
    const seen = failing(1, busy);
    await expect(ns.createDataset("once")).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
    expect(seen).toEqual(["POST /datasets"]);
    expect(await opened.datasetExists("once")).toBe(false);
  });

  test("reach what has a name of odd characters", async () => {
    const name = "a/b c%2F?#&é\u{1F600}";
    const dataset = await ns.createDataset(name);
    await dataset.addSamples([{ filepath: "https://example.org/a.jpg", id: ".." }]);
    await dataset.saveView(name, dataset.limit(1));
    await dataset.computeSimilarity({ brainKey: name, embeddings: [[1, 2]] });
    expect((await dataset.sample("..")).filepath).toBe("https://example.org/a.jpg");
    expect(await (await dataset.loadView(name)).count()).toBe(1);
    expect(await (await dataset.loadBrainResults(name)).totalIndexSize()).toBe(1);
    expect(await opened.listDatasets()).toContain(name);
    await ns.deleteDataset(name);
    await expect(dataset.count()).rejects.toMatchObject({ code: "DATASET_NOT_FOUND" });
  });

  test("cannot name what would be another address", async () => {
    await expect(ns.loadDataset("..")).rejects.toMatchObject({ code: "REMOTE_UNSUPPORTED" });
  });
});

/** A problem document, as the API answers. */
function problem(code: string, status: number): Response {
  const body = JSON.stringify({ code, detail: "It failed" });
  return new Response(body, { status, headers: { "content-type": "application/problem+json" } });
}

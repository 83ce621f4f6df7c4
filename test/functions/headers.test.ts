/** Which pages may read answers, what a browser may do with them, and ids by which requests are found again. */

import { beforeAll, describe, expect, test } from "vitest";
import { temporaryApi } from "./helpers.ts";

const APP = "https://app.example.org";

let api: Awaited<ReturnType<typeof temporaryApi>>;
beforeAll(async () => {
  api = await temporaryApi({}, { origins: [APP] });
});

const ask = (headers: Record<string, string>, method = "GET", path = "/datasets") =>
  api.app.request(path, { method, headers });

describe("a page", () => {
  test("of the list may read answers and errors, without credentials of the browser", async () => {
    for (const authorization of [`Bearer ${api.keys.read.key}`, "Bearer ns_wrong"]) {
      const { headers } = await ask({ origin: APP, authorization });
      expect(headers.get("access-control-allow-origin")).toBe(APP);
      expect(headers.get("access-control-allow-credentials")).toBeNull();
      expect(headers.get("access-control-expose-headers")).toContain("retry-after");
      expect(headers.get("vary")?.toLowerCase()).toContain("origin");
    }
  });

  test("asks first, and is answered without a key", async () => {
    const asking = { origin: APP, "access-control-request-method": "DELETE" };
    const response = await ask({ ...asking, "access-control-request-headers": "authorization" }, "OPTIONS");
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe(APP);
    expect(response.headers.get("access-control-allow-methods")).toContain("DELETE");
    expect(response.headers.get("access-control-allow-headers")).toContain("authorization");
    expect(response.headers.get("access-control-max-age")).toBe("600");
  });

  test.each([
    ...["https://evil.example.org", "http://app.example.org", "https://app.example.org.evil.org", "null"],
    ...["https://app.example.org:8443", "HTTPS://APP.EXAMPLE.ORG"],
  ])("of %s may not", async (origin) => {
    for (const method of ["GET", "OPTIONS"]) {
      const { headers } = await ask({ origin, authorization: `Bearer ${api.keys.read.key}` }, method);
      expect(headers.get("access-control-allow-origin")).toBeNull();
      expect(headers.get("vary")?.toLowerCase()).toContain("origin");
    }
  });

  test("of nowhere may, where there is no list", async () => {
    const { app } = await temporaryApi();
    const { status, headers } = await app.request("/datasets", {
      method: "OPTIONS",
      headers: { origin: APP },
    });
    expect({ status, origin: headers.get("access-control-allow-origin") }).toEqual({
      status: 401,
      origin: null,
    });
  });
});

test.each(["/health", "/docs", "/datasets", "/nothing"])(
  "%s tells browsers to guess, frame and load nothing",
  async (path) => {
    const { headers } = await ask({}, "GET", path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("x-powered-by")).toBeNull();
  },
);

describe("the id of a request", () => {
  test("is the caller's, where it is one", async () => {
    expect((await ask({ "x-request-id": "trace-7" })).headers.get("x-request-id")).toBe("trace-7");
  });

  test.each([undefined, "a b", "x".repeat(300), "<script>"])("is a new one in place of %j", async (given) => {
    const { headers } = await ask(given === undefined ? {} : { "x-request-id": given });
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

/** The API from a registered picture to its neighbours, and who may call what. */

import { beforeAll, describe, expect, test } from "vitest";
import { PUBLIC_PATHS } from "../../functions/auth/require.ts";
import { temporaryApi } from "./helpers.ts";

type Api = Awaited<ReturnType<typeof temporaryApi>>;

let api: Api;
beforeAll(async () => {
  api = await temporaryApi({}, { allow: { media: ["https://example.org"] } });
  const dataset = await api.nearsight.loadZooDataset("emoji", { maxSamples: 40 });
  await dataset.computeSimilarity({ brainKey: "images" });
});

describe("search", () => {
  test("gives the library's own hits, their facts and rows", async () => {
    const dataset = await api.nearsight.loadDataset("emoji");
    const { id } = await dataset.first();
    const expected = await dataset.sortBySimilarity({ id }, { k: 5 }).hits();
    const { status, body } = await api.call("POST", "/datasets/emoji/search", {
      body: { query: { id }, k: 5, rows: true },
      scope: "read",
    });
    expect(status).toBe(200);
    expect(body.hits).toEqual(expected);
    expect(body.facts).toEqual({ exact: true, indexed: 40, missing: 0, stale: 0 });
    expect(body.rows.map((row: { id: string }) => row.id)).toEqual(expected.map((hit) => hit.id));
    expect(body.rows[0]).toMatchObject({ id, mediaType: "image", fields: expect.any(Object) });
  });

  test("by prompt within an inline view and a saved one", async () => {
    const dataset = await api.nearsight.loadDataset("emoji");
    const view = dataset.limit(10);
    await dataset.saveView("first ten", view);
    const expected = await view.sortBySimilarity({ prompt: "a cat" }, { k: 3 }).hits();
    for (const where of [view.toJSON(), { saved: "first ten" }]) {
      const body = { query: { prompt: "a cat" }, k: 3, view: where };
      expect((await api.call("POST", "/datasets/emoji/search", { body })).body.hits).toEqual(expected);
    }
  });

  test.each([
    [{ query: { id: "none" } }, "ID_NOT_FOUND", 404],
    [{ query: { bare: "a cat" } }, "INVALID_ARGUMENT", 400],
    [{ query: { image: "file:///etc/passwd" } }, "INVALID_ARGUMENT", 400],
    [{ query: { prompt: "a cat" }, k: 0 }, "INVALID_ARGUMENT", 400],
    [{ query: { prompt: "a cat" }, view: { stages: [{ stage: "drop" }] } }, "INVALID_ARGUMENT", 400],
    [
      {
        query: { prompt: "a cat" },
        view: { stages: [{ stage: "sortBySimilarity", query: { image: "file:///etc/passwd" } }] },
      },
      "INVALID_ARGUMENT",
      400,
    ],
    [{ query: { prompt: "a cat" }, brainKey: "none" }, "RUN_NOT_FOUND", 404],
  ])("%j is %s", async (body, code, status) => {
    const answer = await api.call("POST", "/datasets/emoji/search", { body });
    expect(answer.body).toMatchObject({ code, status, hint: expect.any(String) });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });
});

describe("comparisons", () => {
  const RUN = "/datasets/emoji/runs/images";

  test("give the library's duplicates and unique entries, within a view too", async () => {
    const dataset = await api.nearsight.loadDataset("emoji");
    const view = dataset.limit(20);
    const index = (await dataset.loadBrainResults("images")).useView(view);
    await index.findDuplicates({ fraction: 0.5 });
    const found = (
      await api.call("POST", `${RUN}/duplicates`, { body: { fraction: 0.5, view: view.toJSON() } })
    ).body;
    expect(found).toMatchObject({ thresh: index.thresh, kept: 10 });
    expect(found.groups.map((group: { id: string }) => group.id)).toEqual([
      ...(index.neighborsMap ?? []).keys(),
    ]);
    await index.findUnique(3);
    expect(
      (await api.call("POST", `${RUN}/unique`, { body: { count: 3, view: view.toJSON() } })).body,
    ).toEqual({
      ids: index.uniqueIds,
      thresh: index.thresh,
    });
    expect((await api.call("POST", `${RUN}/duplicates`, { body: {} })).body.code).toBe("INVALID_ARGUMENT");
  });

  test("give the neighbours of several entries", async () => {
    const [first, second] = await (await api.nearsight.loadDataset("emoji")).head(2);
    const ids = [second?.id, first?.id];
    const { neighbors } = (await api.call("POST", `${RUN}/neighbors`, { body: { ids, k: 4 } })).body;
    expect(
      neighbors.map(({ id, hits }: { id: string; hits: { id: string }[] }) => [id, hits[0]?.id, hits.length]),
    ).toEqual(ids.map((id) => [id, id, 4]));
  });
});

describe("saved views", () => {
  test("are kept, listed, read, replaced and forgotten", async () => {
    const path = "/datasets/emoji/views/few%20of%20them";
    const view = { stages: [{ stage: "limit", count: 3 }] };
    expect((await api.call("PUT", path, { body: view })).status).toBe(204);
    expect((await api.call("PUT", path, { body: view })).status).toBe(204);
    expect((await api.call("GET", "/datasets/emoji/views")).body.views).toContain("few of them");
    expect((await api.call("GET", path)).body).toEqual(view);
    expect(
      (await api.call("POST", "/datasets/emoji/count", { body: { view: { saved: "few of them" } } })).body
        .count,
    ).toBe(3);
    expect((await api.call("DELETE", path)).status).toBe(204);
    expect((await api.call("GET", path)).body.code).toBe("ID_NOT_FOUND");
    for (const stages of [[{ stage: "drop" }], []]) {
      expect((await api.call("PUT", path, { body: { stages } })).body.code).toBe("INVALID_ARGUMENT");
    }
  });
});

describe("data sets and samples", () => {
  test("are made, filled, read, tagged and deleted", async () => {
    expect((await api.call("POST", "/datasets", { body: { name: "pets" } })).status).toBe(201);
    const cat = {
      filepath: "https://example.org/cat.jpg",
      ground_truth: { _cls: "Classification", label: "cat" },
    };
    const added = await api.call("POST", "/datasets/pets/samples", {
      body: { samples: [cat, { filepath: "https://example.org/dog.jpg" }] },
    });
    const ids: string[] = added.body.ids;
    expect(
      (await api.call("POST", "/datasets/pets/tags", { body: { ids: [ids[1]], add: ["train"] } })).status,
    ).toBe(204);
    const rows = await api.call("POST", "/datasets/pets/rows", { body: {} });
    expect(rows.body.rows).toMatchObject([
      { id: ids[0], tags: [], fields: { ground_truth: { label: "cat" } } },
      { id: ids[1], tags: ["train"] },
    ]);
    const view = { stages: [{ stage: "matchTags", tags: ["train"] }] };
    expect((await api.call("POST", "/datasets/pets/count", { body: { view } })).body).toEqual({ count: 1 });
    expect(
      (await api.call("POST", "/datasets/pets/values", { body: { field: "ground_truth.label" } })).body,
    ).toEqual({
      values: ["cat", null],
    });
    expect((await api.call("POST", "/datasets/pets/ids", { body: {} })).body).toEqual({
      ids,
      sampleIds: ids,
    });
    expect(
      (await api.call("POST", "/datasets/pets/samples/delete", { body: { ids: [ids[0]] } })).body,
    ).toEqual({
      deleted: 1,
    });
    expect((await api.call("GET", `/datasets/pets/samples/${ids[0]}`)).body.code).toBe("ID_NOT_FOUND");
    expect((await api.call("PATCH", "/datasets/pets", { body: { name: "animals" } })).body).toMatchObject({
      name: "animals",
      samples: 1,
    });
    expect((await api.call("DELETE", "/datasets/animals")).status).toBe(204);
    expect((await api.call("GET", "/datasets/animals")).body.code).toBe("DATASET_NOT_FOUND");
  });
});

test("the document refers to nothing that it does not have", async () => {
  const { body } = await api.call("GET", "/openapi.json", { scope: null });
  const references = [...JSON.stringify(body).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);
  expect(references.length).toBeGreaterThan(20);
  const target = (path: string) =>
    path.split("/").reduce((node: Record<string, unknown> | undefined, name) => node?.[name] as never, body);
  expect(references.filter((path) => target(path) === undefined)).toEqual([]);
});

describe("who may call", () => {
  test("every route but the public ones needs a key, and the document names its scope", async () => {
    const document = (await api.call("GET", "/openapi.json", { scope: null })).body;
    const routes = Object.entries<Record<string, { security?: { apiKey: string[] }[] }>>(
      document.paths,
    ).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, route]) => ({ path, method, route })),
    );
    expect(routes.length).toBeGreaterThan(10);
    for (const { path, method, route } of routes) {
      const { status, body } = await api.call(method.toUpperCase(), path, { scope: null });
      expect({ path, status, code: body.code }).toEqual({ path, status: 401, code: "API_KEY_INVALID" });
      expect(route.security?.[0]?.apiKey).toHaveLength(1);
    }
    expect(PUBLIC_PATHS).toEqual(["/health", "/openapi.json", "/docs"]);
    expect((await api.call("GET", "/health", { scope: null })).body.status).toBe("ok");
    expect(await (await api.app.request("/docs")).text()).toContain("<b>POST</b> /datasets/{dataset}/search");
  });

  test.each([
    ...["/health/", "//health", "/health%2f..%2fdatasets", "/docs/../datasets", "/DOCS", "/openapi.json/x"],
    ...["/health;x", "/metrics", "/", "/datasets?path=/health"],
  ])("a path that only looks public is not: %s", async (path) => {
    expect((await api.call("GET", path, { scope: null })).status).toBe(401);
  });

  test("a wrong key is none, and a scope includes those before it", async () => {
    expect((await api.call("GET", "/datasets", { key: "ns_wrong" })).status).toBe(401);
    expect((await api.call("GET", "/datasets", { scope: "read" })).status).toBe(200);
    expect((await api.call("POST", "/datasets", { scope: "read", body: { name: "x" } })).body).toMatchObject({
      code: "SCOPE_MISSING",
      status: 403,
    });
    expect((await api.call("DELETE", "/datasets/emoji", { scope: "write" })).body).toMatchObject({
      code: "SCOPE_MISSING",
      status: 403,
    });
  });

  test("a path that is none is ROUTE_NOT_FOUND, and a body that is no JSON INVALID_ARGUMENT", async () => {
    expect((await api.call("GET", "/nothing")).body).toMatchObject({ code: "ROUTE_NOT_FOUND", status: 404 });
    const response = await api.app.request("/datasets", {
      method: "POST",
      body: "{",
      headers: { authorization: `Bearer ${api.keys.manage.key}`, "content-type": "application/json" },
    });
    expect(await response.json()).toMatchObject({ code: "INVALID_ARGUMENT", status: 400 });
  });
});

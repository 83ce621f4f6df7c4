/** Pages of searches and rows: together they are the whole, and a cursor is good for nothing else. */

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { cursors } from "../../functions/cursor.ts";
import { temporaryApi } from "./helpers.ts";

const EMOJI = "/datasets/emoji";

let api: Awaited<ReturnType<typeof temporaryApi>>;
beforeAll(async () => {
  api = await temporaryApi();
  const dataset = await api.nearsight.loadZooDataset("emoji", { maxSamples: 20 });
  // Two of each distance, so that pages end between ties.
  const embeddings = Array.from({ length: 20 }, (_, i) => [1, Math.floor(i / 2)]);
  await dataset.computeSimilarity({ brainKey: "images", metric: "euclidean", embeddings });
});

const ask = (route: string, body: object) => api.call("POST", `${EMOJI}/${route}`, { body });

/** All pages; the size of each is the next of `sizes`, over and over. */
async function pages(route: "search" | "rows", asked: object, sizes: readonly number[]) {
  const found: { id: string; rank?: number }[] = [];
  let cursor: string | null = null;
  for (let page = 0; page === 0 || cursor !== null; page++) {
    const size = { [route === "search" ? "k" : "limit"]: sizes[page % sizes.length] };
    const { status, body } = await ask(route, { ...asked, ...size, ...(cursor === null ? {} : { cursor }) });
    expect(status).toBe(200);
    found.push(...(route === "search" ? body.hits : body.rows));
    cursor = body.cursor;
  }
  return found;
}

describe("pages", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 4 });
  const query = { vector: [1, 2] };

  test("of a ranking are the whole ranking, whatever their sizes", async () => {
    const searches = fc.record({
      reverse: fc.boolean(),
      maxDistance: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      view: fc.constantFrom(undefined, { stages: [{ stage: "limit", count: 13 }] }),
    });
    await fc.assert(
      fc.asyncProperty(searches, sizes, async (more, each) => {
        const asked = { query, ...more };
        const whole = (await ask("search", { ...asked, k: 1_000 })).body;
        expect(whole.cursor).toBeNull();
        expect(await pages("search", asked, each)).toEqual(whole.hits);
      }),
      { numRuns: 15 },
    );
  });

  test("of a view are the whole view, a search in it included", async () => {
    const views = fc.constantFrom(undefined, { stages: [{ stage: "sortBySimilarity", query }] });
    await fc.assert(
      fc.asyncProperty(views, sizes, async (view, each) => {
        const whole = (await ask("rows", { view, limit: 1_000 })).body;
        expect(await pages("rows", { view }, each)).toEqual(whole.rows);
      }),
      { numRuns: 10 },
    );
  });

  test("give the rows of their own hits", async () => {
    const first = (await ask("search", { query, k: 3, rows: true })).body;
    const second = (await ask("search", { query, k: 3, rows: true, cursor: first.cursor })).body;
    const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);
    expect(ids(second.rows)).toEqual(ids(second.hits));
    expect(second.hits.map(({ rank }: { rank: number }) => rank)).toEqual([4, 5, 6]);
  });
});

describe("a cursor", () => {
  const query = { vector: [1, 2] };
  const cursorOf = async (asked: object) => (await ask("search", { ...asked, k: 2 })).body.cursor as string;

  test("that was changed is CURSOR_INVALID", async () => {
    const cursor = await cursorOf({ query });
    const at = fc.nat({ max: cursor.length - 1 });
    await fc.assert(
      fc.asyncProperty(at, fc.constantFrom(..."AZaz09-_."), async (place, letter) => {
        fc.pre(cursor[place] !== letter);
        const changed = `${cursor.slice(0, place)}${letter}${cursor.slice(place + 1)}`;
        expect((await ask("search", { query, cursor: changed })).body).toMatchObject({
          code: "CURSOR_INVALID",
        });
      }),
      { numRuns: 50 },
    );
  });

  test("that is something else is none", async () => {
    for (const cursor of ["", ".", "a.b", "a.b.c", "x".repeat(5_000)]) {
      expect((await ask("search", { query, cursor })).status).toBe(400);
    }
  });

  test("of another query, view, data set or service is CURSOR_INVALID", async () => {
    const cursor = await cursorOf({ query });
    const other = [{ query: { vector: [1, 3] } }, { query, reverse: true }, { query, view: { stages: [] } }];
    for (const asked of other) {
      expect((await ask("search", { ...asked, cursor })).body).toMatchObject({
        code: "CURSOR_INVALID",
        status: 400,
      });
    }
    expect((await ask("rows", { cursor })).body.code).toBe("CURSOR_INVALID");
    const foreign = cursors("x".repeat(32)).write([], { indexVersion: null, id: "a", distance: 0, count: 1 });
    expect((await ask("search", { query, cursor: foreign })).body.code).toBe("CURSOR_INVALID");
  });

  test("of an index that was built or filled again since is CURSOR_STALE", async () => {
    const asked = { query: { prompt: "a cat" }, brainKey: "tiny" };
    const dataset = await api.nearsight.loadDataset("emoji");
    const view = dataset.limit(4);
    const index = await view.computeSimilarity({ brainKey: "tiny" });
    const changes = [
      () => index.addMissing(),
      () => index.delete().then(() => view.computeSimilarity({ brainKey: "tiny" })),
    ];
    for (const change of changes) {
      const cursor = await cursorOf(asked);
      expect((await ask("search", { ...asked, cursor })).status).toBe(200);
      await change();
      const { body } = await ask("search", { ...asked, cursor });
      expect(body).toMatchObject({ code: "CURSOR_STALE", status: 409 });
    }
    await dataset.deleteBrainRun("tiny");
  });

  test("of rows that have moved since is CURSOR_STALE, and goes on where only later ones have", async () => {
    const dataset = await api.nearsight.createDataset("moving");
    const ids = await dataset.addSamples(Array.from({ length: 6 }, (_, i) => ({ filepath: `${i}.png` })));
    const rows = (body: object) => api.call("POST", "/datasets/moving/rows", { body: { limit: 2, ...body } });
    const { cursor } = (await rows({})).body;
    await dataset.deleteSamples([ids[4] ?? ""]);
    expect((await rows({ cursor })).body.rows.map((row: { id: string }) => row.id)).toEqual([ids[2], ids[3]]);
    await dataset.deleteSamples([ids[0] ?? ""]);
    expect((await rows({ cursor })).body).toMatchObject({ code: "CURSOR_STALE", status: 409 });
  });

  test("goes on after a hit that is gone since", async () => {
    const dataset = await api.nearsight.loadDataset("emoji");
    const { hits, cursor } = (await ask("search", { query, k: 2 })).body;
    const rest = (await ask("search", { query, k: 100 })).body.hits.slice(2);
    await dataset.deleteSamples([hits[1].id]);
    const next = (await ask("search", { query, k: 100, cursor })).body.hits;
    expect(next.map((hit: { id: string }) => hit.id)).toEqual(rest.map((hit: { id: string }) => hit.id));
  });
});

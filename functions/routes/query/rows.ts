/** Reads the rows of a view: whole, their ids, one field, or how often its values occur. */

import { z } from "@hono/zod-openapi";
import type { SampleCollection } from "../../../core/index.ts";
import { cursorSchema, nextCursorSchema, type Position, staleCursor } from "../../cursor.ts";
import { lines, wantsLines } from "../../ndjson.ts";
import { createRouter, datasetOf, datasetPath, json, jsonOrLines, route } from "../../router.ts";
import { patchSchema, rowJson, sampleJson, sampleSchema } from "../../schemas/sample.ts";
import { viewIn, viewSchema } from "../../schemas/view.ts";

/** Rows of one answer: what fits 6 MB, the most that a Lambda function answers at once, with room to spare. */
const MAX_ROWS = 1_000;
const USUAL_ROWS = 25;
/** Ids and values are shorter. */
const MAX_VALUES = 50_000;

/** A part of a view: at most so many rows, and so many where nothing is said. */
const pageSchema = (most: number, usual: number) =>
  z.strictObject({
    view: viewSchema,
    offset: z.number().int().min(0).default(0),
    limit: z.number().int().min(1).max(most).default(usual),
  });
const fieldPath = z.string().min(1).max(512).openapi({ example: "ground_truth.detections.label" });

const rowsRequest = z.strictObject({
  view: viewSchema,
  offset: z.number().int().min(0).optional().openapi({ description: "Default 0; not beside a cursor." }),
  limit: z
    .number()
    .int()
    .min(1)
    .max(MAX_ROWS)
    .optional()
    .openapi({ description: `Default ${USUAL_ROWS}; as lines, all of them.` }),
  cursor: cursorSchema,
});

const rows = route("read", {
  method: "post",
  path: "/datasets/{dataset}/rows",
  operationId: "getRows",
  summary: "Samples of a view in its order, or patches of a view of patches",
  request: {
    params: datasetPath,
    body: json(rowsRequest, "Which rows"),
  },
  responses: {
    200: jsonOrLines(
      z.object({ rows: z.array(z.union([sampleSchema, patchSchema])), cursor: nextCursorSchema }),
      "The rows",
    ),
  },
});

const count = route("read", {
  method: "post",
  path: "/datasets/{dataset}/count",
  operationId: "countRows",
  summary: "How many rows a view has",
  request: { params: datasetPath, body: json(z.strictObject({ view: viewSchema }), "The view") },
  responses: { 200: json(z.object({ count: z.number().int() }), "The number") },
});

const values = route("read", {
  method: "post",
  path: "/datasets/{dataset}/values",
  operationId: "getValues",
  summary: "One field of every row in order; null where it is missing",
  request: {
    params: datasetPath,
    body: json(pageSchema(MAX_VALUES, MAX_VALUES).extend({ field: fieldPath }), "Which values"),
  },
  responses: { 200: json(z.object({ values: z.array(z.unknown()) }), "The values") },
});

const countValues = route("read", {
  method: "post",
  path: "/datasets/{dataset}/count-values",
  operationId: "countValues",
  summary: "How often each value of a field occurs, most frequent first",
  request: {
    params: datasetPath,
    body: json(z.strictObject({ view: viewSchema, field: fieldPath }), "Which values"),
  },
  responses: {
    200: json(
      z.object({ counts: z.array(z.object({ value: z.unknown(), count: z.number().int() })) }),
      "Values and counts",
    ),
  },
});

const ids = route("read", {
  method: "post",
  path: "/datasets/{dataset}/ids",
  operationId: "getIds",
  summary: "Ids of the rows of a view in its order",
  request: {
    params: datasetPath,
    body: json(pageSchema(MAX_VALUES, MAX_VALUES), "Which rows"),
  },
  responses: {
    200: json(
      z.object({ ids: z.array(z.string()), sampleIds: z.array(z.string()) }),
      "Ids of rows, and of their samples: the same but for patches",
    ),
  },
});

const sample = route("read", {
  method: "get",
  path: "/datasets/{dataset}/samples/{id}",
  operationId: "getSample",
  summary: "One sample",
  request: { params: datasetPath.extend({ id: z.string() }) },
  responses: { 200: json(sampleSchema, "The sample") },
});

export const readRows = createRouter()
  .openapi(rows, async (c) => {
    const { view, offset = 0, limit, cursor } = c.req.valid("json");
    const found = await viewIn(c, c.req.valid("param").dataset, view);
    const question = [found.dataset.id, view];
    const last = cursor === undefined ? null : c.get("cursors").read(question, cursor);
    if (last !== null) await assertInPlace(found, last);
    const start = last?.count ?? offset;
    if (wantsLines(c)) return lines(rowLines(found, start, limit)) as never;
    const page = await found.page(start, limit ?? USUAL_ROWS);
    const next = positionAfter(page, start, limit ?? USUAL_ROWS);
    const nextCursor = next === null ? null : c.get("cursors").write(question, next);
    return c.json({ rows: page.map(rowJson), cursor: nextCursor }, 200);
  })
  .openapi(count, async (c) => {
    const found = await viewIn(c, c.req.valid("param").dataset, c.req.valid("json").view);
    return c.json({ count: await found.count() }, 200);
  })
  .openapi(values, async (c) => {
    const { view, field, offset, limit } = c.req.valid("json");
    const found = await viewIn(c, c.req.valid("param").dataset, view);
    return c.json({ values: await found.skip(offset).limit(limit).values(field) }, 200);
  })
  .openapi(countValues, async (c) => {
    const { view, field } = c.req.valid("json");
    const found = await viewIn(c, c.req.valid("param").dataset, view);
    const counts = [...(await found.countValues(field))].map(([value, count]) => ({ value, count }));
    return c.json({ counts }, 200);
  })
  .openapi(ids, async (c) => {
    const { view, offset, limit } = c.req.valid("json");
    const found = await viewIn(c, c.req.valid("param").dataset, view);
    const rows = (await Array.fromAsync(found.skip(offset).limit(limit).ids())).flat();
    return c.json({ ids: rows.map(({ id }) => id), sampleIds: rows.map(({ sampleId }) => sampleId) }, 200);
  })
  .openapi(sample, async (c) => {
    const { dataset, id } = c.req.valid("param");
    return c.json(sampleJson(await (await datasetOf(c, dataset)).sample(id)), 200);
  });

/** CURSOR_STALE where rows before the end of a page have come or gone: some would be given twice, or never. */
async function assertInPlace(view: SampleCollection, { id, count }: Position): Promise<void> {
  const [row] = await view.page(count - 1, 1);
  if (row?.id !== id) throw staleCursor("the order of the rows");
}

/** Where a page ends; null where the view does. */
function positionAfter(page: readonly { id: string }[], start: number, limit: number): Position | null {
  const end = page.at(-1);
  if (end === undefined || page.length < limit) return null;
  return { indexVersion: null, id: end.id, distance: null, count: start + page.length };
}

async function* rowLines(view: SampleCollection, offset: number, limit?: number): AsyncGenerator<object> {
  const rest = offset === 0 ? view : view.skip(offset);
  let count = 0;
  for await (const row of limit === undefined ? rest : rest.limit(limit)) {
    count++;
    yield { row: rowJson(row) };
  }
  yield { complete: true, count };
}

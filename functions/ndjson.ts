/** Answers of any length, a line of JSON a row; the last line says that it is complete, or what went wrong. */

import { ReadableStream } from "node:stream/web";
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { problemOf } from "./problem.ts";

const NDJSON = "application/x-ndjson";

/** Beside the JSON of a route in its document. */
export const NDJSON_CONTENT = {
  [NDJSON]: {
    schema: z.string().openapi({
      description:
        'Lines `{"hit": …}` and `{"row": …}`, then `{"complete": true, …}`, or `{"problem": …}` where it broke off.',
    }),
  },
} as const;

/** Whether the caller prefers lines to one document. */
export function wantsLines(context: Context): boolean {
  const supports = ["application/json", NDJSON];
  return accepts(context, { header: "Accept", supports, default: "application/json" }) === NDJSON;
}

/** Writes each line when the one before was taken, so that nothing piles up for a slow reader. */
export function lines(source: AsyncIterable<unknown>): Response {
  const body = ReadableStream.from(encoded(source));
  return new Response(body as BodyInit, { headers: { "content-type": NDJSON, "x-accel-buffering": "no" } });
}

async function* encoded(source: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  const line = (value: unknown) => encoder.encode(`${JSON.stringify(value)}\n`);
  try {
    for await (const value of source) yield line(value);
  } catch (error) {
    // The status is sent already.
    yield line({ problem: problemOf(error) });
  }
}

/** Where a page ended, as opaque text: the next page goes on after it, or it is said that it cannot. */

import { createHash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { NearsightError } from "../core/index.ts";
import { type Signer, signer } from "./signing.ts";

/** What a cursor keeps; short names, since callers send it back and forth. */
const positionSchema = z.strictObject({
  /** Digest of what was asked. */
  q: z.string(),
  /** Version of the index that was searched; null where none was. */
  v: z.string().nullable(),
  /** Id of the last row, and its distance. */
  i: z.string(),
  d: z.number().nullable(),
  /** How many rows there were so far. */
  n: z.number().int().min(1),
});

/** The last row of a page. */
export interface Position {
  readonly indexVersion: string | null;
  readonly id: string;
  readonly distance: number | null;
  /** Rows up to it, itself included. */
  readonly count: number;
}

export const cursorSchema = z.string().min(1).max(4_096).optional().openapi({
  description: "Of the page before: what is asked must be the same, but for the size of the page.",
});

export const nextCursorSchema = z
  .string()
  .nullable()
  .openapi({ description: "To ask for the next page with; null after the last." });

export interface Cursors {
  /** `asked` is what all pages have in common. */
  write(asked: unknown, position: Position): string;
  /** CURSOR_INVALID for what was not written by this service, or for another question. */
  read(asked: unknown, cursor: string): Position;
}

export function cursors(secret: string): Cursors {
  const seal = signer(secret, "cursor");
  return {
    write(asked, { indexVersion, id, distance, count }) {
      const position = { q: digestOf(asked), v: indexVersion, i: id, d: distance, n: count };
      const text = Buffer.from(JSON.stringify(position)).toString("base64url");
      return `${text}.${seal.sign(text)}`;
    },
    read(asked, cursor) {
      const { q, v, i, d, n } = opened(seal, cursor);
      if (q !== digestOf(asked)) throw invalid("belongs to another question");
      return { indexVersion: v, id: i, distance: d, count: n };
    },
  };
}

/** CURSOR_STALE: the pages would not fit together. */
export function staleCursor(what: string): NearsightError {
  return new NearsightError({
    code: "CURSOR_STALE",
    message: `Expected ${what} as it was for the page before, but it has changed`,
    hint: "Ask for the first page again",
  });
}

function opened(seal: Signer, cursor: string): z.infer<typeof positionSchema> {
  const [text = "", signature = "", ...rest] = cursor.split(".");
  if (rest.length > 0 || !seal.isSigned(text, signature)) throw invalid("was not given by this service");
  return positionSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
}

function digestOf(asked: unknown): string {
  return createHash("sha256").update(JSON.stringify(asked)).digest("base64url");
}

function invalid(reason: string): NearsightError {
  return new NearsightError({
    code: "CURSOR_INVALID",
    message: `Expected the cursor of the page before but this one ${reason}`,
    hint: "Send the cursor as it was given, with the same query and view; or leave it out",
  });
}

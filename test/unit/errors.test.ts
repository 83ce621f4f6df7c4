/** The error class, and the promise that every code has a test that raises it. */

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import {
  ERROR_CODES,
  type ErrorCode,
  isNearsightError,
  NearsightError,
  wrapError,
} from "../../core/errors.ts";
import { openSqliteStore } from "../../core/store/sqlite-store.ts";
import { temporaryFolder } from "../support/temporary.ts";

const TESTS = resolve(import.meta.dirname, "..");
const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

const texts = readdirSync(TESTS, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.startsWith("support"))
  .map((name) => readFileSync(join(TESTS, name), "utf8"));

/** True where a test expects the code: in a matcher, as the last member of a case's row, or as an argument. */
function isExpected(text: string, code: ErrorCode): boolean {
  const matcher = new RegExp(`code: "${code}"(?!,\\s*message: ["\`])`);
  return matcher.test(text) || new RegExp(`, "${code}"(,\\s*)?[\\])]`).test(text);
}

describe("codes", () => {
  test.each(CODES)("%s is raised by a test", (code) => {
    expect(texts.some((text) => isExpected(text, code))).toBe(true);
  });

  test("a code that is only made, or only mentioned, is not counted", () => {
    expect(isExpected('new NearsightError({ code: "CLOSED", message: "gone" })', "CLOSED")).toBe(false);
    expect(isExpected('if (code === "CLOSED") return;', "CLOSED")).toBe(false);
    expect(isExpected('rejects.toMatchObject({ code: "CLOSED" })', "CLOSED")).toBe(true);
    expect(isExpected('["after close", () => run(), "CLOSED"],', "CLOSED")).toBe(true);
  });

  test("a defect between two rooms is INTERNAL, with its cause", async () => {
    const store = await openSqliteStore({ folder: temporaryFolder() });
    await expect(store.datasets.get(undefined as never)).rejects.toMatchObject({
      code: "INTERNAL",
      retryable: false,
      message: expect.stringContaining("SQLite"),
    });
    await store.close();
  });
});

describe("NearsightError", () => {
  const error = new NearsightError({
    code: "STORE_BUSY",
    message: "Expected a free store",
    hint: "Try again",
    details: { seconds: 30 },
    cause: new Error("locked"),
  });

  test("is known by its code, also from another copy of the package", () => {
    expect(isNearsightError(error)).toBe(true);
    expect([isNearsightError(error, "STORE_BUSY"), isNearsightError(error, "CLOSED")]).toEqual([true, false]);
    const copy = Object.assign(new Error("x"), { [Symbol.for("nearsight.error")]: true, code: "CLOSED" });
    expect(isNearsightError(copy, "CLOSED")).toBe(true);
    for (const other of [new Error("x"), { code: "CLOSED" }, null, "CLOSED"])
      expect(isNearsightError(other)).toBe(false);
  });

  test("is JSON without its cause, retryable as its code says unless told otherwise", () => {
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: "STORE_BUSY",
      message: "Expected a free store",
      hint: "Try again",
      details: { seconds: 30 },
      retryable: true,
    });
    expect(new NearsightError({ code: "STORE_BUSY", message: "x", retryable: false }).retryable).toBe(false);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("is wrapped around others once", () => {
    const facts = { code: "INTERNAL", message: "failed" } as const;
    expect(wrapError(error, facts)).toBe(error);
    const cause = new TypeError("x");
    expect(wrapError(cause, facts)).toMatchObject({ code: "INTERNAL", cause });
  });
});

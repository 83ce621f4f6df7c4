/** The tables of the documentation that follow from the code are up to date; `npm run docs` writes them. */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { tables, withTable } from "../../tools/docs.ts";

const root = resolve(import.meta.dirname, "../..");

test.each(tables())("$page: $mark", (table) => {
  const page = readFileSync(join(root, table.page), "utf8");
  expect(withTable(page, table)).toBe(page);
});

/** A deployment sends each request to the function that answers it. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ROUTES } from "../../../deploy/routes.ts";
import { ROUTES_FILE, routesOf, routesText } from "../../../tools/deploy/routes.ts";

test("the routes are those of the API: node tools/deploy/routes.ts", () => {
  expect(readFileSync(ROUTES_FILE, "utf8")).toBe(routesText());
});

test("no route is two functions'", () => {
  const all = [...ROUTES.compute, ...ROUTES.query, ...routesOf("manage")];
  expect(all.length).toBeGreaterThan(20);
  expect(new Set(all).size).toBe(all.length);
});

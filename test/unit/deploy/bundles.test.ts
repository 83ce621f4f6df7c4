/** What a deployment runs is there: a bundle that is packed, and the handler in it. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { ROLES } from "../../../deploy/roles.ts";
import { BACKENDS, ROLES as PACKED } from "../../../tools/pack/bundles.ts";

const HANDLERS = resolve(import.meta.dirname, "../../../functions/handlers");
const CASES = Object.entries(ROLES).flatMap(([role, { code = { bundle: role, entry: "handler" } }]) =>
  BACKENDS.map((backend) => [role, backend, code] as const),
);

test.each(CASES)("of %s on %s", (_role, backend, { bundle, entry }) => {
  expect(Object.keys(PACKED)).toContain(bundle);
  const text = readFileSync(`${HANDLERS}/${bundle}-${backend}.ts`, "utf8");
  expect(text).toMatch(new RegExp(`export const \\{[^}]*\\b${entry}\\b`));
});

/** The reference backend passes the contract it is the measure of. */

import { expect, test } from "vitest";
import { casesFor, testBackend } from "./backend-contract.ts";
import { approximate } from "./faults/spoil.ts";
import { REFERENCE_CAPABILITIES, type ReferenceServer, referenceBackend } from "./reference-backend.ts";

const server: ReferenceServer = new Map();

testBackend("reference", { open: () => referenceBackend(server) });
testBackend("reference, as approximate as a backend may be", { open: approximate(60) });

test("case names are unique", () => {
  const names = casesFor(REFERENCE_CAPABILITIES).map((one) => one.name);
  expect(new Set(names).size).toBe(names.length);
});

test("a difference that names no case is an error", () => {
  const differs = [{ case: "search > no such case", because: "it was renamed", expect: "INTERNAL" as const }];
  expect(() => casesFor(REFERENCE_CAPABILITIES, { differs })).toThrow("search > no such case");
});

/** The lockfile has all that `npm ci` of any npm asks for, and no address of one registry. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Lockfile, missingEntries } from "../../tools/complete-lock.ts";

const text = readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8");

test("binary packages of every platform are there; if not, run node tools/complete-lock.ts", () => {
  expect(Object.keys(missingEntries(JSON.parse(text) as Lockfile))).toEqual([]);
});

test("a package left out is found missing, one in a folder above is not", () => {
  const optionalDependencies = { "@binding/linux-x64-musl": "1.0.0", "@binding/darwin-arm64": "1.0.0" };
  const packages = {
    "": {},
    "node_modules/a": {},
    "node_modules/a/node_modules/b": { dev: true, optionalDependencies },
    "node_modules/a/node_modules/@binding/darwin-arm64": {},
  };
  expect(missingEntries({ packages })).toEqual({
    "node_modules/@binding/linux-x64-musl": {
      version: "1.0.0",
      dev: true,
      optional: true,
      os: ["linux"],
      cpu: ["x64"],
      libc: ["musl"],
    },
  });
});

test("packages are named by integrity, not by address", () => {
  expect(text).not.toMatch(/"resolved": "https?:/);
});

/** What the pages name must exist: paths, npm scripts, error codes. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../core/errors.ts";
import { VERSION } from "../../core/version.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const manifest = JSON.parse(read("package.json"));

const pages = [
  ...["README.md", "AGENTS.md", "CONTRIBUTING.md", "CHANGELOG.md"],
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

describe.each(pages)("%s", (page) => {
  const text = read(page);

  it("names only paths that exist", () => {
    const named = [...text.matchAll(/`((?:core|cli|test|docs|tools|bench|bin|\.ci)\/[^`\s]*)`/g)].map(
      ([, path = ""]) => path,
    );
    const real = named.filter((path) => !/[<*{]|NAME/.test(path));
    expect(real.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("links only to files that exist", () => {
    const links = [...text.matchAll(/\]\(([^)#]+?)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
    const local = links.filter((target) => !/^[a-z]+:/.test(target));
    expect(local.filter((target) => !existsSync(resolve(root, page, "..", target)))).toEqual([]);
  });

  it("names only npm scripts that exist", () => {
    const scripts = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, script = ""]) => script);
    expect(scripts.filter((script) => !(script in manifest.scripts))).toEqual([]);
  });
});

it("docs/errors.md has a row for every code with its HTTP status, and no other", () => {
  const rows = [...read("docs/errors.md").matchAll(/^\| ([A-Z_]+) \| (\d+) \|/gm)];
  const documented = Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]));
  const real = Object.fromEntries(Object.entries(ERROR_CODES).map(([code, { status }]) => [code, status]));
  expect(documented).toEqual(real);
});

it("the version is the package's", () => {
  expect(VERSION).toBe(manifest.version);
});

/** What the package's JavaScript is made of: which files and packages each of its entries loads. */

import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { bundle, entries } from "../tools/bundle.ts";
import { bundledPackages, noticeFor, type Outputs } from "../tools/notice.ts";

const ROOT = resolve(import.meta.dirname, "..");

const outputs = await bundle({ write: false });

/** Every file of dist/ that an entry loads before its first line runs, itself included. */
function filesOf(source: string): string[] {
  const found = new Set([source.replace(/\.ts$/, ".js").replace(/^/, "dist/")]);
  for (const path of found) {
    for (const { path: next, external } of staticImports(path)) if (external !== true) found.add(next);
  }
  return [...found];
}

/** Packages that an entry loads, or holds the code of. */
function packagesOf(source: string): string[] {
  const files = filesOf(source);
  const outside = files
    .flatMap(staticImports)
    .filter(({ external, path }) => external && !path.startsWith("node:"));
  const inside = bundledPackages(pick(files));
  return [...new Set([...outside.map(({ path }) => path), ...inside])].sort();
}

/** The rooms of core that an entry holds code of, or the files directly in it. */
function roomsOf(source: string): string[] {
  const sources = filesOf(source).flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}));
  return [
    ...new Set(sources.filter((path) => path.startsWith("core/")).map((path) => path.split("/")[1] ?? "")),
  ];
}

function staticImports(path: string): Outputs[string]["imports"] {
  return (outputs[path]?.imports ?? []).filter(({ kind }) => kind === "import-statement");
}

function pick(paths: readonly string[]): Outputs {
  return Object.fromEntries(Object.entries(outputs).filter(([path]) => paths.includes(path)));
}

function bytesOf(source: string): number {
  return Object.values(pick(filesOf(source))).reduce((sum, { bytes }) => sum + bytes, 0);
}

const SERVERS = ["core/backends/milvus/milvus.ts", "core/backends/elasticsearch/elasticsearch.ts"];
const THREADS = entries().filter((path) => path.endsWith("worker.ts"));

describe("the build", () => {
  test("has a file for each entry, at its source's place, and for each address of code", () => {
    expect(Object.keys(outputs)).toEqual(
      expect.arrayContaining(entries().flatMap((path) => filesOf(path)[0] ?? [])),
    );
    const sources = globSync("core/**/*.ts", { cwd: ROOT }).map((path) =>
      readFileSync(resolve(ROOT, path), "utf8"),
    );
    const addressed = sources.flatMap((text) => [...text.matchAll(/\bcodeUrl\("([^"]+)"\)/g)]);
    expect(addressed.map(([, path]) => `core/${path}.ts`).sort()).toEqual(THREADS);
  });

  test("loads few files for the package's root, and of its packages only what checks views", () => {
    expect(filesOf("core/index.ts").length).toBeLessThanOrEqual(24);
    expect(bytesOf("core/index.ts")).toBeLessThan(400_000);
    expect(packagesOf("core/index.ts")).toEqual(["zod"]);
  });

  test("loads for the command no table and no progress bar before one is drawn", () => {
    expect(packagesOf("cli/main.ts")).toEqual(["commander", "p-map", "zod"]);
  });

  test.each(["core/backends/local/driver.ts", ...SERVERS, ...THREADS])(
    "keeps %s free of packages, and small",
    (entry) => {
      expect(packagesOf(entry)).toEqual([]);
      expect(filesOf(entry).length).toBeLessThanOrEqual(16);
      expect(bytesOf(entry)).toBeLessThan(200_000);
    },
  );

  test.each(SERVERS)("keeps stores, media and models out of %s", (entry) => {
    const rooms = roomsOf(entry);
    expect(rooms).toContain("backends");
    expect(rooms.filter((room) => ["store", "media", "models", "brain", "io"].includes(room))).toEqual([]);
  });

  test("is named in NOTICE with every library it holds", () => {
    const notice = readFileSync(resolve(ROOT, "NOTICE"), "utf8");
    expect(notice).toBe(noticeFor(outputs, notice));
    for (const name of bundledPackages(outputs)) expect(notice).toContain(`\n${name}\n  MIT. https://`);
  });
});

/** Leaves out of dist/ the types that nobody can reach from what package.json lets others import. */

import { globSync, readFileSync, rmSync } from "node:fs";
import { join, posix, resolve } from "node:path";
import { exportedSources } from "./bundle.ts";

const DIST = resolve(import.meta.dirname, "../dist");

/** Deletes declarations that no exported one imports, directly or by others. */
export function removeInnerDeclarations(): void {
  const reached = new Set(exportedSources().map((path) => path.replace(/\.ts$/, ".d.ts")));
  for (const path of reached) for (const next of importsOf(path)) reached.add(next);
  for (const path of globSync("**/*.d.ts", { cwd: DIST })) {
    if (!reached.has(path.split("\\").join("/"))) rmSync(join(DIST, path));
  }
}

function importsOf(path: string): string[] {
  const found = readFileSync(join(DIST, path), "utf8").matchAll(/(?:from |import\()"(\.[^"]+)\.ts"/g);
  return [...found].map(([, from]) => posix.join(posix.dirname(path), `${from}.d.ts`));
}

/** Packs the package before the tests that install it, once for all of them. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { pack, type Tarball } from "./packed.ts";

declare module "vitest" {
  export interface ProvidedContext {
    tarball: Tarball;
  }
}

/** Called by vitest before the first file; what it returns is called after the last. */
export async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), "nearsight-pack-"));
  project.provide("tarball", await pack(folder));
  return () => rmSync(folder, { recursive: true, force: true });
}

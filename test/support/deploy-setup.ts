/** Bundles what is deployed before the first test that evaluates it; the first time SST's platform is laid, a minute. */

import { rmSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { bundlePrograms, type Programs } from "../../tools/deploy/bundle.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** What evaluates a deployment. */
    programs: Programs;
  }
}

/** Called by vitest before the first file of the project; what it returns is called after the last. */
export async function setup(project: TestProject): Promise<() => void> {
  const programs = await bundlePrograms();
  project.provide("programs", programs);
  return () => rmSync(programs.folder, { recursive: true, force: true });
}

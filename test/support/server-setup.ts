/** Starts the server a vitest project is named after, and ends at the end of the run what was started for it. */

import type { TestProject } from "vitest/node";
import { releaseServers, startServer } from "../../tools/servers/servers.ts";
import { serverOf } from "../../tools/test-groups.ts";

/** Called by vitest before the first file of the project; what it returns is called after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const name = serverOf(project.name);
  if (name === null) throw new Error(`Expected a project named after a server but found ${project.name}`);
  const run = process.pid;
  const { address } = await startServer(name, { user: run });
  project.provide("server", { name, address, run });
  return () => releaseServers(run);
}

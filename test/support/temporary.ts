/** Installations in temporary folders, removed when the test file ends. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Installation, Nearsight, OpenOptions } from "../../core/nearsight.ts";
import { open } from "../../core/open.ts";
import { throughDoor } from "./door.ts";
import { placeOf } from "./temporary-store.ts";

const folders: string[] = [];
const opened: Nearsight[] = [];

afterAll(async () => {
  for (const ns of opened.splice(0)) await ns.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nearsight-test-"));
  folders.push(folder);
  return folder;
}

/** An installation of its own; `warnings` collects what it warns of. */
export async function temporaryNearsight(
  options: OpenOptions = {},
): Promise<Installation & { home: string; warnings: string[] }> {
  const home = options.config?.home ?? temporaryFolder();
  const warnings: string[] = [];
  const opening = open({
    ...options,
    config: { cache: join(home, "cache"), ...storeOf(home), ...options.config, home },
    warn: (message) => warnings.push(message),
  });
  const ns = await throughDoor(await opening);
  opened.push(ns);
  return { ...ns, home, warnings };
}

/** On which store: those that share a home share it. */
function storeOf(home: string): { store?: string } {
  const place = placeOf(home);
  return place === home ? {} : { store: place };
}

/** Installs a thing once: made in a folder beside its place and renamed, so that what is in place is whole. */

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { withLock } from "./lock.ts";

/** Everything that servers install and write. Ignored by git. */
export const SERVERS_FOLDER = resolve(import.meta.dirname, "../../.cache/servers");

export function isInstalled(name: string): boolean {
  return existsSync(placeOf(name));
}

/** Where the folder `name` is once it is installed. */
export function placeOf(name: string, base = SERVERS_FOLDER): string {
  return join(base, "installed", name);
}

/** The folder `name`, filled by `make` where it is not there yet. What an interrupted `make` left is removed. */
export async function installOnce(
  name: string,
  make: (staging: string) => Promise<void>,
  base = SERVERS_FOLDER,
): Promise<string> {
  const place = placeOf(name, base);
  if (existsSync(place)) return place;
  return withLock(join(base, "locks", `install-${name}`), async () => {
    if (existsSync(place)) return place;
    mkdirSync(dirname(place), { recursive: true });
    removeLeftovers(place);
    const staging = mkdtempSync(`${place}.part-`);
    try {
      await make(staging);
      // Made for this user alone; Elasticsearch may have to run as another.
      chmodSync(staging, 0o755);
      renameSync(staging, place);
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
    return place;
  });
}

function removeLeftovers(place: string): void {
  for (const name of readdirSync(dirname(place))) {
    if (name.startsWith(`${basename(place)}.part-`)) {
      rmSync(join(dirname(place), name), { recursive: true, force: true });
    }
  }
}

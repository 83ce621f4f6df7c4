/** Unfinished downloads on disk: finding one to go on with, and making it ours where several processes want it. */

import { createHash, randomUUID } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

/** A part nobody has written to for this long was left behind, even if its writer's machine is not this one. */
const STALE_MILLISECONDS = 10 * 60 * 1000;

/** A file being written, with the bytes it had. */
export interface Part {
  readonly path: string;
  readonly size: number;
}

/** Parts carry the version, the machine and the process in their names, so that two writers never share one. */
function partName(target: string, etag: string | null): string {
  const version = etag === null ? randomUUID() : createHash("sha256").update(etag).digest("hex").slice(0, 16);
  return `${basename(target)}.${version}.${hostname().replaceAll(".", "-")}.${process.pid}.part`;
}

/** Bytes of this version that are here already; 0 for none. */
export async function partSize(
  target: string,
  { etag, size }: { readonly etag: string | null; readonly size: number | null },
): Promise<number> {
  const here = etag === null ? 0 : ((await freeParts(target, etag))[0]?.size ?? 0);
  // Asking for what comes after the end is an error: fetch it whole.
  return size !== null && here >= size ? 0 : here;
}

/** Makes a free part ours by renaming it; whoever comes second finds it gone and starts anew. */
export async function takePart(target: string, etag: string | null, size: number): Promise<Part> {
  const path = join(dirname(target), partName(target, etag));
  if (size === 0) return { path, size };
  const free = (await freeParts(target, etag)).find((part) => part.size >= size);
  if (free === undefined) throw new Error("another process took over the part");
  if (free.path !== path) await rename(free.path, path);
  return { path, size };
}

/** Parts of this version that nobody writes to, the largest first. */
async function freeParts(target: string, etag: string | null): Promise<Part[]> {
  const folder = dirname(target);
  const [, version] = partName(target, etag).slice(basename(target).length).split(".");
  const start = `${basename(target)}.${version}.`;
  const parts: Part[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(start) || !name.endsWith(".part")) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && isFree(name, found.mtimeMs)) parts.push({ path, size: found.size });
  }
  return parts.sort((a, b) => b.size - a.size);
}

function isFree(name: string, modified: number): boolean {
  const [machine, process_] = name.split(".").slice(-3);
  if (Date.now() - modified > STALE_MILLISECONDS) return true;
  if (machine !== hostname().replaceAll(".", "-")) return false;
  const id = Number(process_);
  return id === process.pid || !isAlive(id);
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Forgets what is here of this version. */
export async function dropParts(target: string, etag: string | null): Promise<void> {
  for (const part of await freeParts(target, etag)) await rm(part.path, { force: true });
}

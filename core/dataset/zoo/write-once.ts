/** Writes a data set's files into a folder once, whatever was left there by a run that was killed or runs alongside. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";

/** One file to write, its bytes made only when needed. */
export interface LazyFile {
  readonly name: string;
  bytes(): Promise<Uint8Array>;
}

/** Raise when drawing changes without a change of art or plans, so that folders written before are written again. */
const DRAWING = 1;
const MARKER = "finished.json";
const PARTIAL = "partial-";
/** No run takes this long; what an older one left is rubbish. */
const STALE_MILLISECONDS = 60 * 60 * 1000;

async function readMarker(folder: string): Promise<string | undefined> {
  try {
    const marker: unknown = JSON.parse(await readFile(path.join(folder, MARKER), "utf8"));
    return (marker as { fingerprint?: string }).fingerprint;
  } catch {
    // Missing or cut short: not finished, so everything is written again.
    return undefined;
  }
}

async function removeStale(folder: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(PARTIAL)) continue;
    const age = await stat(path.join(folder, entry)).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > STALE_MILLISECONDS) await rm(path.join(folder, entry), { recursive: true, force: true });
  }
}

/** Each file is written under another name and renamed, so that a reader never sees half of one. */
async function writeFiles(folder: string, files: readonly LazyFile[], fingerprint: string): Promise<void> {
  const partial = await mkdtemp(path.join(folder, PARTIAL));
  try {
    const place = async (name: string, bytes: Uint8Array | string): Promise<void> => {
      const written = path.join(partial, path.basename(name));
      await writeFile(written, bytes);
      await rename(written, path.join(folder, name));
    };
    for (const folderName of new Set(files.map(({ name }) => path.dirname(name)))) {
      await mkdir(path.join(folder, folderName), { recursive: true });
    }
    for (const file of files) await place(file.name, await file.bytes());
    await place(MARKER, `${JSON.stringify({ fingerprint })}\n`);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/**
 * Makes `folder` hold `files`, and returns how many it wrote: none where a finished run left them all, made
 * from the same `origin` (plain JSON). Safe for several processes at once: each writes the same bytes.
 */
export async function writeOnce(
  folder: string,
  files: readonly LazyFile[],
  origin: unknown,
): Promise<number> {
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([DRAWING, origin]))
    .digest("hex");
  await mkdir(folder, { recursive: true });
  const finished = (await readMarker(folder)) === fingerprint;
  const present = new Set(finished ? await readdir(folder, { recursive: true }) : []);
  const missing = files.filter(({ name }) => !present.has(path.normalize(name)));
  if (missing.length > 0) await writeFiles(folder, missing, fingerprint);
  await removeStale(folder);
  return missing.length;
}

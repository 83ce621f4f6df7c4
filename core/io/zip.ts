/** Packs a folder into a zip archive. */

import { createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ZipFile } from "yazl";
import { throwIfAborted } from "../errors.ts";
import { isImageName } from "../media/image-names.ts";
import { kindOf, listFolder } from "./find-images.ts";

/** Pictures are packed already: to deflate them again costs time and saves nothing. */
const PACKED_ENDINGS: readonly string[] = [".zip", ".npz", ".parquet", ".gz"];

/** Writes all files below `folder`, hidden ones aside, into the archive `target`; links as what they lead to. */
export async function zipFolder(
  folder: string,
  target: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const yazl = await import("yazl");
  const archive: ZipFile = new yazl.ZipFile();
  const output = archive.outputStream as Readable;
  const writing = pipeline(output, createWriteStream(target, { flags: "wx" }), { signal });
  // Errors of single files are the archive's, not its stream's.
  archive.on("error", (error: Error) => output.destroy(error));
  try {
    await addFolder(archive, folder, "");
    archive.end();
    await writing;
  } catch (error) {
    output.destroy();
    await writing.catch(() => undefined);
    throwIfAborted(signal);
    throw error;
  }
}

async function addFolder(archive: ZipFile, folder: string, prefix: string): Promise<void> {
  for (const entry of await listFolder(folder)) {
    const path = join(folder, entry.name);
    const name = `${prefix}${entry.name}`;
    const kind = await kindOf(entry, path);
    if (kind === "folder") await addFolder(archive, path, `${name}/`);
    else if (kind === "file") {
      const { mtime, mode } = await stat(path);
      const compress = !isImageName(name) && !PACKED_ENDINGS.includes(extname(name).toLowerCase());
      archive.addFile(path, name, { mtime, mode, compress });
    }
  }
}

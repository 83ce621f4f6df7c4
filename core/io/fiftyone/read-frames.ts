/** Frames of videos: kept as a field of their sample, by frame number. */

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "../../dataset/dataset.ts";
import type { IoFailure } from "../../dataset/io-port.ts";
import { isNearsightError } from "../../errors.ts";
import { type Document, idOf, isDocument, parsePythonJsonOrNull, toKept } from "./extended-json.ts";
import { jsonParts } from "./json-parts.ts";

/** Frames in memory at a time. */
const FRAMES_PER_WRITE = 5_000;

/** What FiftyOne makes anew for every frame. */
const BOOKKEEPING = new Set(["_dataset_id", "_sample_id", "created_at", "last_modified_at", "frame_number"]);

/** Documents of a `name.json` with a list under `name`, or of a folder with a file each; nothing if neither is there. */
export async function* readDocuments(
  folder: string,
  name: string,
): AsyncGenerator<{ document: unknown; place: string }, void, undefined> {
  const file = join(folder, `${name}.json`);
  if ((await stat(file).catch(() => null))?.isFile()) {
    for await (const { key, text, position } of jsonParts(file)) {
      if (key !== name || position === null) continue;
      const place = `${name}.json: number ${position + 1}`;
      yield { document: parsePythonJsonOrNull(text), place };
    }
    return;
  }
  const inner = join(folder, name);
  const names = await readdir(inner).catch(() => []);
  for (const one of names.filter((entry) => entry.endsWith(".json")).sort()) {
    const place = `${name}/${one}`;
    yield { document: parsePythonJsonOrNull(await readFile(join(inner, one), "utf8")), place };
  }
}

/** Adds the frames of `frames.json` to their samples as the field `frames`. */
export async function readFrames(folder: string, dataset: Dataset): Promise<IoFailure[]> {
  const failed: IoFailure[] = [];
  let frames = new Map<string, Record<string, unknown>>();
  let count = 0;
  const flush = async () => {
    failed.push(...(await writeFrames(dataset, frames)));
    frames = new Map();
    count = 0;
  };
  for await (const { document, place } of readDocuments(folder, "frames")) {
    const sampleId = isDocument(document) ? idOf(document._sample_id) : null;
    if (!isDocument(document) || sampleId === null || typeof document.frame_number !== "number") {
      failed.push({ path: place, reason: "it is no frame: it lacks its sample or its number" });
      continue;
    }
    const kept = Object.entries(document).filter(([name, value]) => !BOOKKEEPING.has(name) && value !== null);
    const ofSample = frames.get(sampleId) ?? {};
    ofSample[String(document.frame_number)] = toKept(Object.fromEntries(kept));
    frames.set(sampleId, ofSample);
    if (++count === FRAMES_PER_WRITE) await flush();
  }
  if (count > 0) await flush();
  return failed;
}

async function writeFrames(
  dataset: Dataset,
  frames: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): Promise<IoFailure[]> {
  const values = new Map<string, unknown>();
  // A sample's frames can come in several parts.
  for (const sample of await dataset.select([...frames.keys()]).head(frames.size)) {
    const known = sample.get<Document>("frames") ?? {};
    values.set(sample.id, { ...known, ...frames.get(sample.id) });
  }
  const gone = frames.size - values.size;
  try {
    await dataset.setValues("frames", values);
  } catch (error) {
    if (!isNearsightError(error)) throw error;
    return [{ path: "frames.json", reason: error.message }];
  }
  return gone === 0
    ? []
    : [{ path: "frames.json", reason: `the samples of ${gone} videos were not imported` }];
}

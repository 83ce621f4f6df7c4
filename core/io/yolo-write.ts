/** Writes YOLOv5Dataset: `images/`, `labels/` and `dataset.yaml`. */

import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { ExportOptions } from "../dataset/io-port.ts";
import type { Detection } from "../dataset/labels.ts";
import type { Sample } from "../dataset/sample.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import { classesOf, detectionsField, detectionsOf, withEnding } from "./detections.ts";
import { mediaWriter, uniqueNames } from "./export-media.ts";
import type { WriteItem } from "./format.ts";

/** The parts a data set is split into; a sample has its part as a tag. */
export const SPLITS: readonly string[] = ["train", "val", "test"];

/** Samples go to the part that they are tagged with, `val` as FiftyOne's where they are of none. */
export async function* writeYolo(
  samples: SampleCollection,
  path: string,
  options: ExportOptions,
): AsyncGenerator<WriteItem, void, undefined> {
  if (options.exportMedia === false) throw needsMedia();
  const field = await detectionsField(samples, options);
  const classes = await classesOf(samples, field, options);
  const numbers = new Map(classes.map((name, i) => [name, i]));
  await mkdir(path, { recursive: true });
  const media = mediaWriter(join(path, "images"), options);
  const unique = uniqueNames();
  const used = new Set<string>();
  for await (const row of samples) {
    throwIfAborted(options.signal);
    const sample = row as Sample;
    const split = SPLITS.find((one) => sample.tags.includes(one)) ?? "val";
    try {
      // Labels are found by the name without its ending, which must be unique too.
      const name = `${split}/${unique(withEnding(basename(sample.filepath), ""))}${extname(sample.filepath)}`;
      const written = await media.put(sample.filepath, name);
      used.add(split);
      const detections = detectionsOf(sample, field);
      if (detections !== null) {
        const file = withEnding(join(path, "labels", written), ".txt");
        await mkdir(dirname(file), { recursive: true });
        const rows = detections.flatMap((detection) => toRow(detection, numbers) ?? []);
        await writeFile(file, rows.join("\n"));
        for (const { label } of detections) {
          if (numbers.has(label)) continue;
          const reason = `its object '${label}' is of none of the classes`;
          yield { failed: { path: sample.filepath, reason } };
        }
      }
      yield { written: sample.id };
    } catch (error) {
      if (!isNearsightError(error)) throw error;
      yield { failed: { path: sample.filepath, reason: error.message } };
    }
  }
  const parts = SPLITS.filter((split) => used.has(split)).map((split) => [split, `./images/${split}/`]);
  const { stringify } = await import("yaml");
  // As numbers: FiftyOne adds one to the largest.
  const names = new Map(classes.map((name, i) => [i, name]));
  await writeFile(join(path, "dataset.yaml"), stringify({ names, ...Object.fromEntries(parts) }));
}

function toRow({ label, boundingBox }: Detection, numbers: ReadonlyMap<string, number>): string | null {
  const number = numbers.get(label);
  const [left, top, width, height] = boundingBox;
  if (number === undefined) return null;
  return [number, ...[left + width / 2, top + height / 2, width, height].map((one) => one.toFixed(9))].join(
    " ",
  );
}

function needsMedia(): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message:
      "Expected exportMedia 'copy' or 'symlink' but found false: YOLO finds labels by the place of the pictures",
    hint: 'Pass exportMedia: "symlink"',
  });
}

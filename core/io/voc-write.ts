/** Writes VOCDetectionDataset: pictures in `data/`, an XML file for each in `labels/`. */

import { mkdir, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import type { ExportOptions } from "../dataset/io-port.ts";
import type { Detection } from "../dataset/labels.ts";
import type { Sample } from "../dataset/sample.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { isNearsightError, throwIfAborted } from "../errors.ts";
import { detectionsField, detectionsOf, withEnding } from "./detections.ts";
import { mediaWriter, uniqueNames } from "./export-media.ts";
import type { WriteItem } from "./format.ts";
import { type ImageSize, sampleSize } from "./image-size.ts";

/** Names an element may have. */
const ELEMENT = /^[A-Za-z_][\w.-]*$/;

/** Characters that XML has no way to write. */
const NOT_IN_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

const OWN = new Set(["name", "bndbox"]);

export async function* writeVoc(
  samples: SampleCollection,
  path: string,
  options: ExportOptions,
): AsyncGenerator<WriteItem, void, undefined> {
  const field = await detectionsField(samples, options);
  await mkdir(join(path, "labels"), { recursive: true });
  const media = mediaWriter(join(path, "data"), options);
  const unique = uniqueNames();
  const { XMLBuilder } = await import("fast-xml-parser");
  const builder = new XMLBuilder({ format: true, indentBy: "    " });
  const told = new Set<string>();
  for await (const row of samples) {
    throwIfAborted(options.signal);
    const sample = row as Sample;
    try {
      const size = await sampleSize(sample);
      // Labels are found by the name without its ending, which must be unique too.
      const stem = unique(withEnding(basename(sample.filepath), ""));
      const name = await media.put(sample.filepath, stem + extname(sample.filepath));
      const detections = detectionsOf(sample, field) ?? [];
      const place = options.exportMedia === false ? { path: sample.filepath } : {};
      const text: string = builder.build({
        annotation: {
          folder: "data",
          filename: name,
          ...place,
          size: { ...size, depth: sample.get("metadata.num_channels") ?? 3 },
          object: detections.map((detection) => toObject(detection, size)),
        },
      });
      if (NOT_IN_XML.test(text)) {
        yield {
          failed: { path: sample.filepath, reason: "its labels have characters that XML cannot hold" },
        };
        continue;
      }
      await writeFile(withEnding(join(path, "labels", name), ".xml"), text);
      yield { written: sample.id };
      for (const attribute of detections.flatMap(leftOut)) {
        if (told.has(attribute)) continue;
        told.add(attribute);
        yield {
          failed: {
            path: `attribute '${attribute}'`,
            reason: "VOC labels have only texts, numbers and truth values",
          },
        };
      }
    } catch (error) {
      if (!isNearsightError(error) || error.code === "PACKAGE_MISSING") throw error;
      yield { failed: { path: sample.filepath, reason: error.message } };
    }
  }
}

/** Boxes in whole pixels, as the format has them. */
function toObject({ label, boundingBox, attributes = {} }: Detection, { width, height }: ImageSize) {
  const [left, top, boxWidth, boxHeight] = boundingBox;
  const bndbox = {
    xmin: Math.round(left * width),
    ymin: Math.round(top * height),
    xmax: Math.round((left + boxWidth) * width),
    ymax: Math.round((top + boxHeight) * height),
  };
  const others = Object.entries(attributes).filter(([name, value]) => isWritable(name, value));
  return { name: label, ...Object.fromEntries(others), bndbox };
}

function isWritable(name: string, value: unknown): boolean {
  return ELEMENT.test(name) && !OWN.has(name) && ["string", "number", "boolean"].includes(typeof value);
}

function leftOut({ attributes = {} }: Detection): string[] {
  return Object.entries(attributes).flatMap(([name, value]) => (isWritable(name, value) ? [] : [name]));
}

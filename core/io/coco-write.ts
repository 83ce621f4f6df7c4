/** Writes COCODetectionDataset: pictures in `data/`, everything else in `labels.json`. */

import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ExportOptions } from "../dataset/io-port.ts";
import type { Detection } from "../dataset/labels.ts";
import type { Sample } from "../dataset/sample.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { isNearsightError, throwIfAborted } from "../errors.ts";
import { classesOf, detectionsField, detectionsOf } from "./detections.ts";
import { mediaWriter } from "./export-media.ts";
import { type Document, extendedKind, isDocument, toPythonJson } from "./fiftyone/extended-json.ts";
import { JsonList } from "./fiftyone/json-list.ts";
import type { WriteItem } from "./format.ts";
import { type ImageSize, sampleSize } from "./image-size.ts";

/** Images and annotations go to files of their own, which are joined at the end: memory stays flat. */
export async function* writeCoco(
  samples: SampleCollection,
  path: string,
  options: ExportOptions,
): AsyncGenerator<WriteItem, void, undefined> {
  const field = await detectionsField(samples, options);
  const classes = await classesOf(samples, field, options);
  const ids = new Map(classes.map((name, i) => [name, i + 1]));
  await mkdir(path, { recursive: true });
  const media = mediaWriter(join(path, "data"), options);
  const parts = { images: join(path, "images.part"), annotations: join(path, "annotations.part") };
  const images = new JsonList(parts.images, "");
  const annotations = new JsonList(parts.annotations, "");
  try {
    for await (const row of samples) {
      throwIfAborted(options.signal);
      const sample = row as Sample;
      try {
        const size = await sampleSize(sample);
        const name = options.exportMedia === false ? sample.filepath : await media.put(sample.filepath);
        await images.add({ id: images.length + 1, file_name: name, ...size, license: null, coco_url: null });
        for (const detection of detectionsOf(sample, field) ?? []) {
          const category = ids.get(detection.label);
          if (category === undefined)
            yield { failed: { path: sample.filepath, reason: unknownClass(detection) } };
          else {
            const numbers = { id: annotations.length + 1, imageId: images.length, category };
            const annotation = toAnnotation(detection, numbers, size);
            await annotations.add(annotation, toPythonJson(annotation));
          }
        }
        yield { written: sample.id };
      } catch (error) {
        if (!isNearsightError(error) || error.code === "PACKAGE_MISSING") throw error;
        yield { failed: { path: sample.filepath, reason: error.message } };
      }
    }
  } finally {
    await images.close();
    await annotations.close();
  }
  const categories = classes.map((name, i) => ({ id: i + 1, name, supercategory: null }));
  await pipeline(joined(categories, parts), createWriteStream(join(path, "labels.json")));
  for (const part of Object.values(parts)) await rm(part);
}

async function* joined(
  categories: readonly Document[],
  parts: { readonly images: string; readonly annotations: string },
): AsyncGenerator<string | Buffer, void, undefined> {
  const info = { description: "", version: "", date_created: new Date().toISOString().slice(0, 19) };
  yield `{"info": ${JSON.stringify(info)}, "licenses": [], "categories": ${JSON.stringify(categories)}, "images": `;
  yield* createReadStream(parts.images);
  yield ', "annotations": ';
  yield* createReadStream(parts.annotations);
  yield "}";
}

function toAnnotation(
  { boundingBox, confidence, attributes = {} }: Detection,
  { id, imageId, category }: { readonly id: number; readonly imageId: number; readonly category: number },
  { width, height }: ImageSize,
): Document {
  const [left, top, boxWidth, boxHeight] = boundingBox;
  const bbox = [left * width, top * height, boxWidth * width, boxHeight * height];
  const { supercategory: _, iscrowd = 0, area, ...others } = attributes;
  const extra = Object.entries(others).map(([name, value]) => [name, toAttribute(value)] as const);
  return {
    ...Object.fromEntries(extra),
    id,
    image_id: imageId,
    category_id: category,
    bbox,
    area: typeof area === "number" ? area : boxWidth * width * boxHeight * height,
    iscrowd: Number(iscrowd),
    ...(confidence === undefined ? {} : { score: confidence }),
  };
}

/** Dates as text and arrays as base64 text, as FiftyOne writes them. */
function toAttribute(value: unknown): unknown {
  if (!isDocument(value)) return value;
  const kind = extendedKind(value);
  if (kind === "date") return value.$date;
  if (kind === "id") return value.$oid;
  if (kind === "binary" && isDocument(value.$binary)) return value.$binary.base64;
  return value;
}

function unknownClass({ label }: Detection): string {
  return `its object '${label}' is of none of the classes`;
}

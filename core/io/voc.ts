/** VOCDetectionDataset: an XML file of boxes for each picture, in FiftyOne's or in Pascal VOC's folders. */

import { readdir, readFile, stat } from "node:fs/promises";
import { basename, isAbsolute, join, resolve } from "node:path";
import type { ImportOptions } from "../dataset/io-port.ts";
import type { Attributes, DetectionInput } from "../dataset/labels.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import { IMAGE_ENDINGS } from "../media/image-names.ts";
import type { BoundingBox } from "../media/input-spec.ts";
import { boxProblem, DEFAULT_LABEL_FIELD, withEnding } from "./detections.ts";
import { type Document, isDocument } from "./fiftyone/extended-json.ts";
import { walkImages } from "./find-images.ts";
import type { Format, ReadItem } from "./format.ts";
import { type ImageSize, imageSize, isSize } from "./image-size.ts";
import { writeVoc } from "./voc-write.ts";

/** Folders of pictures and labels: FiftyOne's, then Pascal VOC's. */
const LAYOUTS = [
  { data: "data", labels: "labels" },
  { data: "JPEGImages", labels: "Annotations" },
  { data: "images", labels: "annotations" },
] as const;

/** The labels of one picture are never more. */
const MAX_XML_BYTES = 1 << 24;

/** The format of `dataset.export(dir, dataset_type=fo.types.VOCDetectionDataset)`. */
export const voc: Format = {
  name: "voc",
  aliases: ["VOCDetectionDataset"],
  endings: [],
  async detect(path) {
    for (const { labels } of LAYOUTS) {
      const [first] = await xmlFiles(join(path, labels));
      if (first !== undefined) return true;
    }
    return false;
  },
  read,
  write: writeVoc,
};

async function* read(path: string, options: ImportOptions): AsyncGenerator<ReadItem, void, undefined> {
  const folders = await foldersOf(resolve(path), options);
  const { labelField = DEFAULT_LABEL_FIELD } = options;
  const seen = new Set<string>();
  for (const name of await xmlFiles(folders.labels)) {
    throwIfAborted(options.signal);
    try {
      const annotation = await readAnnotation(join(folders.labels, name));
      const filepath = await pictureOf(annotation, name, folders.data);
      const size = knownSize(annotation) ?? (await imageSize(filepath));
      const detections: DetectionInput[] = [];
      for (const [i, object] of list(annotation.object).entries()) {
        const found = readObject(object, size);
        if (typeof found !== "string") detections.push(found);
        else yield { failed: { path: `${name}: object ${i + 1}`, reason: found } };
      }
      seen.add(filepath);
      yield {
        sample: { filepath, metadata: size, [labelField]: { _cls: "Detections", detections } },
        place: name,
      };
    } catch (error) {
      if (!isNearsightError(error) || error.code === "PACKAGE_MISSING") throw error;
      yield { failed: { path: name, reason: error.message } };
    }
  }
  yield* unlabelled(folders.data, seen);
}

/** Pictures without labels are samples too. */
async function* unlabelled(
  folder: string,
  seen: ReadonlySet<string>,
): AsyncGenerator<ReadItem, void, undefined> {
  for await (const found of walkImages(folder)) {
    if ("unreadable" in found) {
      yield { failed: { path: found.unreadable, reason: "the folder could not be read" } };
    } else if (!seen.has(found.file)) yield { sample: { filepath: found.file } };
  }
}

async function foldersOf(path: string, options: ImportOptions): Promise<{ data: string; labels: string }> {
  let found: { data: string; labels: string } | undefined;
  for (const layout of LAYOUTS) {
    if (found === undefined && (await isFolder(join(path, layout.labels)))) found = layout;
  }
  const { dataPath = found?.data, labelsPath = found?.labels } = options;
  if (dataPath !== undefined && labelsPath !== undefined) {
    return { data: resolve(path, dataPath), labels: resolve(path, labelsPath) };
  }
  throw new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `Expected folders data and labels, or JPEGImages and Annotations, in ${path} but found neither`,
    hint: "Name them with dataPath and labelsPath",
    details: { path },
  });
}

async function xmlFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.toLowerCase().endsWith(".xml")).sort();
}

/** The root of a file of labels. MEDIA_INVALID, LIMIT_EXCEEDED */
async function readAnnotation(path: string): Promise<Document> {
  const { size } = await stat(path);
  if (size > MAX_XML_BYTES) throw invalid(path, `a file of ${size} bytes`);
  const text = await readFile(path, "utf8");
  // Labels need no entities of their own: without a document type there is nothing to expand.
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw invalid(path, "a document type, which labels have no use for");
  const { XMLParser } = await import("fast-xml-parser");
  let content: unknown;
  try {
    content = new XMLParser({ parseTagValue: false, ignoreAttributes: true }).parse(text, true);
  } catch (error) {
    throw invalid(path, "something else, or a file that is cut off", error);
  }
  const annotation = isDocument(content) ? content.annotation : undefined;
  if (isDocument(annotation)) return annotation;
  throw invalid(path, "no element 'annotation'");
}

/** The picture that a file of labels names, or the one of its own name. */
async function pictureOf(annotation: Document, name: string, folder: string): Promise<string> {
  const { filename, path } = annotation;
  const named = typeof filename === "string" && filename !== "" ? [join(folder, filename)] : [];
  const stem = withEnding(join(folder, name), "");
  const away = typeof path === "string" && isAbsolute(path) ? [path] : [];
  const places = [...named, ...IMAGE_ENDINGS.map((ending) => stem + ending), ...away];
  for (const place of places) {
    if ((await stat(place).catch(() => null))?.isFile()) return place;
  }
  throw new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `Expected the picture '${named[0] === undefined ? stem : basename(named[0])}' in ${folder} but found none`,
    hint: "Name the folder of the pictures with dataPath",
  });
}

function knownSize({ size }: Document): ImageSize | null {
  if (!isDocument(size)) return null;
  const known = { width: Number(size.width), height: Number(size.height) };
  return isSize(known) ? known : null;
}

/** A detection, or what is wrong with the object. */
function readObject(object: unknown, size: ImageSize): DetectionInput | string {
  if (!isDocument(object) || typeof object.name !== "string" || object.name === "") return "it has no name";
  const { name, bndbox, ...rest } = object;
  const boundingBox = readBox(bndbox, size);
  if (typeof boundingBox === "string") return boundingBox;
  const attributes = Object.entries(rest).filter(([, value]) => value !== "");
  if (attributes.length === 0) return { label: name, boundingBox };
  const values = attributes.map(([key, value]) => [key, readValue(value)] as const);
  return { label: name, boundingBox, attributes: Object.fromEntries(values) as Attributes };
}

function readBox(bndbox: unknown, { width, height }: ImageSize): BoundingBox | string {
  if (!isDocument(bndbox)) return "it has no bndbox";
  const [left, top, right, bottom] = ["xmin", "ymin", "xmax", "ymax"].map((name) => numberOf(bndbox[name]));
  if (left === undefined || top === undefined || right === undefined || bottom === undefined)
    return "it has no bndbox";
  const box: BoundingBox = [left / width, top / height, (right - left) / width, (bottom - top) / height];
  return boxProblem(box) ?? box;
}

function numberOf(value: unknown): number {
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
}

/** Texts that are numbers or truth values become those; elements inside stay as they are. */
function readValue(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === "true";
  // Not 007: that is a name.
  return /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
}

function list(value: unknown): unknown[] {
  return value === undefined ? [] : [value].flat();
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

function invalid(path: string, found: string, cause?: unknown): NearsightError {
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected VOC labels in ${basename(path)} but found ${found}`,
    hint: "Correct the file, or remove it",
    details: { path },
    cause,
  });
}

/** COCODetectionDataset: one JSON file with images, categories and annotations, beside a folder of pictures. */

import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import type { ImportOptions, IoFailure } from "../dataset/io-port.ts";
import type { Attributes, DetectionInput } from "../dataset/labels.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import type { BoundingBox } from "../media/input-spec.ts";
import { writeCoco } from "./coco-write.ts";
import { boxProblem, DEFAULT_LABEL_FIELD } from "./detections.ts";
import { inflateArray } from "./fiftyone/arrays.ts";
import { type Document, isDocument, parsePythonJsonOrNull, toKept } from "./fiftyone/extended-json.ts";
import { jsonParts } from "./fiftyone/json-parts.ts";
import type { Format, ReadItem } from "./format.ts";
import { type ImageSize, imageSize, isSize } from "./image-size.ts";

/** Names that the file of labels has, FiftyOne's first. */
const LABEL_NAMES = ["labels.json", "_annotations.coco.json", "annotations.json", "instances.json"];

/** The format of `dataset.export(dir, dataset_type=fo.types.COCODetectionDataset)`. */
export const coco: Format = {
  name: "coco",
  aliases: ["COCODetectionDataset"],
  endings: [],
  async detect(path) {
    const file = await labelsFile(path, {});
    return file !== null && looksLikeCoco(file);
  },
  read,
  write: writeCoco,
};

/** The file of labels: the path itself, the one the options name, or one of a usual name. */
async function labelsFile(path: string, { labelsPath }: ImportOptions): Promise<string | null> {
  if (labelsPath !== undefined) return resolve(path, labelsPath);
  if (await isFile(path)) return path.toLowerCase().endsWith(".json") ? resolve(path) : null;
  for (const name of LABEL_NAMES) {
    if (await isFile(join(path, name))) return join(path, name);
  }
  const names = await readdir(join(path, "annotations")).catch(() => []);
  const [only, ...others] = names.filter((name) => /^instances_.+\.json$/.test(name)).sort();
  return only === undefined || others.length > 0 ? null : join(path, "annotations", only);
}

/** The first member of the object is one of COCO's. */
async function looksLikeCoco(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    const start = buffer.toString("latin1", 0, bytesRead);
    return /^(\xef\xbb\xbf)?\s*\{\s*"(info|licenses|categories|images|annotations)"\s*:/.test(start);
  } finally {
    await file.close();
  }
}

async function* read(path: string, options: ImportOptions): AsyncGenerator<ReadItem, void, undefined> {
  const file = await labelsFile(path, options);
  if (file === null || !(await isFile(file))) throw noLabels(path);
  const content = await readContent(file);
  yield* content.failed.map((failed) => ({ failed }));
  const folder = await mediaFolder(path, file, options);
  const { labelField = DEFAULT_LABEL_FIELD } = options;
  for (const image of content.images.values()) {
    throwIfAborted(options.signal);
    const filepath = isAbsolute(image.fileName) ? image.fileName : join(folder, image.fileName);
    const annotations = content.annotations.get(image.id) ?? [];
    content.annotations.delete(image.id);
    const size = await sizeOf(image, filepath);
    if ("failed" in size) {
      yield size;
      continue;
    }
    const detections: DetectionInput[] = [];
    for (const annotation of annotations) {
      const found = readAnnotation(annotation, size, content.categories);
      if (typeof found !== "string") detections.push(found);
      else yield { failed: { path: placeOf(file, annotation), reason: found } };
    }
    const labels = { [labelField]: { _cls: "Detections", detections } };
    yield {
      sample: { filepath, metadata: size, ...(content.isLabelled ? labels : {}) },
      place: `${basename(file)}: image ${image.fileName}`,
    };
  }
  for (const left of content.annotations.values()) {
    for (const annotation of left) {
      yield { failed: { path: placeOf(file, annotation), reason: "its image is not in the file" } };
    }
  }
}

interface CocoImage {
  readonly id: string;
  readonly fileName: string;
  readonly size: ImageSize | null;
}

interface Content {
  readonly categories: ReadonlyMap<string, { name: string; supercategory: string | null }>;
  /** By id. */
  readonly images: Map<string, CocoImage>;
  /** By id of the image. */
  readonly annotations: Map<string, Document[]>;
  /** False for a file of images alone. */
  readonly isLabelled: boolean;
  readonly failed: readonly IoFailure[];
}

/** Reads the file element by element; ids are texts here, as files have both numbers and texts. */
async function readContent(file: string): Promise<Content> {
  const categories = new Map<string, { name: string; supercategory: string | null }>();
  const images = new Map<string, CocoImage>();
  const annotations = new Map<string, Document[]>();
  const failed: IoFailure[] = [];
  let isLabelled = false;
  for await (const { key, text, position } of jsonParts(file)) {
    if (key === "annotations") isLabelled = true;
    if (position === null || !["categories", "images", "annotations"].includes(key)) continue;
    const place = `${basename(file)}: ${key} ${position + 1}`;
    const value = parsePythonJsonOrNull(text);
    const fail = (reason: string) => failed.push({ path: place, reason });
    if (!isDocument(value)) fail("it is no object");
    else if (key === "categories") {
      const { id, name = String(id), supercategory } = value;
      categories.set(String(id), {
        name: String(name),
        supercategory: typeof supercategory === "string" ? supercategory : null,
      });
    } else if (key === "images") {
      const { id, file_name: fileName, width, height } = value;
      const size = { width, height };
      if (id === undefined || typeof fileName !== "string" || fileName === "")
        fail("it has no id or no file_name");
      else if (images.has(String(id))) fail(`its id ${String(id)} is another image's`);
      else images.set(String(id), { id: String(id), fileName, size: isSize(size) ? size : null });
    } else {
      const imageId = String(value.image_id);
      const list = annotations.get(imageId) ?? [];
      list.push(value);
      annotations.set(imageId, list);
    }
  }
  return { categories, images, annotations, isLabelled, failed };
}

/** The folder of the pictures: FiftyOne's `data`, the original data set's `val2017`, or the folder of the labels. */
async function mediaFolder(path: string, file: string, { dataPath }: ImportOptions): Promise<string> {
  const root = (await isFile(path)) ? dirname(resolve(path)) : resolve(path);
  if (dataPath !== undefined) return resolve(root, dataPath);
  const split = /^instances_(.+)\.json$/.exec(basename(file))?.[1];
  const named = split === undefined ? [] : [split, join("images", split), join("..", split)];
  for (const name of ["data", ...named, "images"]) {
    const folder = join(root, name);
    if ((await stat(folder).catch(() => null))?.isDirectory()) return folder;
  }
  return dirname(file);
}

/** The size the file gives, else the picture's; a picture that is not there is a failure. */
async function sizeOf(image: CocoImage, filepath: string): Promise<ImageSize | { failed: IoFailure }> {
  if (!(await isFile(filepath))) return { failed: { path: filepath, reason: "there is no such file" } };
  if (image.size !== null) return image.size;
  try {
    return await imageSize(filepath);
  } catch (error) {
    if (!isNearsightError(error) || error.code === "PACKAGE_MISSING") throw error;
    return { failed: { path: filepath, reason: error.message } };
  }
}

/** A detection, or what is wrong with the annotation. */
function readAnnotation(
  annotation: Document,
  size: ImageSize,
  categories: Content["categories"],
): DetectionInput | string {
  const category = categories.get(String(annotation.category_id));
  if (category === undefined) return `its category ${String(annotation.category_id)} is not in the file`;
  const boundingBox = readBox(annotation.bbox, size);
  if (typeof boundingBox === "string") return boundingBox;
  const { score } = annotation;
  const isScore = typeof score === "number" && Number.isFinite(score);
  const attributes = readAttributes(annotation, isScore, category.supercategory);
  return {
    label: category.name,
    boundingBox,
    ...(isScore ? { confidence: score } : {}),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
  };
}

function readBox(bbox: unknown, { width, height }: ImageSize): BoundingBox | string {
  const numbers = Array.isArray(bbox) ? bbox.filter((one) => typeof one === "number") : [];
  const [left, top, boxWidth, boxHeight, ...others] = numbers;
  if (left === undefined || top === undefined || boxWidth === undefined || boxHeight === undefined) {
    return "its bbox is not four finite numbers";
  }
  if (others.length > 0 || numbers.length !== (bbox as unknown[]).length)
    return "its bbox is not four finite numbers";
  const box: BoundingBox = [left / width, top / height, boxWidth / width, boxHeight / height];
  return boxProblem(box) ?? box;
}

const OWN = new Set(["id", "image_id", "category_id", "bbox", "score"]);

/** Everything else an annotation says; an area that is only the box's is left out. */
function readAttributes(annotation: Document, isScore: boolean, supercategory: string | null): Attributes {
  const { bbox, area, attributes: inner } = annotation;
  const [, , width = 0, height = 0] = bbox as number[];
  const isPlainArea = typeof area === "number" && Math.abs(area - width * height) <= 1e-6 * Math.abs(area);
  // CVAT puts its attributes into an object of their own.
  const entries = [...Object.entries(annotation), ...(isDocument(inner) ? Object.entries(inner) : [])];
  const kept = entries.filter(([name, value]) => {
    if (value === null || (name === "area" && isPlainArea)) return false;
    if (name === "score" || name === "attributes") return name === "score" ? !isScore : !isDocument(value);
    return !OWN.has(name);
  });
  const attributes = kept.map(([name, value]) => [name, readAttribute(value)] as const);
  const group = supercategory === null ? [] : [["supercategory", supercategory] as const];
  return Object.fromEntries([...group, ...attributes]) as Attributes;
}

/** Arrays come as base64 text; they are kept as FiftyOne's own format has them. */
function readAttribute(value: unknown): unknown {
  const isArray = typeof value === "string" && value.startsWith("eJ") && inflateArray(value) !== null;
  return isArray ? { $binary: { base64: value, subType: "00" } } : toKept(value);
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

function placeOf(file: string, annotation: Document): string {
  return `${basename(file)}: annotation ${String(annotation.id)}`;
}

function noLabels(path: string): NearsightError {
  return new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `Expected a file of COCO labels in ${path} but found none, or several`,
    hint: 'Name it with labelsPath, such as "annotations/instances_val2017.json", and the pictures with dataPath',
    details: { path },
  });
}

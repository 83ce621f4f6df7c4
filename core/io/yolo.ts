/** YOLOv5Dataset: `dataset.yaml` and a text file of boxes for each picture; also the older YOLOv4Dataset. */

import { open, readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import type { ImportOptions, IoFailure } from "../dataset/io-port.ts";
import type { DetectionInput } from "../dataset/labels.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import { isImageName } from "../media/image-names.ts";
import type { BoundingBox } from "../media/input-spec.ts";
import { boxProblem, DEFAULT_LABEL_FIELD, withEnding } from "./detections.ts";
import { isDocument } from "./fiftyone/extended-json.ts";
import { walkImages } from "./find-images.ts";
import type { Format, ReadItem } from "./format.ts";
import { SPLITS, writeYolo } from "./yolo-write.ts";

const YAML_NAMES = ["dataset.yaml", "data.yaml", "dataset.yml", "data.yml"];

/** A text file of one picture, or a list of classes, is never this large. */
const MAX_TEXT_BYTES = 1 << 26;

/** The format of `dataset.export(dir, dataset_type=fo.types.YOLOv5Dataset)`. */
export const yolo: Format = {
  name: "yolo",
  aliases: ["YOLOv5Dataset", "YOLOv4Dataset"],
  endings: [],
  async detect(path) {
    if (await isFile(join(path, "obj.names"))) return true;
    const file = await yamlFile(path);
    return file !== null && hasNames(file);
  },
  read,
  write: writeYolo,
};

async function yamlFile(path: string): Promise<string | null> {
  if (await isFile(path)) return /\.ya?ml$/i.test(path) ? resolve(path) : null;
  for (const name of YAML_NAMES) {
    if (await isFile(join(path, name))) return join(path, name);
  }
  return null;
}

async function hasNames(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1 << 16), 0, 1 << 16, 0);
    return /^(names|nc|train|val)\s*:/m.test(buffer.toString("latin1", 0, bytesRead));
  } finally {
    await file.close();
  }
}

/** What is read: the classes by number, and the lists of pictures. */
interface Layout {
  readonly classes: ReadonlyMap<string, string>;
  readonly parts: readonly { readonly split: string | null; readonly path: string }[];
  /** Folders that relative paths in lists may start from. */
  readonly roots: readonly string[];
  /** File of labels for a picture. */
  readonly labelsOf: (picture: string) => string;
}

async function* read(path: string, options: ImportOptions): AsyncGenerator<ReadItem, void, undefined> {
  const yaml = await yamlFile(path);
  const layout = yaml === null ? await oldLayout(resolve(path), options) : await yamlLayout(yaml, options);
  const { labelField = DEFAULT_LABEL_FIELD } = options;
  for (const { split, path: part } of layout.parts) {
    for await (const found of pictures(part, layout.roots)) {
      throwIfAborted(options.signal);
      if ("failed" in found) yield found;
      else {
        const labels = layout.labelsOf(found.picture);
        const read = await readLabels(labels, layout.classes);
        for (const failed of read.failed) yield { failed };
        const { detections } = read;
        yield {
          sample: {
            filepath: found.picture,
            ...(split === null ? {} : { tags: [split] }),
            ...(detections === null ? {} : { [labelField]: { _cls: "Detections", detections } }),
          },
        };
      }
    }
  }
}

async function yamlLayout(yaml: string, options: ImportOptions): Promise<Layout> {
  const content = await readYaml(yaml);
  const folder = dirname(yaml);
  const named = typeof content.path === "string" && content.path !== "" ? content.path : ".";
  const root = resolve(folder, named);
  // An absolute path is where the files were when they were written: beside the file they are found first.
  const roots = isAbsolute(named) ? [folder, root] : [root, folder];
  const wanted: (readonly [string | null, string])[] = SPLITS.flatMap((split) =>
    texts(content[split]).map((part) => [split, part] as const),
  );
  if (options.dataPath !== undefined) wanted.splice(0, wanted.length, [null, options.dataPath]);
  const parts = [];
  for (const [split, part] of wanted) parts.push({ split, path: await firstThere(part, roots) });
  if (parts.length === 0) throw invalid(yaml, "neither train nor val nor test");
  const labelsFolder = options.labelsPath === undefined ? null : resolve(folder, options.labelsPath);
  return { classes: classesFrom(content.names), parts, roots, labelsOf: labelsFinder(parts, labelsFolder) };
}

/** Version 4: `obj.names`, `images.txt`, and the labels beside the pictures in `data`. */
async function oldLayout(folder: string, options: ImportOptions): Promise<Layout> {
  const names = await readText(join(folder, "obj.names"));
  if (names === null) throw noLayout(folder);
  const list = join(folder, "images.txt");
  const path =
    options.dataPath === undefined && (await isFile(list))
      ? list
      : resolve(folder, options.dataPath ?? "data");
  const parts = [{ split: null, path }];
  const labelsFolder = options.labelsPath === undefined ? null : resolve(folder, options.labelsPath);
  return {
    classes: classesFrom(lines(names)),
    parts,
    roots: [folder],
    labelsOf:
      labelsFolder === null ? (picture) => withEnding(picture, ".txt") : labelsFinder(parts, labelsFolder),
  };
}

async function readYaml(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(path);
  const { parse } = await import("yaml");
  let content: unknown = null;
  try {
    // Aliases are counted, so that a few lines cannot stand for millions.
    content = text === null ? null : parse(text, { maxAliasCount: 100, logLevel: "error" });
  } catch (error) {
    throw invalid(path, "something else, or a file that is cut off", error);
  }
  if (isDocument(content)) return content;
  throw invalid(path, "no names and values");
}

/** Classes by number, from a list or a map. */
function classesFrom(names: unknown): Map<string, string> {
  if (typeof names !== "object" || names === null) return new Map();
  return new Map(Object.entries(names).map(([number, name]) => [number, String(name)]));
}

async function firstThere(path: string, roots: readonly string[]): Promise<string> {
  for (const root of roots) {
    const place = resolve(root, path);
    if ((await stat(place).catch(() => null)) !== null) return place;
  }
  return resolve(roots[0] ?? "", path);
}

/** The pictures of a folder, or those a text file lists. */
async function* pictures(
  path: string,
  roots: readonly string[],
): AsyncGenerator<{ picture: string } | { failed: IoFailure }, void, undefined> {
  if ((await stat(path).catch(() => null)) === null) {
    yield { failed: { path, reason: "there is no such file or folder" } };
    return;
  }
  if (!(await isFile(path))) {
    for await (const found of walkImages(path)) {
      if ("file" in found) yield { picture: found.file };
      else yield { failed: { path: found.unreadable, reason: "the folder could not be read" } };
    }
    return;
  }
  for (const line of lines((await readText(path)) ?? "")) {
    const places = line.startsWith("./") ? [dirname(path), ...roots] : [...roots, dirname(path)];
    const picture = await firstThere(line, places);
    if (isImageName(picture) && (await isFile(picture))) yield { picture };
    else yield { failed: { path: line, reason: "there is no such picture" } };
  }
}

/** YOLO's rule: the last folder `images` of a path is `labels`; where there is none, labels lie beside pictures. */
function labelsFinder(
  parts: readonly { readonly path: string }[],
  labelsFolder: string | null,
): (picture: string) => string {
  return (picture) => {
    if (labelsFolder !== null) {
      const part = parts.find(({ path }) => picture.startsWith(path + sep));
      const inside =
        part === undefined ? (picture.split(sep).at(-1) ?? "") : picture.slice(part.path.length + 1);
      return withEnding(join(labelsFolder, inside), ".txt");
    }
    const at = picture.lastIndexOf(`${sep}images${sep}`);
    const labels = at < 0 ? picture : `${picture.slice(0, at)}${sep}labels${sep}${picture.slice(at + 8)}`;
    return withEnding(labels, ".txt");
  };
}

/** The boxes of a picture; null detections where it has no file of labels. */
async function readLabels(
  path: string,
  classes: ReadonlyMap<string, string>,
): Promise<{ detections: DetectionInput[] | null; failed: IoFailure[] }> {
  let text: string | null;
  try {
    text = await readText(path);
  } catch (error) {
    if (!isNearsightError(error)) throw error;
    return { detections: null, failed: [{ path, reason: error.message }] };
  }
  if (text === null) return { detections: null, failed: [] };
  const detections: DetectionInput[] = [];
  const failed: IoFailure[] = [];
  text.split("\n").forEach((line, i) => {
    if (line.trim() === "") return;
    const found = readRow(line.trim().split(/\s+/), classes);
    if (typeof found === "string") failed.push({ path: `${path}: line ${i + 1}`, reason: found });
    else detections.push(found);
  });
  return { detections, failed };
}

/** `class x y width height [confidence]`, or `class` and the corners of a polygon; else what is wrong. */
function readRow([number = "", ...rest]: readonly string[], classes: ReadonlyMap<string, string>) {
  const label = classes.get(number);
  if (label === undefined && (classes.size > 0 || !/^\d+$/.test(number)))
    return `there is no class '${number.slice(0, 50)}'`;
  const values = rest.map(Number);
  const isPolygon = values.length >= 6 && values.length % 2 === 0;
  if (values.length < 4 || (values.length > 5 && !isPolygon)) return `it has ${values.length} numbers`;
  if (!values.every(Number.isFinite)) return "it has something else than finite numbers";
  const boundingBox = isPolygon ? boxAround(values) : boxOf(values);
  const problem = boxProblem(boundingBox);
  if (problem !== null) return problem;
  const [confidence] = isPolygon ? [] : values.slice(4);
  return {
    label: label ?? number,
    boundingBox,
    ...(confidence === undefined ? {} : { confidence }),
    ...(isPolygon ? { attributes: { polygon: pairs(values) } } : {}),
  };
}

function boxOf([x = 0, y = 0, width = 0, height = 0]: readonly number[]): BoundingBox {
  return [x - width / 2, y - height / 2, width, height];
}

function boxAround(values: readonly number[]): BoundingBox {
  const points = pairs(values);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top];
}

function pairs(values: readonly number[]): [number, number][] {
  return Array.from({ length: values.length / 2 }, (_, i) => [values[2 * i] ?? 0, values[2 * i + 1] ?? 0]);
}

/** The text of a file, or null where there is none. LIMIT_EXCEEDED */
async function readText(path: string): Promise<string | null> {
  const facts = await stat(path).catch(() => null);
  if (!facts?.isFile()) return null;
  if (facts.size <= MAX_TEXT_BYTES) return readFile(path, "utf8");
  throw new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `Expected a text of at most ${MAX_TEXT_BYTES} bytes but ${path} has ${facts.size}`,
    hint: "Check that it is a file of YOLO labels",
  });
}

function lines(text: string): string[] {
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
}

function texts(value: unknown): string[] {
  return [value].flat().filter((one): one is string => typeof one === "string" && one !== "");
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

function invalid(path: string, found: string, cause?: unknown): NearsightError {
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected a YOLO data set's names and pictures in ${path} but found ${found}`,
    hint: "Write it as { names: [...], train: images/train, val: images/val }",
    details: { path },
    cause,
  });
}

function noLayout(path: string): NearsightError {
  return new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `Expected dataset.yaml, data.yaml or obj.names in ${path} but found none`,
    hint: "Give the folder that holds it, or the file itself",
    details: { path },
  });
}

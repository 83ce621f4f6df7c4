/** What JSON Lines, CSV and Parquet have in common: where the file and the media lie, and records as samples. */

import { existsSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { ExportOptions, ImportOptions } from "../dataset/io-port.ts";
import type { SampleInput } from "../dataset/sample-input.ts";
import { NearsightError } from "../errors.ts";
import { RESERVED_NAMES } from "../store/view-state.ts";
import { mediaWriter } from "./export-media.ts";
import type { Format } from "./format.ts";

/** Names a path goes by in files of others, ours first. */
const PATH_NAMES = [
  ...["filepath", "file_path", "filename", "file_name", "path"],
  ...["image_path", "image", "img_path", "uri", "url"],
];

/** Where media go beside a table in a folder of its own: FiftyOne's name. */
const MEDIA_FOLDER = "data";

/** Field that vectors are in, where the file has no type for them. */
export const DEFAULT_EMBEDDINGS_FIELD = "embeddings";

/** A file to read, and the folders that relative paths in it start at: each path at the first where its file is. */
export interface TableSource {
  readonly file: string;
  readonly bases: readonly string[];
}

/** Where to write the file, and how paths are written in it. */
export interface TableTarget {
  readonly file: string;
  /** The path to write for a medium, which is copied or linked where the options say so. */
  place(filepath: string): Promise<string>;
}

/** True where the path has one of the endings, or is a folder with the file of the given name. */
export async function looksLikeTable(path: string, format: Pick<Format, "endings">, name: string) {
  const found = await stat(path);
  if (found.isFile()) return hasEnding(path, format);
  return (await stat(join(path, name)).catch(() => null))?.isFile() ?? false;
}

/** The file at the path, or of that name in the folder at the path. MEDIA_NOT_FOUND */
export async function tableSource(path: string, name: string, options: ImportOptions): Promise<TableSource> {
  const isFile = (await stat(path)).isFile();
  const folder = isFile ? dirname(path) : path;
  const file = isFile ? path : resolve(path, options.labelsPath ?? name);
  // FiftyOne's paths start in the folder of media, those of others beside the file.
  const own = [dirname(file), join(dirname(file), MEDIA_FOLDER)].filter((base) => existsSync(base));
  const bases = options.dataPath === undefined ? own : [resolve(folder, options.dataPath)];
  if ((await stat(file).catch(() => null))?.isFile() === true) return { file, bases };
  throw new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `No file at '${file}'`,
    hint: "Give the file itself, or its name in the folder as labelsPath",
    details: { path: file },
  });
}

/**
 * A single file with absolute paths where the target is named as one; else a folder with the media beside it,
 * whose paths start at the file, or with `inMedia` in the folder of media.
 */
export async function tableTarget(
  path: string,
  format: Pick<Format, "name" | "endings">,
  name: string,
  options: ExportOptions,
  { inMedia = false } = {},
): Promise<TableTarget> {
  if (hasEnding(path, format)) {
    if ((options.exportMedia ?? false) === false) return { file: path, place: async (filepath) => filepath };
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected a folder to put media in but found a single file for the format '${format.name}'`,
      hint: "Give a folder as the target, or leave exportMedia out",
    });
  }
  await mkdir(path);
  const media = mediaWriter(join(path, MEDIA_FOLDER), options);
  const place = async (filepath: string) => {
    if (options.exportMedia === false) return filepath;
    const medium = await media.put(filepath);
    return inMedia ? medium : `${MEDIA_FOLDER}/${medium}`;
  };
  return { file: join(path, name), place };
}

function hasEnding(path: string, { endings }: Pick<Format, "endings">): boolean {
  return endings.some((ending) => path.toLowerCase().endsWith(ending));
}

const URL_START = /^[a-z][a-z0-9+.-]+:/i;

/** A record as a sample: throws a plain error with the reason where it has no path. */
export function toSampleInput(
  record: Readonly<Record<string, unknown>>,
  bases: readonly string[],
): SampleInput {
  const pathName = PATH_NAMES.find((name) => typeof record[name] === "string" && record[name] !== "");
  if (pathName === undefined) throw new Error(`There is no '${PATH_NAMES[0]}' in it`);
  const path = String(record[pathName]);
  const sample: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) {
    if (name === pathName || value === null || value === undefined) continue;
    const field = fieldName(name);
    if (holdsBytes(value)) throw new Error(`'${name}' holds bytes, which no field can`);
    if (Object.hasOwn(sample, field)) throw new Error(`There are two fields named '${field}'`);
    define(sample, field, value);
  }
  const { id, tags, media_type, mediaType = media_type, uri, ...fields } = sample;
  return {
    ...fields,
    filepath: URL_START.test(path) ? path : placed(path, bases),
    // Numbers are ids in files of others.
    ...(id === undefined ? {} : { id: typeof id === "number" ? String(id) : (id as string) }),
    ...(tags === undefined ? {} : { tags: tags as string[] }),
    ...(typeof mediaType === "string" ? { mediaType } : {}),
    ...(typeof uri === "string" ? { uri } : {}),
  };
}

function placed(path: string, bases: readonly string[]): string {
  const [first = ""] = bases;
  if (isAbsolute(path) || bases.length < 2) return resolve(first, path);
  const base = bases.find((folder) => existsSync(resolve(folder, path))) ?? first;
  return resolve(base, path);
}

/** Names that are read as what they say. */
const OWN_NAMES: readonly string[] = ["id", "tags", "mediaType", "media_type"];

/** Names of files of others as fields may be named: without dots, quotes, backslashes and control characters. */
function fieldName(name: string): string {
  const plain = name.replace(/[."\\\p{Cc}]/gu, "_") || "_";
  return RESERVED_NAMES.has(plain) && !OWN_NAMES.includes(plain) ? `${plain}_` : plain;
}

function holdsBytes(value: unknown): boolean {
  if (typeof value !== "object" || value === null || value instanceof Float32Array) return false;
  return value instanceof Uint8Array || Object.values(value).some(holdsBytes);
}

/** Sets a member by any name: `__proto__` too becomes one like others. */
export function define(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}

/** The numbers as a vector, or null for anything else. */
export function asVector(value: unknown): Float32Array | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  return value.every((one) => typeof one === "number") ? Float32Array.from(value) : null;
}

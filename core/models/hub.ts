/** Keeps model directories downloaded once from a Hugging Face style hub, with their SHA-256 recorded beside them. */

import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NearsightError } from "../errors.ts";
import { type DownloadProgress, downloadFile } from "./download.ts";
import { graphNames, hashFile, invalid, MAX_JSON_BYTES, type ModelDtype } from "./model-files.ts";
import { readOnnxHeader } from "./onnx-file.ts";

export interface HubOptions {
  /** Folder of downloaded models. */
  readonly cache: string;
  /** Address of the hub. */
  readonly endpoint: string;
  /** Access token for models behind a login. */
  readonly token?: string | undefined;
  /** Branch, tag or commit. Default "main". */
  readonly revision?: string | undefined;
  /** Precision of the weights. Default "fp32". */
  readonly dtype?: ModelDtype | undefined;
  /** Expected SHA-256 by file; CHECKSUM_MISMATCH where one differs. */
  readonly checksums?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Further tries after a broken connection. Default 2. */
  readonly retries?: number | undefined;
  /** Milliseconds before the first further try. Default 500. */
  readonly retryDelay?: number | undefined;
}

/** A downloaded model. */
export interface HubModel {
  readonly directory: string;
  /** SHA-256 by file, for files unchanged since they were downloaded. */
  readonly recorded: Readonly<Record<string, string>>;
}

/** What is remembered of a file: by size and time it is seen to be unchanged without reading it. */
interface Entry {
  readonly size: number;
  readonly modified: number;
  readonly sha256: string;
  readonly etag: string | null;
}

interface Manifest {
  readonly repository: string;
  readonly revision: string;
  readonly files: Readonly<Record<string, Entry>>;
  /** Optional files the hub does not have. */
  readonly absent: readonly string[];
}

/** What the steps of one download share. */
interface Job {
  readonly repository: string;
  readonly revision: string;
  readonly directory: string;
  readonly options: HubOptions;
}

const MANIFEST = "nearsight-download.json";
/** owner/name, as the hub allows them; no dots that lead elsewhere. */
const REPOSITORY = /^[A-Za-z0-9][\w-]*(\.[\w-]+)*\/[A-Za-z0-9][\w-]*(\.[\w-]+)*$/;
const REVISION = /^[\w][\w.-]*$/;
const SETTINGS = [
  "preprocessor_config.json",
  "processor_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
];

/**
 * Gives the local directory of a hub model, downloading what is missing: settings, and the graphs of one precision.
 * A second call needs no network. `repository` is `owner/name`.
 *
 * Throws MODEL_NOT_FOUND naming the address, DOWNLOAD_FAILED, CHECKSUM_MISMATCH, MODEL_INVALID, ABORTED.
 *
 * @example
 * const { directory } = await downloadModel("Xenova/clip-vit-base-patch32", { cache, endpoint });
 */
export async function downloadModel(repository: string, options: HubOptions): Promise<HubModel> {
  const job = startJob(repository, options);
  await mkdir(job.directory, { recursive: true });
  await need(job, "config.json");
  for (const name of SETTINGS) await want(job, name);
  const dtype = options.dtype ?? "fp32";
  const vision = await wantFirst(job, graphNames("vision_model", dtype));
  if (vision) await wantFirst(job, graphNames("text_model", dtype));
  else if (!(await wantFirst(job, graphNames("model", dtype)))) throw noGraph(job, dtype);
  return { directory: job.directory, recorded: await unchanged(job) };
}

/** The folder a hub model is kept in, whether it is there or not. */
export function modelFolder(
  repository: string,
  { cache, revision = "main" }: Pick<HubOptions, "cache" | "revision">,
): string {
  return join(cache, repository.replace("/", "--"), revision);
}

/** Reads every recorded file again; throws CHECKSUM_MISMATCH for the first that changed. */
export async function verifyModel(repository: string, options: HubOptions): Promise<void> {
  const job = startJob(repository, options);
  for (const [file, entry] of Object.entries((await readManifest(job)).files)) {
    const found = await hashFile(join(job.directory, file));
    if (found !== entry.sha256) throw changed(job, file, entry.sha256, found);
  }
}

function startJob(repository: string, options: HubOptions): Job {
  const { revision = "main", endpoint } = options;
  if (!REPOSITORY.test(repository) || !REVISION.test(revision)) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected a model as owner/name and a revision but found '${repository}' and '${revision}'`,
      hint: "Write it as on the hub, such as hub:Xenova/clip-vit-base-patch32",
    });
  }
  if (!/^https?:\/\//.test(endpoint)) {
    throw new NearsightError({
      code: "CONFIG_INVALID",
      message: `Expected the hub's address to start with https:// but found '${endpoint}'`,
      hint: "Correct HF_ENDPOINT",
    });
  }
  return { repository, revision, directory: modelFolder(repository, options), options };
}

async function need(job: Job, file: string): Promise<void> {
  if (await want(job, file)) return;
  throw new NearsightError({
    code: "MODEL_NOT_FOUND",
    message: `The hub has no ${fileUrl(job, file)}`,
    hint: "Check owner, name and revision; the model must have an ONNX export in this layout",
    details: { path: new URL(fileUrl(job, file)).pathname },
  });
}

/** The first of several names the hub has, with the weights beside it. */
async function wantFirst(job: Job, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    if (!(await want(job, name))) continue;
    const folder = name.slice(0, name.lastIndexOf("/") + 1);
    for (const beside of readOnnxHeader(join(job.directory, name)).externalFiles) {
      if (!/^[\w][\w.-]*$/.test(beside))
        throw invalid(`${name} points to weights in '${beside}', outside its folder`);
      await need(job, folder + beside);
    }
    return true;
  }
  return false;
}

/** Makes sure a file is here; false where the hub has none. */
async function want(job: Job, file: string): Promise<boolean> {
  const { directory, options } = job;
  const target = join(directory, file);
  const manifest = await readManifest(job);
  const pinned = options.checksums?.[file];
  const entry = manifest.files[file];
  if (entry !== undefined && (await isUnchanged(target, entry)))
    return checkPinned(job, file, entry.sha256, pinned);
  // Copied here by hand, without a record: taken as it is.
  if (entry === undefined && existsSync(target))
    return checkPinned(job, file, pinned && (await hashFile(target)), pinned);
  if (manifest.absent.includes(file)) return false;
  const { signal, onProgress, retries, retryDelay, token } = options;
  const maxBytes = file.endsWith(".json") ? MAX_JSON_BYTES : undefined;
  const rest = { signal, onProgress, retries, retryDelay, token, sha256: pinned, maxBytes };
  const found = await downloadFile(fileUrl(job, file), target, file, rest);
  await remember(job, (known) =>
    found === null
      ? { ...known, absent: [...known.absent.filter((name) => name !== file), file] }
      : { ...known, files: { ...known.files, [file]: found } },
  );
  return found !== null;
}

function checkPinned(job: Job, file: string, found: string | undefined, pinned: string | undefined): true {
  if (pinned === undefined || found === undefined || pinned.toLowerCase() === found) return true;
  throw changed(job, file, pinned, found);
}

function fileUrl({ repository, revision, options }: Job, file: string): string {
  return `${options.endpoint.replace(/\/+$/, "")}/${repository}/resolve/${revision}/${file}`;
}

async function isUnchanged(path: string, entry: Entry): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && found.size === entry.size && found.mtimeMs === entry.modified;
}

async function unchanged(job: Job): Promise<Record<string, string>> {
  const recorded: Record<string, string> = {};
  for (const [file, entry] of Object.entries((await readManifest(job)).files)) {
    if (await isUnchanged(join(job.directory, file), entry)) recorded[file] = entry.sha256;
  }
  return recorded;
}

type Remembered = Omit<Manifest, "files"> & {
  readonly files: Readonly<Record<string, Omit<Entry, "modified">>>;
};

/** Changes the manifest in one rename. Where two processes do so at once one record may be lost: files stay usable without. */
async function remember(job: Job, change: (known: Manifest) => Remembered): Promise<void> {
  const next = change(await readManifest(job));
  const files: Record<string, Entry> = {};
  for (const [file, entry] of Object.entries(next.files)) {
    const found = await stat(join(job.directory, file)).catch(() => null);
    if (found !== null) files[file] = { modified: found.mtimeMs, ...entry };
  }
  const path = join(job.directory, MANIFEST);
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, `${JSON.stringify({ ...next, files }, null, 2)}\n`);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function readManifest({ directory, repository, revision }: Job): Promise<Manifest> {
  const empty: Manifest = { repository, revision, files: {}, absent: [] };
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, MANIFEST), "utf8"));
    return isManifest(value) ? value : empty;
  } catch (error) {
    // Absent at first; a damaged one only costs hashing the files again.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return empty;
    throw error;
  }
}

function isManifest(value: unknown): value is Manifest {
  const { files, absent } = Object(value) as Partial<Manifest>;
  return (
    typeof files === "object" &&
    files !== null &&
    !Object.values(files).includes(null as never) &&
    Array.isArray(absent)
  );
}

function noGraph(job: Job, dtype: ModelDtype): NearsightError {
  const names = [...graphNames("vision_model", dtype), ...graphNames("model", dtype)];
  return new NearsightError({
    code: "MODEL_NOT_FOUND",
    message: `The hub has none of ${names.join(", ")} in ${fileUrl(job, "")}`,
    hint: "Choose another dtype, or a repository with an ONNX export",
    details: { dtype },
  });
}

function changed(job: Job, file: string, expected: string, found: string): NearsightError {
  return new NearsightError({
    code: "CHECKSUM_MISMATCH",
    message: `Expected ${file} of ${job.repository} to have SHA-256 ${expected} but found ${found}`,
    hint: `Delete ${job.directory} and download the model again`,
    details: { file, expected, found },
  });
}

/** FiftyOneDataset: samples, labels, vectors, saved views and brain runs, as FiftyOne exports and imports them. */

import { mkdir, open, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Dataset } from "../../dataset/dataset.ts";
import type { ExportOptions, ImportOptions, IoFailure } from "../../dataset/io-port.ts";
import type { Sample } from "../../dataset/sample.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../../errors.ts";
import { newId } from "../../ids.ts";
import { mediaWriter } from "../export-media.ts";
import type { Extras, Format, ReadItem, WriteItem } from "../format.ts";
import { type Document, isDocument } from "./extended-json.ts";
import { JsonList } from "./json-list.ts";
import { datasetDocument, fieldTypesOf, lostParts, readMetadata } from "./metadata.ts";
import { readDocuments, readFrames } from "./read-frames.ts";
import { readRuns } from "./read-runs.ts";
import { createSampleReader } from "./read-sample.ts";
import { SchemaCollector } from "./schema.ts";
import { readViews, writeViews } from "./views.ts";
import { writeRuns } from "./write-runs.ts";
import { toObjectId, type WrittenSample, writeSample } from "./write-sample.ts";

/** Samples whose vectors are read at a time. */
const SAMPLES_PER_READ = 500;

/** The format of `dataset.export(dir, dataset_type=fo.types.FiftyOneDataset)`. */
export const fiftyone: Format = {
  name: "fiftyone",
  aliases: ["FiftyOneDataset"],
  endings: [],
  detect,
  read,
  finish,
  write,
};

async function detect(path: string): Promise<boolean> {
  const isThere = async (name: string) => (await stat(join(path, name)).catch(() => null)) !== null;
  if (!(await isThere("metadata.json"))) return false;
  if (!(await isThere("samples.json")) && !(await isThere("samples"))) return false;
  const file = await open(join(path, "metadata.json"));
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.toString("latin1", 0, bytesRead).trimStart().startsWith("{");
  } finally {
    await file.close();
  }
}

async function* read(path: string, options: ImportOptions): AsyncGenerator<ReadItem, void, undefined> {
  const metadata = await readMetadata(path);
  const folder = resolve(path);
  const reader = createSampleReader({
    folder,
    dataPath: options.dataPath === undefined ? null : resolve(folder, options.dataPath),
    fieldTypes: fieldTypesOf(metadata),
  });
  let count = 0;
  for await (const { document, place } of readDocuments(path, "samples")) {
    throwIfAborted(options.signal);
    count++;
    try {
      const found = isDocument(document) ? reader.read(document, place) : null;
      if (found === null)
        yield { failed: { path: place, reason: "it is no sample: it lacks its id or its path" } };
      else {
        for (const failed of found.notes) yield { failed };
        yield { sample: found.sample, place };
      }
    } catch (error) {
      if (!isNearsightError(error)) throw error;
      yield { failed: { path: place, reason: error.message } };
    }
  }
  if (count === 0) await assertSamples(path);
}

/** A data set can be empty, but not without its list of samples. */
async function assertSamples(path: string): Promise<void> {
  for (const name of ["samples.json", "samples"]) {
    if ((await stat(join(path, name)).catch(() => null)) !== null) return;
  }
  throw new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `Expected samples.json or a folder samples in ${path} but found neither`,
    hint: "Give the folder that FiftyOne exported to",
    details: { path },
  });
}

async function finish(path: string, dataset: Dataset, options: ImportOptions): Promise<Extras> {
  const metadata = await readMetadata(path);
  const failed: IoFailure[] = lostParts(metadata);
  if ((await stat(join(path, "tags.json")).catch(() => null)) !== null) {
    failed.push({ path: "tags.json", reason: "data sets have no place for temporal tags" });
  }
  failed.push(...(await readFrames(path, dataset)));
  const runs = await readRuns(path, metadata, dataset, options.signal);
  const views = await readViews(Array.isArray(metadata.saved_views) ? metadata.saved_views : [], dataset);
  failed.push(...runs.failed, ...views.failed);
  return { savedViews: views.names, brainRuns: runs.keys, failed };
}

async function* write(
  samples: SampleCollection,
  path: string,
  options: ExportOptions,
): AsyncGenerator<WriteItem, void, undefined> {
  const { dataset } = samples;
  const types = new Map((await dataset.fields()).map(({ name, type }) => [name, type]));
  const id = toObjectId(dataset.id);
  await mkdir(path, { recursive: true });
  const writer = new SampleWriter(path, id);
  try {
    yield* writeSamples(samples, path, id, writer, options);
  } finally {
    await writer.close();
  }
  // Saved views and runs are of the whole data set: beside a part of it they would mean something else.
  const isWhole = samples.stages.length === 0;
  const runs = isWhole
    ? await writeRuns(
        dataset,
        { folder: path, datasetId: id, types, renamed: writer.renamed },
        options.signal,
      )
    : { documents: {}, info: {}, failed: [] };
  const views = isWhole ? await writeViews(dataset, id, types) : { documents: [], failed: [] };
  const document = datasetDocument({
    id,
    name: dataset.name,
    mediaTypes: writer.mediaTypes,
    groups: writer.groups,
    sampleFields: writer.schema.sampleFields(),
    frameFields: writer.frameFields,
    savedViews: views.documents,
    runs: runs.documents,
    info: runs.info,
  });
  await writeFile(join(path, "metadata.json"), JSON.stringify(document));
  for (const failed of [...runs.failed, ...views.failed]) yield { failed };
}

async function* writeSamples(
  samples: SampleCollection,
  path: string,
  datasetId: string,
  writer: SampleWriter,
  options: ExportOptions,
): AsyncGenerator<WriteItem, void, undefined> {
  const media = mediaWriter(join(path, "data"), options);
  const told = new Set<string>();
  for await (const page of pages(samples)) {
    throwIfAborted(options.signal);
    const vectors = await vectorsOf(samples.dataset, page);
    for (const sample of page) {
      try {
        const place =
          options.exportMedia === false ? sample.filepath : `data/${await media.put(sample.filepath)}`;
        const written = writeSample(sample, place, vectors.get(sample.id) ?? {}, datasetId);
        await writer.add(written);
        yield { written: sample.id };
        for (const { field, reason } of written.left) {
          if (told.has(`${field} ${reason}`)) continue;
          told.add(`${field} ${reason}`);
          yield { failed: { path: `field '${field}'`, reason } };
        }
      } catch (error) {
        if (!isNearsightError(error)) throw error;
        yield { failed: { path: sample.filepath, reason: error.message } };
      }
    }
  }
}

async function* pages(samples: SampleCollection): AsyncGenerator<Sample[], void, undefined> {
  let page: Sample[] = [];
  for await (const sample of samples) {
    page.push(sample as Sample);
    if (page.length < SAMPLES_PER_READ) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** The vectors of some samples: by sample, then by field. */
async function vectorsOf(
  dataset: Dataset,
  samples: readonly Sample[],
): Promise<Map<string, Record<string, Float32Array>>> {
  const found = new Map<string, Record<string, Float32Array>>();
  for (const { name, type } of await dataset.fields()) {
    if (type !== "vector") continue;
    const { ids, vectors } = await dataset.getVectors(name, samples);
    ids.forEach((id, i) => {
      found.set(id, { ...found.get(id), [name]: vectors.row(i) });
    });
  }
  return found;
}

/** Writes `samples.json` and, where there are videos with frames, `frames.json`; collects what they hold. */
class SampleWriter {
  readonly schema = new SchemaCollector();
  readonly mediaTypes = new Set<string>();
  readonly renamed = new Set<string | null>();
  readonly #frameSchema = new SchemaCollector();
  readonly #path: string;
  readonly #datasetId: string;
  readonly #samples: JsonList;
  #frames: JsonList | null = null;
  #groupTypes: [string, string][] = [];
  #groupField: string | null = null;

  constructor(path: string, datasetId: string) {
    this.#path = path;
    this.#datasetId = datasetId;
    this.#samples = new JsonList(join(path, "samples.json"), "samples");
  }

  async add({ document, fields, frames, id, renamed }: WrittenSample): Promise<void> {
    for (const what of renamed) this.renamed.add(what);
    for (const [name, value] of Object.entries(fields)) {
      this.schema.add(name, value);
      if (isDocument(value) && value._cls === "Group") this.#addGroup(name, value, document);
    }
    this.mediaTypes.add(String(document._media_type));
    await this.#samples.add(document);
    if (frames !== null) await this.#addFrames(id, frames);
  }

  /** The parts of the data set's document that grouped samples need. */
  get groups(): Document | null {
    if (this.#groupField === null) return null;
    return {
      media_type: "group",
      group_field: this.#groupField,
      group_media_types: Object.fromEntries(this.#groupTypes),
      default_group_slice: this.#groupTypes[0]?.[0] ?? null,
    };
  }

  get frameFields() {
    return this.#frames === null ? [] : this.#frameSchema.frameFields();
  }

  async close(): Promise<void> {
    await this.#samples.close();
    await this.#frames?.close();
  }

  #addGroup(name: string, group: Document, document: Document): void {
    this.#groupField ??= name;
    const slice = String(group.name);
    if (this.#groupTypes.some(([known]) => known === slice)) return;
    this.#groupTypes.push([slice, String(document._media_type)]);
  }

  async #addFrames(sampleId: string, frames: Document): Promise<void> {
    this.#frames ??= new JsonList(join(this.#path, "frames.json"), "frames");
    for (const [number, frame] of Object.entries(frames)) {
      if (!isDocument(frame)) continue;
      const { _id = { $oid: newId() }, ...fields } = frame;
      for (const [name, value] of Object.entries(fields)) this.#frameSchema.add(name, value);
      const ids = { _sample_id: { $oid: sampleId }, _dataset_id: { $oid: this.#datasetId } };
      await this.#frames.add({ ...fields, _id, ...ids, frame_number: Number(number) });
    }
  }
}

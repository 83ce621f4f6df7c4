/** `metadata.json` of a FiftyOne data set: its document, as far as ours has a place for it. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { IoFailure } from "../../dataset/io-port.ts";
import { NearsightError } from "../../errors.ts";
import type { FieldDocument } from "./classes.ts";
import { type Document, isDocument, parsePythonJson } from "./extended-json.ts";
import { foreignInfo } from "./run-models.ts";
import { slugOf } from "./views.ts";

/** The release whose documents these are; a newer FiftyOne migrates them. */
const FORMAT_VERSION = "1.22.1";

/** Parts of the document that ours has no place for. */
const NOT_KEPT = [
  ...["description", "info", "tags", "classes", "default_classes", "mask_targets", "default_mask_targets"],
  ...[
    "skeletons",
    "camera_intrinsics",
    "static_transforms",
    "workspaces",
    "annotation_runs",
    "evaluations",
    "runs",
  ],
];

/** MEDIA_NOT_FOUND, MEDIA_INVALID. */
export async function readMetadata(folder: string): Promise<Document> {
  const path = join(folder, "metadata.json");
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new NearsightError({
      code: "MEDIA_NOT_FOUND",
      message: `Expected the metadata.json of a FiftyOne data set in ${folder} but found none`,
      hint: "Give the folder that FiftyOne exported to",
      details: { path },
      cause: error,
    });
  });
  const metadata = parsePythonJson(text, path);
  if (isDocument(metadata)) return metadata;
  throw new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected an object in ${path} but found a list or a single value`,
    hint: "Export the data set again",
    details: { path },
  });
}

/** FiftyOne's types of the sample fields, by name. */
export function fieldTypesOf(metadata: Document): Map<string, string> {
  const types = new Map<string, string>();
  for (const field of Array.isArray(metadata.sample_fields) ? metadata.sample_fields : []) {
    if (!isDocument(field) || typeof field.name !== "string" || typeof field.ftype !== "string") continue;
    types.set(
      typeof field.db_field === "string" ? field.db_field : field.name,
      field.ftype.split(".").at(-1) ?? "",
    );
  }
  return types;
}

/** What of the document is lost, part by part. */
export function lostParts(metadata: Document): IoFailure[] {
  const foreign: Document = { ...metadata, info: foreignInfo(metadata.info) };
  return NOT_KEPT.filter((part) => !isEmpty(foreign[part])).map((part) => ({
    path: `metadata.json: ${part}`,
    reason: "data sets have no place for it",
  }));
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== "object" || value === null)
    return value === undefined || value === null || value === "";
  return Object.keys(value).length === 0;
}

/** The document of a data set that is written. */
export function datasetDocument(facts: {
  readonly id: string;
  readonly name: string;
  readonly mediaTypes: ReadonlySet<string>;
  readonly groups: Document | null;
  readonly sampleFields: readonly FieldDocument[];
  readonly frameFields: readonly FieldDocument[];
  readonly savedViews: readonly Document[];
  readonly runs: Document;
  readonly info: Document;
}): Document {
  const now = { $date: new Date().toISOString() };
  const [mediaType = null, ...others] = [...facts.mediaTypes];
  return {
    _id: { $oid: facts.id },
    name: facts.name,
    slug: slugOf(facts.name),
    version: FORMAT_VERSION,
    created_at: now,
    last_modified_at: now,
    last_deletion_at: null,
    last_loaded_at: now,
    sample_collection_name: `samples.${facts.id}`,
    persistent: false,
    media_type: others.length > 0 ? "mixed" : mediaType,
    group_media_types: {},
    ...facts.groups,
    tags: [],
    info: facts.info,
    app_config: {},
    classes: {},
    default_classes: [],
    mask_targets: {},
    default_mask_targets: {},
    skeletons: {},
    sample_fields: facts.sampleFields.map((field) => withTime(field, now)),
    frame_fields: facts.frameFields.map((field) => withTime(field, now)),
    saved_views: facts.savedViews,
    workspaces: [],
    annotation_runs: {},
    brain_methods: facts.runs,
    evaluations: {},
    runs: {},
  };
}

function withTime(field: FieldDocument, now: Document): Document {
  return { ...field, fields: field.fields.map((inner) => withTime(inner, now)), created_at: now };
}

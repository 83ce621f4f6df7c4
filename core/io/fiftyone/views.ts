/** Saved views, from FiftyOne's documents to ours and back. */

import type { Dataset } from "../../dataset/dataset.ts";
import type { IoFailure } from "../../dataset/io-port.ts";
import { isNearsightError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import { type Document, isDocument, parsePythonJson } from "./extended-json.ts";
import { readStages } from "./read-stages.ts";
import type { FieldTypes } from "./write-expressions.ts";
import { writeStages } from "./write-stages.ts";

/** Saves the views that ours has an equivalent of, and tells the others. */
export async function readViews(
  views: readonly unknown[],
  dataset: Dataset,
): Promise<{ names: string[]; failed: IoFailure[] }> {
  const names: string[] = [];
  const failed: IoFailure[] = [];
  for (const given of views) {
    const view = typeof given === "string" ? parsePythonJson(given, "metadata.json: saved views") : given;
    const name = isDocument(view) && typeof view.name === "string" ? view.name : "";
    const path = `metadata.json: saved view '${name}'`;
    const serialized = isDocument(view) && Array.isArray(view.view_stages) ? view.view_stages : null;
    if (serialized === null || name === "") failed.push({ path, reason: "it has no name or no stages" });
    else {
      const reason = await saveView(dataset, name, serialized);
      if (reason === null) names.push(name);
      else failed.push({ path, reason });
    }
  }
  return { names, failed };
}

/** Saves one view; returns why it could not be, or null. */
async function saveView(
  dataset: Dataset,
  name: string,
  serialized: readonly unknown[],
): Promise<string | null> {
  const found = readStages(serialized);
  if ("unknown" in found) return `ours has no equivalent of ${found.unknown}`;
  const [first, ...others] = found.stages;
  if (first === undefined) return "it has no stages";
  try {
    let view = dataset.addStage(first);
    for (const stage of others) view = view.addStage(stage);
    // A search runs when the view is read: only what comes without one is tried here.
    if (found.stages.every(({ stage }) => stage !== "sortBySimilarity")) await view.count();
    await dataset.saveView(name, view);
    return null;
  } catch (error) {
    if (isNearsightError(error)) return error.message;
    throw error;
  }
}

/** The documents of all saved views that FiftyOne has an equivalent of. */
export async function writeViews(
  dataset: Dataset,
  datasetId: string,
  types: FieldTypes,
): Promise<{ documents: Document[]; failed: IoFailure[] }> {
  const documents: Document[] = [];
  const failed: IoFailure[] = [];
  const now = { $date: new Date().toISOString() };
  for (const name of await dataset.listSavedViews()) {
    const found = writeStages((await dataset.loadView(name)).stages, types);
    if ("unknown" in found) {
      failed.push({ path: `saved view '${name}'`, reason: `FiftyOne has no equivalent of ${found.unknown}` });
      continue;
    }
    documents.push({
      _id: { $oid: newId() },
      _dataset_id: { $oid: datasetId },
      name,
      description: null,
      slug: slugOf(name),
      color: null,
      view_stages: found.texts,
      created_at: now,
      last_modified_at: now,
      last_loaded_at: null,
    });
  }
  return { documents, failed };
}

/** The name as it stands in an address. */
export function slugOf(name: string): string {
  return (
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "unnamed"
  );
}

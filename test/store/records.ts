/** Short ways to write samples, labels and runs. */

import { newId } from "../../core/ids.ts";
import type { LabelRecord, NewSample } from "../../core/store/store.ts";
import type { NewRun, PlannedEntry, RunConfig } from "../../core/store/store-runs.ts";

export function newSample(change: Partial<NewSample> = {}): NewSample {
  return {
    id: newId(),
    filepath: "/pictures/a.jpg",
    uri: null,
    mediaType: "image",
    tags: [],
    fields: {},
    labels: [],
    labelFields: {},
    ...change,
  };
}

/** A sample with detections in `boxes`, one per name. */
export function withBoxes(names: readonly string[], change: Partial<NewSample> = {}): NewSample {
  const sample = newSample(change);
  const labels = names.map((label, i) =>
    newLabel({ sampleId: sample.id, field: "boxes", label, confidence: (i + 1) / 10 }),
  );
  return { ...sample, labels, labelFields: { boxes: "detections" } };
}

export function newLabel(change: Partial<LabelRecord> & { sampleId: string }): LabelRecord {
  return {
    id: newId(),
    field: "boxes",
    kind: "detection",
    label: "cat",
    confidence: null,
    boundingBox: [0, 0, 0.5, 0.5],
    tags: [],
    attributes: {},
    ...change,
  };
}

/** Entries named like their samples. */
export function entriesOf(...ids: string[]): PlannedEntry[] {
  return ids.map((id) => ({ entryId: id, sampleId: id }));
}

/** A similarity run with the key "images". */
export function newRun(change: Partial<NewRun> & { datasetId: string }): NewRun {
  return {
    key: "images",
    type: "similarity",
    version: "1.0.0",
    config: RUN_CONFIG,
    specHash: "hash",
    ...change,
  };
}

export const RUN_CONFIG: RunConfig = {
  backend: "local",
  collectionName: "pets",
  ownsCollection: false,
  metric: "cosine",
  dimension: null,
  patchesField: null,
  roiField: null,
  embeddingsField: null,
  model: null,
  modelFingerprint: null,
  modelArguments: {},
  supportsPrompts: false,
  forceSquare: false,
  alpha: null,
  normalized: false,
  params: {},
  stages: [],
};

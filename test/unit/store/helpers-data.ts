/** Short ways to write samples, labels and runs. */

import { newId } from "../../../core/ids.ts";
import type { LabelRecord, NewSample } from "../../../core/store/store.ts";
import type { RunConfig } from "../../../core/store/store-runs.ts";

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

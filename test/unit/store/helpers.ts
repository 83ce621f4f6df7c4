/** Stores in temporary folders, and short ways to write samples. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { newId } from "../../../core/ids.ts";
import { openSqliteStore } from "../../../core/store/sqlite-store.ts";
import type { LabelRecord, MetadataStore, NewSample, RunConfig } from "../../../core/store/store.ts";

export const EVERYTHING = { offset: 0, limit: Number.MAX_SAFE_INTEGER } as const;

/** A store for the tests of one file, in a folder that is removed after them. */
export function useStore(): { readonly store: MetadataStore; readonly folder: string } {
  const state: { store?: MetadataStore; folder?: string } = {};
  beforeAll(async () => {
    state.folder = await mkdtemp(join(tmpdir(), "nearsight-store-"));
    state.store = await openSqliteStore({ folder: state.folder });
  });
  afterAll(async () => {
    await state.store?.close();
    if (state.folder !== undefined) await rm(state.folder, { recursive: true });
  });
  return {
    get store() {
      if (state.store === undefined) throw new Error("The store is opened before the tests");
      return state.store;
    },
    get folder() {
      return state.folder ?? "";
    },
  };
}

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
  ownsCollection: true,
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

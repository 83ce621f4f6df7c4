/** The twelve samples that the tests of views read, and short ways to say which. */

import { beforeAll } from "vitest";
import type { Filter } from "../../core/filter.ts";
import { matrix } from "../../core/matrix.ts";
import type { MetadataStore, NewSample, StoreStage } from "../../core/store/store.ts";
import { EVERYTHING, newLabel, useStore, withBoxes } from "./helpers.ts";

/** A store with a data set of twelve samples, for the tests of one file. */
export function useTwelveSamples(): {
  readonly store: MetadataStore;
  readonly datasetId: string;
  /** The numbers of the samples that a view shows, in its order. */
  numbers(...stages: StoreStage[]): Promise<unknown[]>;
} {
  const files = useStore();
  let datasetId = "";
  beforeAll(async () => {
    const { datasets, samples, vectors } = files.store;
    datasetId = (await datasets.create("views")).id;
    for (const first of [0, 6]) {
      await samples.add(
        datasetId,
        Array.from({ length: 6 }, (_, n) => sampleAt(first + n)),
      );
    }
    await vectors.put(datasetId, "vector", ["s1", "s2"], matrix(new Float32Array(4), 2));
  });
  return {
    get store() {
      return files.store;
    },
    get datasetId() {
      return datasetId;
    },
    numbers(...stages) {
      const path = stages.some(({ stage }) => stage === "toPatches") ? "sample.n" : "n";
      return files.store.samples.values(datasetId, stages, path, EVERYTHING);
    },
  };
}

/** Sample `n` of 12; box names cycle through cat, dog, bird. */
function sampleAt(n: number): NewSample {
  const names = ["cat", "dog", "bird"];
  const sample = withBoxes(
    Array.from({ length: boxesAt(n) }, (_, i) => names[(n + i) % 3] ?? ""),
    { id: `s${n}`, filepath: `/${n}.jpg`, tags: n % 2 === 0 ? ["even"] : ["odd", "x"], fields: fieldsAt(n) },
  );
  const scene = newLabel({
    sampleId: sample.id,
    field: "scene",
    kind: "classification",
    label: n < 6 ? "in" : "out",
    boundingBox: null,
  });
  return {
    ...sample,
    labels: [...sample.labels, ...(n === 0 ? [] : [scene])],
    labelFields: {
      ...(n === 11 ? {} : { boxes: "detections" }),
      ...(n === 0 ? {} : { scene: "classification" }),
    },
  };
}

/** Boxes of sample `n`; sample 11 has no such field at all. */
export function boxesAt(n: number): number {
  return n === 11 ? 0 : n % 4;
}

function fieldsAt(n: number): Record<string, unknown> {
  return {
    n,
    group: n % 3,
    ...(n % 4 === 0 ? {} : { half: n / 2 }),
    inner: { deep: -n, mixed: [null, true, 3, "text"][n % 4] },
  };
}

/** A field against a value. */
export function compare(
  field: string,
  comparison: "eq" | "ne" | "lt" | "gt",
  value: string | number | boolean | null,
): Filter {
  return { op: "compare", field, comparison, value };
}

/** Labels of one name. */
export const label = (name: string): Filter => compare("label", "eq", name);

/** Pictures in a bucket: no labels, only objects. Their samples are known by address, so adding them again adds none. */

import type { Dataset } from "../dataset/dataset.ts";
import type { ImportOptions } from "../dataset/io-port.ts";
import type { SampleInput } from "../dataset/sample-input.ts";
import { NearsightError } from "../errors.ts";
import { idOfAddress } from "../ids.ts";
import { folderAddress, imagesBelow } from "../media/below.ts";
import type { MediaSource } from "../media/media-source.ts";
import type { Format } from "./format.ts";

/** Addresses looked up in the data set together. */
const PAGE = 1_000;

/** Reads the pictures below an address of one of the `sources` that `dataset` does not have yet. */
export function bucketFormat(dataset: Dataset, sources: readonly MediaSource[]): Format {
  return {
    name: "bucket",
    aliases: [],
    endings: [],
    detect: async (path) => sources.some((source) => source.matches(path)),
    async *read(path, { signal }) {
      let page: string[] = [];
      for await (const { uri } of imagesBelow(folderAddress(path), { sources, signal })) {
        page.push(uri);
        if (page.length < PAGE) continue;
        yield* await newSamples(dataset, page);
        page = [];
      }
      yield* await newSamples(dataset, page);
    },
  };
}

/** Refuses what a bucket of pictures has no use for. INVALID_ARGUMENT */
export function assertBucketOptions(options: ImportOptions): void {
  const given = (["format", "dataPath", "labelsPath"] as const).find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected no '${given}' for a bucket: only pictures are read from one`,
    hint: "Download the data set first, or leave the option out",
  });
}

async function newSamples(dataset: Dataset, uris: readonly string[]): Promise<{ sample: SampleInput }[]> {
  const samples = uris.map((uri) => ({ id: idOfAddress(dataset.id, uri), filepath: uri, uri }));
  const known = new Set(await dataset.select(samples.map(({ id }) => id)).values("id"));
  return samples.flatMap((sample) => (known.has(sample.id) ? [] : [{ sample }]));
}

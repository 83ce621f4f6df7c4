/** A data set that follows a bucket in memory, with an index of mean colours, and whether the two agree. */

import { expect } from "vitest";
import type { Dataset, OpenOptions } from "../../core/index.ts";
import { type BucketServer, settingsOf, startBucketServer } from "./bucket-server.ts";
import { colourModel } from "./colour-model.ts";
import { encodePicture, plainPicture } from "./pictures.ts";
import { temporaryNearsight } from "./temporary.ts";

export const BRAIN_KEY = "colours";

/** Pictures of one colour each, as files. */
export const PICTURES = new Map<string, Uint8Array>();
for (const [name, rgb] of Object.entries({ red: [255, 0, 0], green: [0, 255, 0], blue: [0, 0, 255] })) {
  PICTURES.set(name, await encodePicture(plainPicture(4, 4, rgb as [number, number, number])));
}

export function picture(name: string): Uint8Array {
  const bytes = PICTURES.get(name);
  if (bytes === undefined) throw new Error(`Expected a picture but '${name}' is none`);
  return bytes;
}

/** An installation that reads the bucket; several of one `home` are as many processes. */
export function nearsightOn(server: BucketServer, options: OpenOptions = {}) {
  return temporaryNearsight({
    ...options,
    models: { colours: colourModel(), ...options.models },
    config: { s3: settingsOf(server), embeddingCacheBytes: 0, ...options.config },
  });
}

/** A bucket and a data set with an index, empty both. */
export async function startSynced(options: OpenOptions = {}) {
  const server = await startBucketServer();
  const ns = await nearsightOn(server, options);
  const dataset = await ns.createDataset("photos");
  await dataset.computeSimilarity({ brainKey: BRAIN_KEY, model: "colours", skipFailures: false });
  return { server, ns, dataset };
}

/** Expects the samples, the entries and the vectors that the objects in the bucket call for, and no others. */
export async function expectInStep(server: BucketServer, dataset: Dataset): Promise<void> {
  const keys = server.keys();
  const uris = keys.map(server.uri);
  const paths = await dataset.values<string>("filepath");
  expect([...paths].sort()).toEqual([...uris].sort());
  const { entries } = await dataset.getBrainInfo(BRAIN_KEY);
  expect(entries).toEqual({ indexed: keys.length, pending: 0, failed: 0, deleting: 0 });
  const index = await dataset.loadBrainResults(BRAIN_KEY);
  expect(await index.totalIndexSize()).toBe(keys.length);
  if (keys.length === 0) return;
  const { embeddings: expected, sampleIds } = await dataset.computeEmbeddings("colours");
  const { embeddings } = await index.getEmbeddings({ sampleIds });
  expect([...embeddings.data]).toEqual([...expected.data]);
}

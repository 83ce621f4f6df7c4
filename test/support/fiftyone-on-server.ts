/** One data set in both programs, the real FiftyOne and nearsight, with indexes of either on one real server. */

import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import type { Metric } from "../../core/backends/metric.ts";
import { type BackendDriver, local } from "../../core/backends/registry.ts";
import type { SimilarityIndex } from "../../core/dataset/brain-port.ts";
import type { Dataset } from "../../core/dataset/dataset.ts";
import type { ImportReport, IoFailure } from "../../core/dataset/io-port.ts";
import type { SimilarityInput } from "../../core/dataset/similarity-port.ts";
import { toMatrix } from "../../core/matrix.ts";
import type { Nearsight } from "../../core/nearsight.ts";
import { type FiftyOnePeer, startFiftyOne } from "./fiftyone-peer.ts";
import type { FiftyOneSession } from "./fiftyone-session.ts";
import { type Entries, expectDistances, vectorOf } from "./nearest.ts";
import type { Ranked } from "./ranking.ts";
import { temporaryFolder, temporaryNearsight } from "./temporary.ts";
import { randomVectors } from "./vectors.ts";

const SAMPLES = 40;
const DIMENSION = 8;

/** FiftyOne indexes so many of them: the others are added later. */
const FIRST = 36;

/** The field with boxes. */
export const FIELD = "objects";

/** A kind of index that both programs make. */
export interface IndexKind {
  readonly name: string;
  /** FiftyOne's name of the metric, and ours. */
  readonly metric: string;
  readonly ours: Metric;
  /** Its vectors are of length 1: FiftyOne makes them and those it searches with so. */
  readonly isUnit?: boolean;
  /** What its names begin with; FiftyOne makes names up where there is none. */
  readonly prefix?: string;
  /** What FiftyOne's answers from its own index are off by: above 0 where the server compares short codes. */
  readonly rounding: number;
  /** Options that ours is made with. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** False where FiftyOne gets no vectors back, its own neither: it searches by vectors alone then. */
  readonly givesVectors: boolean;
}

/** A server, in the words of both programs. */
export interface SharedServer {
  readonly driver: BackendDriver;
  /** Connection options, as ours takes them. */
  readonly address: object;
  /** Variables that FiftyOne needs beside those of its own. */
  readonly variables?: Readonly<Record<string, string>>;
  /** FiftyOne's option for the name of a collection. */
  readonly nameOption: string;
  /** FiftyOne's class of an index. */
  readonly kindThere: string;
  readonly kinds: readonly IndexKind[];
  /** What FiftyOne calls a distance, by its name of the metric. */
  fiftyOneDistance(metric: string, distance: number): number;
}

/** What FiftyOne finds: ids of the view, and its own neighbours with their distances. */
export interface FoundThere {
  readonly ids: readonly string[];
  readonly ranked: readonly string[];
  readonly distances: readonly number[];
}

/** What FiftyOne says of a run. */
export interface RunThere {
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly total: number;
}

/** Ids of a data set of FiftyOne's. */
interface IdsThere {
  readonly samples: readonly string[];
  readonly boxes: readonly (readonly string[])[];
}

/** The data set in both programs; the same ids and vectors. */
export interface SharedDataset {
  readonly ns: Nearsight;
  readonly fiftyOne: FiftyOneSession;
  /** Its name in FiftyOne. */
  readonly there: string;
  readonly here: Dataset;
  readonly report: ImportReport;
  readonly ids: IdsThere;
  /** What FiftyOne has indexed. */
  readonly indexed: Readonly<Record<Rows, readonly string[]>>;
  /** The vectors that an index of this kind has of these samples or boxes. */
  entries(kind: IndexKind, of: Rows, ids: readonly string[]): Entries;
  /** The sample of a box, or of itself. */
  ownerOf(id: string): string;
  /** Makes an index here. */
  makeHere(key: string, kind: IndexKind, of: Rows, entries: Entries): Promise<void>;
  /** Exports the data set here and imports it there under another name; gives the keys of its runs. */
  bringThere(name: string): Promise<readonly string[]>;
  /** The same with another data set; gives what the export could not keep, too. */
  exportThere(
    dataset: Dataset,
    name: string,
  ): Promise<{ readonly runs: readonly string[]; readonly failed: readonly IoFailure[] }>;
  hitsHere(
    key: string,
    of: Rows,
    query: SimilarityInput,
    options: { readonly k?: number; readonly reverse?: boolean; readonly within?: readonly string[] },
  ): Promise<readonly Ranked[]>;
  sortThere(
    run: { readonly dataset: string; readonly key: string; readonly of: Rows },
    request: { readonly query: unknown; readonly k: number; readonly ids?: readonly string[] | undefined },
  ): Promise<FoundThere>;
  runThere(dataset: string, key: string): Promise<RunThere>;
  vectorsThere(
    run: { readonly dataset: string; readonly key: string },
    ids: readonly string[],
  ): Promise<Readonly<Record<string, { readonly sample: string }>>>;
  /** The collections that FiftyOne sees on the server of a run. */
  namesThere(key: string): Promise<readonly string[]>;
}

/** What an index is of. */
export const ROWS = ["samples", "boxes"] as const;
export type Rows = (typeof ROWS)[number];

/** All names made here say which run of the tests they belong to; FiftyOne writes others than ours. */
const NAME = `interop ${process.pid}`;
const OWN_NAMES = new RegExp(`interop[-_](readable[-_])?${process.pid}`);

/** Key of the run that FiftyOne makes. */
export const keyThere = ({ name }: IndexKind, of: Rows) => `fiftyone_${name}_${of}`;

/** Registers the shared data set: what it gives is there within tests. */
export function sharedDataset(server: SharedServer): () => SharedDataset {
  let peer: FiftyOnePeer | undefined;
  let shared: SharedDataset | undefined;
  beforeAll(async () => {
    const folder = temporaryFolder();
    peer = await startFiftyOne(folder);
    shared = await shareDataset(server, peer, folder);
  }, 1_200_000);
  afterAll(async () => {
    await peer?.stop();
    await dropCollections(server);
  });
  return () => {
    if (shared === undefined) throw new Error("Expected the shared data set but it is not made yet");
    return shared;
  };
}

/** Has FiftyOne make a data set and an index of each kind, of samples and of boxes, and imports it here. */
async function shareDataset(
  server: SharedServer,
  peer: FiftyOnePeer,
  folder: string,
): Promise<SharedDataset> {
  const { driver, address } = server;
  const ns = await temporaryNearsight({
    backends: [local, driver],
    config: { similarityBackends: { [driver.name]: { ...address } } },
  });
  const fiftyOne = peer.open({ ...variablesOf(server), ...server.variables });
  const boxCounts = Array.from({ length: SAMPLES }, (_, i) => i % 4);
  const pictures = { folder: join(folder, "pictures"), samples: SAMPLES, boxes: boxCounts };
  const ids = await fiftyOne.ask<IdsThere>("make", { dataset: NAME, ...pictures });
  const indexed = { samples: ids.samples.slice(0, FIRST), boxes: ids.boxes.slice(0, FIRST).flat() };
  const all = { samples: ids.samples, boxes: ids.boxes.flat() };
  const entries = (kind: IndexKind, of: Rows, wanted: readonly string[]) => {
    const vectors = vectorsOf(kind, all[of]);
    return new Map(wanted.map((id) => [id, vectorOf(vectors, id)]));
  };
  for (const kind of server.kinds) {
    for (const of of ROWS) {
      const vectors = entries(kind, of, indexed[of]);
      await fiftyOne.ask("compute", {
        ...{ dataset: NAME, key: keyThere(kind, of), backend: driver.name, metric: kind.metric },
        ...(kind.prefix === undefined ? {} : { [server.nameOption]: `${kind.prefix}-${of}` }),
        ...{ embeddings: rowsOf(vectors, indexed[of]), first: FIRST, field: fieldOf(of) },
      });
    }
  }
  const made = join(folder, "made there");
  await fiftyOne.ask("export", { dataset: NAME, folder: made });
  const { dataset: here, report } = await ns.datasetFromDir(made, { name: NAME });
  const owners = new Map(ids.boxes.flatMap((boxes, i) => boxes.map((box) => [box, ids.samples[i] ?? ""])));
  const ownerOf = (id: string) => owners.get(id) ?? id;
  const self: SharedDataset = {
    ...{ ns, fiftyOne, there: NAME, here, report, ids, indexed, entries, ownerOf },
    async makeHere(brainKey, kind, of, vectors) {
      const names = [...vectors.keys()];
      const labelled = of === "boxes" ? { sampleIds: names.map(ownerOf), labelIds: names } : null;
      await here.computeSimilarity({
        ...{ brainKey, backend: driver.name, metric: kind.ours, ...kind.options },
        ...(of === "boxes" ? { patchesField: FIELD } : {}),
        embeddings: {
          embeddings: toMatrix(rowsOf(vectors, names)),
          ...(labelled ?? { sampleIds: names, labelIds: null }),
        },
      });
    },
    async bringThere(name) {
      const { runs, failed } = await self.exportThere(here, name);
      expect(failed).toEqual([]);
      return runs;
    },
    async exportThere(dataset, name) {
      const target = join(folder, name);
      const { failed } = await dataset.export(target, { format: "fiftyone" });
      const { runs } = await fiftyOne.ask<{ runs: string[] }>("load", { dataset: name, folder: target });
      return { runs, failed };
    },
    async hitsHere(brainKey, of, query, { within, ...options }) {
      const search = { ...options, brainKey };
      if (of === "samples") {
        const rows = within === undefined ? here : here.select(within);
        return rows.sortBySimilarity(query, search).hits();
      }
      const boxes = here.toPatches(FIELD);
      return (within === undefined ? boxes : boxes.select(within)).sortBySimilarity(query, search).hits();
    },
    sortThere: ({ of, ...run }, request) => fiftyOne.ask("sort", { ...run, ...request, field: fieldOf(of) }),
    runThere: (dataset, key) => fiftyOne.ask("run_of", { dataset, key }),
    vectorsThere: ({ dataset, key }, asked) => fiftyOne.ask("vectors", { dataset, key, ids: asked }),
    namesThere: (key) => fiftyOne.ask("names", { dataset: NAME, key }),
  };
  return self;
}

/** The field that FiftyOne takes boxes from; samples have none. */
function fieldOf(of: Rows): string | null {
  return of === "boxes" ? FIELD : null;
}

/** Drops what either program has left on the server. */
async function dropCollections({ driver, address }: SharedServer): Promise<void> {
  const backend = await driver.connect({ home: "" }, address as Record<string, unknown>);
  for (const name of await backend.list()) {
    if (OWN_NAMES.test(name)) await (await backend.open(name)).drop();
  }
  await backend.close();
}

/** FiftyOne's variables for the address of the server: `caPemPath` is `..._CA_PEM_PATH`. */
function variablesOf({ driver, address }: SharedServer): Record<string, string> {
  const prefix = `FIFTYONE_BRAIN_SIMILARITY_${driver.name.toUpperCase()}_`;
  const variables = Object.entries(address).map(([name, value]) => [
    prefix + name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
    String(value),
  ]);
  return Object.fromEntries(variables);
}

function vectorsOf({ name, isUnit }: IndexKind, ids: readonly string[]): Entries {
  const seed = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), ids.length);
  const { data } = randomVectors(ids.length, DIMENSION, seed);
  return new Map(
    ids.map((id, i) => {
      const vector = data.slice(i * DIMENSION, (i + 1) * DIMENSION);
      return [id, isUnit === true ? unit(vector) : vector];
    }),
  );
}

/** The vector with length 1. */
export function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Vectors of entries, as Python takes them. */
export function rowsOf(entries: Entries, ids: readonly string[]): number[][] {
  return ids.map((id) => [...(entries.get(id) ?? [])]);
}

/** The index of a run, loaded. */
export async function indexOf(dataset: Dataset, key: string): Promise<SimilarityIndex> {
  return (await dataset.loadBrainResults(key)) as SimilarityIndex;
}

/** Fails unless FiftyOne found these entries in this order, with its own distances, both to `rounding`. */
export function expectFoundThere(
  server: SharedServer,
  found: FoundThere,
  truth: readonly Ranked[],
  { metric, k, rounding = 0 }: { metric: string; k: number; rounding?: number },
): void {
  const distances = new Map(truth.map(({ id, distance }) => [id, server.fiftyOneDistance(metric, distance)]));
  const right = truth.slice(0, k).map(({ id }) => id);
  const farness = (ids: readonly string[]) => ids.map((id) => distances.get(id) ?? Number.NaN);
  expect(found.ids).toEqual(found.ranked);
  expectDistances(found.distances, farness(found.ranked), Math.max(rounding, 1e-4));
  if (rounding === 0) expect(found.ids).toEqual(right);
  else expectDistances(farness(found.ids), farness(right), rounding);
}

/**
 * Times the metadata store on samples with tags and detections: `node bench/store.ts [samples] [--store postgres]`.
 * `--store` takes an address too; with `postgres` the server is found or started as for the tests.
 */

import { mkdtemp, rm, stat } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newId } from "../core/ids.ts";
import { openPostgresStore } from "../core/store/postgres-store.ts";
import { openSqliteStore } from "../core/store/sqlite-store.ts";
import type { MetadataStore, NewSample, StoreStage } from "../core/store/store.ts";
import { releaseServers, startServer } from "../tools/servers/servers.ts";

const { values: given, positionals } = parseArgs({
  options: { store: { type: "string", default: "sqlite" } },
  allowPositionals: true,
});
const SAMPLES = Number(positionals[0] ?? 100_000);
const CHUNK = 1_000;
const NAMES = ["cat", "dog", "bird", "car", "tree", "person", "boat", "cup", "chair", "book"];

/** One to five detections and one or two tags, the same for the same `n`. */
function sampleAt(n: number): NewSample {
  const id = newId();
  const labels = Array.from({ length: 1 + (n % 5) }, (_, i) => ({
    id: newId(),
    sampleId: id,
    field: "ground_truth",
    kind: "detection" as const,
    label: NAMES[(n * 7 + i * 3) % NAMES.length] ?? "",
    confidence: ((n * 31 + i * 17) % 100) / 100,
    boundingBox: [0.1, 0.2, 0.3, 0.4] as const,
    tags: [],
    attributes: { area: n % 1_000, iscrowd: 0 },
  }));
  return {
    id,
    filepath: `/data/pictures/${n}.jpg`,
    uri: null,
    mediaType: "image",
    tags: n % 10 === 0 ? ["train", "rare"] : [n % 3 === 0 ? "test" : "train"],
    fields: {
      uniqueness: ((n * 7_919) % 100_003) / 100_003,
      width: 640 + (n % 7),
      source: `camera ${n % 12}`,
    },
    labels,
    labelFields: { ground_truth: "detections" },
  };
}

async function time<Result>(what: string, work: () => Promise<Result>, rounds = 7): Promise<Result> {
  const times: number[] = [];
  let result = await measured();
  for (let i = 1; i < rounds; i++) result = await measured();
  times.sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)] ?? 0;
  console.log(`${what.padEnd(46)} ${median.toFixed(2).padStart(10)} ms (min ${(times[0] ?? 0).toFixed(2)})`);
  return result;

  async function measured(): Promise<Result> {
    const start = performance.now();
    const outcome = await work();
    times.push(performance.now() - start);
    return outcome;
  }
}

async function openStore(): Promise<MetadataStore> {
  if (given.store === "sqlite") return openSqliteStore({ folder });
  const url =
    given.store === "postgres"
      ? (await startServer("postgres", { user: process.pid })).address.url
      : given.store;
  return openPostgresStore({ url });
}

const folder = await mkdtemp(join(tmpdir(), "nearsight-bench-"));
const store = await openStore();
const { id } = await store.datasets.create(`bench ${newId()}`);
console.log(
  `${given.store.split(":")[0]}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}, ${SAMPLES} samples`,
);

await time(
  "insert, 1,000 a transaction",
  async () => {
    for (let start = 0; start < SAMPLES; start += CHUNK) {
      await store.samples.add(
        id,
        Array.from({ length: CHUNK }, (_, i) => sampleAt(start + i)),
      );
    }
  },
  1,
);
if (given.store === "sqlite") {
  console.log(`  file ${((await stat(join(folder, "nearsight.db"))).size / 1e6).toFixed(0)} MB`);
}

const page = { offset: 0, limit: 50 };
const train: StoreStage = { stage: "matchTags", tags: ["rare"] };
const high: StoreStage = {
  stage: "match",
  filter: { op: "compare", field: "uniqueness", comparison: "gt", value: 0.9 },
};
const sure: StoreStage = {
  stage: "match",
  filter: {
    op: "labels",
    field: "ground_truth",
    where: {
      op: "and",
      filters: [
        { op: "compare", field: "label", comparison: "eq", value: "cat" },
        { op: "compare", field: "confidence", comparison: "gt", value: 0.9 },
      ],
    },
  },
};
const patches: StoreStage = { stage: "toPatches", field: "ground_truth" };

await time("count all", () => store.samples.count(id, []));
await time("count a tag", () => store.samples.count(id, [train]));
await time("count a JSON number above", () => store.samples.count(id, [high]));
await time("count samples with a sure cat", () => store.samples.count(id, [sure]));
await time("count patches", () => store.samples.count(id, [patches]));
await time("first page of 50", () => store.samples.rows(id, [], page));
await time("page of 50 in the middle", () => store.samples.rows(id, [], { offset: SAMPLES / 2, limit: 50 }));
await time("page of 50 with a tag", () => store.samples.rows(id, [train], page));
await time("page of 50, JSON number above", () => store.samples.rows(id, [high], page));
await time("page of 50, sorted by a JSON number", () =>
  store.samples.rows(id, [{ stage: "sortBy", field: "uniqueness" }], page),
);
await time("take 50 at random", () => store.samples.rows(id, [{ stage: "take", size: 50, seed: 51 }], page));
await time("page of 50 patches, cats only", () =>
  store.samples.rows(
    id,
    [
      {
        stage: "filterLabels",
        field: "ground_truth",
        filter: { op: "compare", field: "label", comparison: "eq", value: "cat" },
      },
      patches,
    ],
    page,
  ),
);
await time("last page of 50, sorted by a JSON number", () =>
  store.samples.rows(id, [{ stage: "sortBy", field: "uniqueness" }], { offset: SAMPLES - 50, limit: 50 }),
);
await time("count values of a field", () => store.samples.countValues(id, [], "source"));
await time("count values of a label path", () => store.samples.countValues(id, [], "ground_truth.label"));
await time("values of ids, all", () => store.samples.values(id, [], "id", { offset: 0, limit: SAMPLES }), 3);
const order = (await store.samples.ids(id, [{ stage: "shuffle", seed: 1 }], { offset: 0, limit: 1_000 })).map(
  (row) => row.id,
);
await time("page of 50 of a resolved order of 1,000", () =>
  store.samples.rows(id, [{ stage: "resolvedOrder", ids: order }], page),
);
for (const [what, stages] of [
  ["in order", []],
  ["shuffled", [{ stage: "shuffle", seed: 2 }]],
] as const) {
  await time(
    `loop over every sample, ${what}`,
    async () => {
      const snapshot = await store.samples.snapshot(id, stages);
      for (let offset = 0; offset < snapshot.size; offset += 500) await snapshot.rows({ offset, limit: 500 });
    },
    1,
  );
}
await time("tag 1,000 samples", () =>
  store.samples.update(
    id,
    order.map((sample) => ({ id: sample, addTags: ["new"] })),
  ),
);
await time("set a field of 1,000 samples", () =>
  store.samples.update(
    id,
    order.map((sample) => ({ id: sample, fields: { score: 1 } })),
  ),
);
const run = await store.runs.create({
  datasetId: id,
  key: "k",
  type: "similarity",
  version: "1",
  specHash: "",
  config: { stages: [] } as never,
});
const entries = (await store.samples.ids(id, [], { offset: 0, limit: SAMPLES })).map((row) => ({
  entryId: row.id,
  sampleId: row.id,
}));
const chunks = Array.from({ length: entries.length / CHUNK }, (_, i) =>
  entries.slice(i * CHUNK, (i + 1) * CHUNK),
);
await time(
  "plan every sample's entry, 1,000 a call",
  async () => {
    for (const chunk of chunks) await store.entries.plan(run.id, chunk);
  },
  1,
);
await time(
  "settle them, 1 in 100 failed",
  async () => {
    for (const chunk of chunks) {
      const [failed, indexed] = [chunk.slice(0, 10), chunk.slice(10)];
      await store.entries.settle(run.id, {
        indexed: indexed.map((entry) => entry.entryId),
        failed: failed.map((entry) => ({ id: entry.entryId, reason: "no" })),
      });
    }
  },
  1,
);
await time("plan 1,000 again, overwriting", () =>
  store.entries.plan(run.id, chunks[0] ?? [], { overwrite: true }),
);
await time("entry counts", () => store.entries.counts(run.id));
await time("which of 1,000 entries are gone", () => store.entries.gone(run.id, order));
await time("indexed in a view with a tag", () => store.entries.countInView(run.id, id, [train], null));
await time("delete 1,000 samples", () => store.samples.delete(id, order), 1);
console.log(`memory ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`);
await time("delete the data set", () => store.datasets.delete(id), 1);
await store.close();
await rm(folder, { recursive: true });
await releaseServers(process.pid);

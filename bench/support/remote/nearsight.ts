/** Answers bench/remote.ts with nearsight: node nearsight.ts SETTING. */

import { join } from "node:path";
import type { Collection } from "../../../core/backends/backend.ts";
import { elasticsearchBackend } from "../../../core/backends/elasticsearch/elasticsearch.ts";
import { milvusBackend } from "../../../core/backends/milvus/milvus.ts";
import { F, type SimilarityIndex } from "../../../core/index.ts";
import { matrix } from "../../../core/matrix.ts";
import { open } from "../../../core/open.ts";
import { idOf, readVectors } from "../data.ts";
import {
  answerCommands,
  type Command,
  placeOf,
  rowOf,
  type SearchCommand,
  type Setting,
} from "./protocol.ts";

const BRAIN_KEY = "bench";
/** Samples of one call: what it takes is no part of what is timed. */
const SAMPLES = 10_000;

const setting = JSON.parse(process.argv[2] ?? "") as Setting;
const { server, address, rows, dimension, collection: name, folder } = setting;
const queries = await readVectors(setting.queries, dimension);
await using ns = await open({ config: { home: join(folder, "home") } });
const dataset = await ns.createDataset("bench");
for (let first = 0; first < rows; first += SAMPLES) {
  const count = Math.min(SAMPLES, rows - first);
  await dataset.addSamples(Array.from({ length: count }, (_, i) => sample(first + i)));
}
const backend = server === "milvus" ? milvusBackend(address) : elasticsearchBackend(address);
let index: SimilarityIndex | undefined;
let driver: Collection | undefined;

const baseMb = Math.round(process.memoryUsage.rss() / 2 ** 20);
await answerCommands({ baseMb }, work);
await drop();
await backend.close();

function sample(row: number) {
  return { filepath: `/bench/${row}.jpg`, id: idOf(row), place: placeOf(row, rows) };
}

async function work(command: Command) {
  switch (command.do) {
    case "upload": {
      await drop();
      const embeddings = await readVectors(setting.vectors, dimension);
      return async () => {
        const options = { backend: server, collectionName: name, metric: "cosine", ...address } as const;
        index = await dataset.computeSimilarity({ embeddings, brainKey: BRAIN_KEY, ...options });
        return undefined;
      };
    }
    case "search": {
      if (command.layer === undefined) return () => searched(command);
      driver ??= await backend.open(name);
      const collection = driver;
      return () => searchedByDriver(collection, command);
    }
    case "read":
      return async () => {
        const count = (await index?.getEmbeddings())?.embeddings.rows;
        if (count !== rows) throw new Error(`Expected ${rows} vectors but read ${count}`);
        return undefined;
      };
    default:
      return async () => undefined;
  }
}

async function searched({ by, row, k, view }: SearchCommand): Promise<number[]> {
  const query = by === "id" ? { id: idOf(row) } : { vector: Array.from(queries.row(row)) };
  const within = view === undefined ? dataset : dataset.match(F("place").lt(view));
  const ids = await within.sortBySimilarity(query, { k, brainKey: BRAIN_KEY }).values<string>("id");
  return ids.map((id) => rowOf(id ?? ""));
}

/** Without the data set around it. */
async function searchedByDriver(collection: Collection, { by, row, k }: SearchCommand): Promise<number[]> {
  const query = by === "id" ? await stored(collection, idOf(row)) : queries.row(row).slice();
  const [found] = await collection.search(matrix(query, dimension), { k });
  return found?.ids.map(rowOf) ?? [];
}

async function stored(collection: Collection, id: string): Promise<Float32Array> {
  const one = {
    size: 1,
    key: id,
    async *ids() {
      yield [id];
    },
  };
  for await (const { vectors } of collection.fetch(one)) return vectors.row(0) as Float32Array;
  throw new Error(`Expected a vector for ${id} but found none`);
}

async function drop(): Promise<void> {
  await index?.delete();
  index = undefined;
  driver = undefined;
}

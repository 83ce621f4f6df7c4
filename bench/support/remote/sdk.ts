/** Answers bench/remote.ts with a server's SDK used by hand: node sdk.ts SETTING. */

import { idOf, readVectors } from "../data.ts";
import { answerCommands, type Command, rowOf, rowsOfView, type Setting } from "./protocol.ts";
import { elasticsearchSdk } from "./sdk-elasticsearch.ts";
import { milvusSdk } from "./sdk-milvus.ts";

/** What somebody would write who has no library but the SDK, and takes care. */
export interface Sdk {
  /** Makes a collection of this name and fills it; searches see all when it is done. */
  upload(name: string, vectors: Vectors): Promise<void>;
  /** The ids of the k nearest, among `ids` where they are given. */
  search(
    name: string,
    query: Float32Array,
    options: { k: number; ids?: readonly string[] },
  ): Promise<string[]>;
  vector(name: string, id: string): Promise<Float32Array>;
  /** Reads all, and counts them. */
  read(name: string): Promise<number>;
  /** Waits until the server's own work on the collection is done. */
  settle(name: string): Promise<void>;
  drop(name: string): Promise<void>;
  close(): Promise<void>;
}

export type Vectors = Awaited<ReturnType<typeof readVectors>>;

const setting = JSON.parse(process.argv[2] ?? "") as Setting;
const { rows, dimension, collection, ours } = setting;
const queries = await readVectors(setting.queries, dimension);
const sdk = await (setting.server === "milvus" ? milvusSdk : elasticsearchSdk)(setting);

await answerCommands({}, work);
await sdk.drop(collection);
await sdk.close();

async function work(command: Command) {
  switch (command.do) {
    case "upload": {
      await sdk.drop(collection);
      const vectors = await readVectors(setting.vectors, dimension);
      return async () => {
        await sdk.upload(collection, vectors);
        return undefined;
      };
    }
    case "search": {
      const { by, row, k, view } = command;
      // Whoever has a view has the ids.
      const ids = view === undefined ? {} : { ids: rowsOfView(view, rows).map(idOf) };
      return async () => {
        const query = by === "id" ? await sdk.vector(ours, idOf(row)) : queries.row(row);
        return (await sdk.search(ours, query, { k, ...ids })).map(rowOf);
      };
    }
    case "read":
      return async () => {
        const count = await sdk.read(ours);
        if (count !== rows) throw new Error(`Expected ${rows} vectors but read ${count}`);
        return undefined;
      };
    case "settle":
      return async () => {
        await sdk.settle(command.name ?? collection);
        return undefined;
      };
    case "drop":
      return async () => {
        await sdk.drop(command.name ?? collection);
        return undefined;
      };
  }
}

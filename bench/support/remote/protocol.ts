/** What bench/remote.ts asks its child processes, one of each contender, and how those in Node answer. */

import { createInterface } from "node:readline";

/** What a child is started with, as JSON. */
export interface Setting {
  readonly server: RemoteServer;
  /** Connection options of nearsight's backend. */
  readonly address: Readonly<Record<string, unknown>>;
  /** Files of vectors in float32; ids tell the row. */
  readonly vectors: string;
  readonly queries: string;
  readonly rows: number;
  readonly dimension: number;
  /** Collection that the child fills, and the one of nearsight, which others search as well. */
  readonly collection: string;
  readonly ours: string;
  /** A folder of the child's own. */
  readonly folder: string;
}

export type RemoteServer = "milvus" | "elasticsearch";

export interface SearchCommand {
  readonly do: "search";
  /** Asks with a vector of the file of queries, or with the id of an entry. */
  readonly by: "vector" | "id";
  readonly row: number;
  readonly k: number;
  /** Searches the rows whose `placeOf` is below this. */
  readonly view?: number | undefined;
  /** Part of the contender that is timed, where it is not the whole. */
  readonly layer?: string | undefined;
}

/** `upload` begins anew where there is something; `settle` waits until the server has finished its index. */
export type Command =
  | SearchCommand
  | { readonly do: "upload" | "read" | "settle" | "drop"; readonly name?: string };

export interface Answer {
  readonly ms: number;
  /** CPU time of the child in that time. */
  readonly cpuMs: number;
  /** Most memory the child has taken so far. */
  readonly peakMb: number;
  /** Rows that were found, or why there are none. */
  readonly rows?: readonly number[];
  readonly refused?: string;
}

/** A child's work: what it does before the clock starts, and what is timed. */
export type Work = (command: Command) => Promise<() => Promise<readonly number[] | undefined>>;

/** Spreads the rows of a view over all rows; the same in peer-fiftyone.py. */
export function placeOf(row: number, rows: number): number {
  return (row * STEP) % rows;
}

/** A prime, so that every row has a place of its own. */
const STEP = 7919;

/** The first rows of a view of that size, in the order of rows. */
export function rowsOfView(size: number, rows: number): number[] {
  return Array.from({ length: rows }, (_, row) => row).filter((row) => placeOf(row, rows) < size);
}

/** The row that an id of `idOf` tells. */
export function rowOf(id: string): number {
  return Number.parseInt(id, 16);
}

/** Says that the child is ready, then answers commands until there are no more. */
export async function answerCommands(facts: Readonly<Record<string, unknown>>, work: Work): Promise<void> {
  console.log(JSON.stringify(facts));
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line) as Command, work)));
  }
}

async function answer(command: Command, work: Work): Promise<Answer> {
  const timed = await work(command);
  const before = process.cpuUsage();
  const start = performance.now();
  const outcome = await outcomeOf(command, timed);
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
  return { ms, cpuMs: (user + system) / 1000, peakMb, ...outcome };
}

/** What is asked for may be more than a contender can do, which is told; what prepares it has to work. */
async function outcomeOf(
  command: Command,
  timed: Awaited<ReturnType<Work>>,
): Promise<Pick<Answer, "rows" | "refused">> {
  try {
    const rows = await timed();
    return rows === undefined ? {} : { rows };
  } catch (error) {
    if (command.do !== "search" && command.do !== "read") throw error;
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

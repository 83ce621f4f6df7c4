/**
 * Times nearsight on a server beside the server's SDK used by hand and Python FiftyOne, in turns on the same server
 * and vectors: `node bench/remote.ts milvus [--rows 10000] [--rounds 20] [--uploads 2] [--without-fiftyone]`.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { releaseServers, startServer } from "../tools/servers/servers.ts";
import { readVectors, vectorFile } from "./support/data.ts";
import { recallOf } from "./support/exact.ts";
import {
  ask,
  type Contenders,
  collectionOf,
  DRIVER,
  FIFTYONE,
  PYTHON,
  SDK,
  startContenders,
} from "./support/remote/contenders.ts";
import {
  type Command,
  type RemoteServer,
  rowsOfView,
  type SearchCommand,
  type Setting,
} from "./support/remote/protocol.ts";
import { type Case, inTurns, machineFacts, median, OURS, publish } from "./support/report.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: "string", default: "10000" },
    dimension: { type: "string", default: "512" },
    rounds: { type: "string", default: "20" },
    uploads: { type: "string", default: "2" },
    "without-fiftyone": { type: "boolean", default: false },
  },
});
const [rows, dimension, rounds] = [Number(values.rows), Number(values.dimension), Number(values.rounds)];
const server = remoteServer(positionals[0]);

const RECALLS = 10;
/** Characters of a refusal that are kept. */
const REFUSAL = 60;
const VIEWS = [100, 5000, 50_000, 70_000, Math.floor(rows / 2)];

interface Wanted {
  readonly name: string;
  readonly command: Command;
  readonly who: readonly string[];
  readonly rounds: number;
}

const READING: Wanted = {
  name: "reading all vectors",
  command: { do: "read" },
  who: [OURS, SDK, FIFTYONE],
  rounds: 2,
};

// Enough for 300,000 vectors; a server that runs already is taken as it is.
process.env["NEARSIGHT_TEST_ELASTICSEARCH_HEAP"] ??= "1g";
const work = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
const ends: (() => Promise<unknown>)[] = [];
try {
  const { address, how } = await startServer(server, { user: process.pid });
  const files = {
    vectors: await vectorFile(rows, dimension, 2),
    queries: await vectorFile(1000, dimension, 3),
  };
  const common = { server, address: { ...address }, rows, dimension, ...files };
  const contenders = await startContenders(common, {
    folder: work,
    ends,
    withFiftyOne: !values["without-fiftyone"],
  });
  const facts = { ...machineFacts(), server: `${server}, ${how}`, rows, dimension, rounds };
  const { uploads, cpu, peakMb } = await upload(contenders);
  const cases = [uploads];
  for (const wanted of searches()) cases.push(await measured(wanted, contenders, files));
  const { peakMb: afterSearches } = await ask(contenders, OURS, { do: "settle" });
  cases.push(await measured(READING, contenders, files));
  await publish(`${server}-${rows}x${dimension}`, {
    title: `${rows} vectors of ${dimension} numbers on ${server}`,
    facts: {
      ...facts,
      "CPU seconds of an upload": told(cpu),
      "peak MB after the uploads": told(peakMb),
      "and ours after the searches": afterSearches,
    },
    cases,
    peakMb,
  });
} finally {
  for (const end of ends.toReversed()) await end();
  await releaseServers(process.pid);
  rmSync(work, { recursive: true, force: true });
}

function remoteServer(name: string | undefined): RemoteServer {
  if (name === "milvus" || name === "elasticsearch") return name;
  throw new Error(`Expected milvus or elasticsearch but found ${name ?? "nothing"}`);
}

/** Each contender fills its own collection; afterwards the server is given time to finish those that stay. */
async function upload(
  contenders: Contenders,
): Promise<{ uploads: Case; cpu: Record<string, number>; peakMb: Record<string, number> }> {
  const seconds: Record<string, number[]> = {};
  const peakMb: Record<string, number> = {};
  const uploaders = [OURS, SDK, FIFTYONE]
    .filter((who) => contenders[who] !== undefined)
    .map((who) => [
      who,
      async () => {
        const answer = await ask(contenders, who, { do: "upload" });
        if (answer.refused !== undefined) throw new Error(`${who} could not upload: ${answer.refused}`);
        seconds[who] = [...(seconds[who] ?? []), answer.cpuMs / 1000];
        peakMb[who] = answer.peakMb;
        return answer.ms;
      },
    ]);
  const times = await inTurns(Number(values.uploads), Object.fromEntries(uploaders), { warm: false });
  await ask(contenders, SDK, { do: "drop" });
  await ask(contenders, SDK, { do: "settle", name: collectionOf("nearsight") });
  if (contenders[FIFTYONE] !== undefined)
    await ask(contenders, SDK, { do: "settle", name: collectionOf("fiftyone") });
  const cpu = Object.fromEntries(Object.entries(seconds).map(([who, all]) => [who, median(all)]));
  return { uploads: { name: "upload", times }, cpu, peakMb };
}

function told(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([who, figure]) => `${who} ${Number(figure.toPrecision(3))}`)
    .join(", ");
}

function* searches(): Generator<Wanted> {
  for (const by of ["id", "vector"] as const) {
    const who = [OURS, DRIVER, SDK, FIFTYONE, ...(by === "vector" ? [PYTHON] : [])];
    for (const k of [10, 25, 1000]) {
      yield { name: `by ${by}, k ${k}`, command: { do: "search", by, row: 0, k }, who, rounds };
    }
  }
  for (const view of new Set(VIEWS.filter((size) => size <= rows).toSorted((a, b) => a - b))) {
    yield {
      name: `k 25 in a view of ${view}`,
      command: { do: "search", by: "vector", row: 0, k: 25, view },
      who: [OURS, SDK, FIFTYONE],
      rounds: Math.ceil(rounds / 4),
    };
  }
}

/** Asks each contender in turns; one that refuses is told, not timed. */
async function measured(
  { name, command, who, rounds: times }: Wanted,
  contenders: Contenders,
  files: Pick<Setting, "vectors" | "queries">,
): Promise<Case> {
  const notes: Record<string, string> = {};
  const willing: Record<string, (round: number) => Promise<number>> = {};
  for (const one of who.filter((known) => contenders[known] !== undefined)) {
    const { refused } = await ask(contenders, one, command);
    if (refused !== undefined) {
      notes[one] = `refused: ${refused.split("\n")[0]?.slice(0, REFUSAL)}`;
      continue;
    }
    if (command.do === "search")
      notes[one] = `recall ${(await recall(contenders, one, command, files)).toFixed(3)}`;
    willing[one] = async (round) => (await ask(contenders, one, inRound(command, round))).ms;
  }
  return { name, notes, times: await inTurns(times, willing) };
}

/** Another query each round; entries far from each other. */
function inRound(command: Command, round: number): Command {
  if (command.do !== "search") return command;
  return { ...command, row: command.by === "id" ? (round * 7919) % rows : round % 1000 };
}

async function recall(
  contenders: Contenders,
  who: string,
  command: SearchCommand,
  files: Pick<Setting, "vectors" | "queries">,
): Promise<number> {
  const vectors = await readVectors(files.vectors, dimension);
  const queries = command.by === "id" ? vectors : await readVectors(files.queries, dimension);
  let sum = 0;
  for (let round = 0; round < RECALLS; round++) {
    const asked = inRound(command, round) as SearchCommand;
    const { rows: found = [] } = await ask(contenders, who, asked);
    const within = command.view === undefined ? {} : { rows: rowsOfView(command.view, rows) };
    sum += recallOf(found, vectors, queries.row(asked.row), { k: command.k, ...within });
  }
  return sum / RECALLS;
}

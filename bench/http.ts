/**
 * Loads the development server with more searches and writes than it takes, and tells how long they took, how many
 * it refused, and whether it kept what it acknowledged: `node bench/http.ts --samples 5000 --seconds 20`.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { open } from "../core/index.ts";

const { values } = parseArgs({
  options: {
    samples: { type: "string", default: "5000" },
    dimension: { type: "string", default: "512" },
    seconds: { type: "string", default: "20" },
    readers: { type: "string", default: "32" },
    writers: { type: "string", default: "16" },
    inFlight: { type: "string", default: "16" },
  },
});
const [samples, dimension, seconds] = [values.samples, values.dimension, values.seconds].map(Number) as [
  number,
  number,
  number,
];

/** What one kind of request met. */
class Tally {
  readonly times: number[] = [];
  readonly statuses = new Map<number, number>();

  add(status: number, milliseconds: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status < 300) this.times.push(milliseconds);
  }

  row(name: string): string {
    const sorted = this.times.toSorted((a, b) => a - b);
    const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1);
    const statuses = [...this.statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
    return `| ${name} | ${(sorted.length / seconds).toFixed(0)} | ${at(0.5)} | ${at(0.99)} | ${statuses} |`;
  }
}

const home = await mkdtemp(join(tmpdir(), "nearsight-bench-http-"));
let server: ChildProcess | undefined;
try {
  await prepare();
  const { url, key } = await startServer();
  const [searches, writes] = [new Tally(), new Tally()];
  const acknowledged: string[] = [];
  const end = performance.now() + seconds * 1_000;
  const call = caller(url, key);

  async function read(): Promise<void> {
    while (performance.now() < end) {
      const vector = Array.from({ length: dimension }, () => Math.random() - 0.5);
      await call(searches, "search", { query: { vector }, k: 10, brainKey: "images" });
    }
  }

  async function write(writer: number): Promise<void> {
    for (let n = 0; performance.now() < end; n++) {
      const id = `${writer}-${n}`;
      const body = { samples: [{ id, filepath: join(home, "zoo", `${id}.png`) }] };
      if ((await call(writes, "samples", body)) === 201) acknowledged.push(id);
    }
  }

  await Promise.all([
    ...Array.from({ length: Number(values.readers) }, read),
    ...Array.from({ length: Number(values.writers) }, (_, writer) => write(writer)),
  ]);
  console.log(
    `${samples} samples of ${dimension}, ${seconds} s, ${cpus().length} CPUs, ${values.inFlight} in flight\n`,
  );
  console.log("| request | done a second | p50 ms | p99 ms | answers |\n|---|---|---|---|---|");
  console.log(
    `${searches.row(`search, ${values.readers} at once`)}\n${writes.row(`write, ${values.writers} at once`)}`,
  );
  await stopServer();
  console.log(`\nacknowledged ${acknowledged.length}, lost ${await countLost(acknowledged)}`);
} finally {
  await stopServer();
  await rm(home, { recursive: true, force: true });
}

async function prepare(): Promise<void> {
  await using ns = await open({ config: { home } });
  const dataset = await ns.createDataset("bench");
  const all = Array.from({ length: samples }, (_, n) => ({ filepath: join(home, "zoo", `${n}.png`) }));
  await dataset.addSamples(all);
  const embeddings = all.map(() => Float32Array.from({ length: dimension }, () => Math.random() - 0.5));
  await dataset.computeSimilarity({ brainKey: "images", embeddings });
}

async function startServer(): Promise<{ url: string; key: string }> {
  const script = resolve(import.meta.dirname, "../functions/dev.ts");
  const settings = { PORT: "0", NEARSIGHT_HOME: home, NEARSIGHT_API_REQUESTS_PER_MINUTE: "100000000" };
  const environment = { ...process.env, ...settings, NEARSIGHT_API_IN_FLIGHT: values.inFlight };
  server = spawn(process.execPath, [script], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  let [url, key] = ["", ""];
  if (server.stdout === null) throw new Error("Expected the server's output");
  for await (const line of createInterface(server.stdout)) {
    url = / at (http:\S+)$/.exec(line)?.[1] ?? url;
    key = /^API key of this run: (\S+)$/.exec(line)?.[1] ?? key;
    if (url !== "" && key !== "") return { url, key };
  }
  throw new Error("Expected the development server to say where it is and what its key is");
}

/** Asks one after another, as a client does that waits a little where it is refused. */
function caller(url: string, key: string) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return async (tally: Tally, path: string, body: object): Promise<number> => {
    const start = performance.now();
    const request = { method: "POST", headers, body: JSON.stringify(body) };
    const response = await fetch(`${url}/datasets/bench/${path}`, request);
    await response.arrayBuffer();
    tally.add(response.status, performance.now() - start);
    if (response.status === 503) await new Promise((wait) => setTimeout(wait, 20));
    return response.status;
  };
}

async function countLost(ids: readonly string[]): Promise<number> {
  await using ns = await open({ config: { home } });
  const kept = new Set(await (await ns.loadDataset("bench")).values<string>("id"));
  return ids.filter((id) => !kept.has(id)).length;
}

async function stopServer(): Promise<void> {
  if (server === undefined || server.exitCode !== null) return;
  const ended = new Promise((end) => server?.once("exit", end));
  server.kill("SIGTERM");
  await ended;
}

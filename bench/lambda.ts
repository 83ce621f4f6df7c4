/**
 * Times packed functions under AWS's runtime client, on real servers: start, first answer, warm answers, memory and
 * descriptors: `--backend elasticsearch --role query --calls 10000 --starts 7`.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { open } from "../core/open.ts";
import { createApiKey } from "../functions/auth/api-keys.ts";
import { type HttpCall, urlEvent } from "../test/support/lambda-events.ts";
import { type LambdaFunction, startLambda } from "../test/support/lambda-service.ts";
import { BACKENDS, type BackendName, type Bundle, folderOf, listBundles } from "../tools/pack/bundles.ts";
import { pack } from "../tools/pack/pack.ts";
import { installLambdaRuntime } from "../tools/servers/lambda-runtime.ts";
import { startServer } from "../tools/servers/servers.ts";

const DATASET = "emoji";
const SAMPLES = 200;
const BRAIN_KEY = "images";
const HTTP_ROLES = ["manage", "query-vectors", "query", "compute"];
const HEAD = [
  "function",
  "MB",
  "init, least / median ms",
  "first ms",
  "warm p50 / p99 ms",
  "MB, files early",
  "late",
];

interface Measured {
  readonly bytes: number;
  readonly initMs: readonly number[];
  readonly firstMs: readonly number[];
  readonly warmMs: readonly number[];
  /** After a tenth of the calls. */
  readonly early: Usage;
  readonly late: Usage;
}

interface Usage {
  readonly bytes: number;
  readonly descriptors: number;
}

/** What the functions of a backend find: a store with an index on its server. */
interface Place {
  readonly home: string;
  readonly backendOptions: Readonly<Record<string, unknown>>;
  /** One sample's id. */
  readonly id: string;
  drop(): Promise<void>;
}

const { values } = parseArgs({
  options: {
    backend: { type: "string", multiple: true, default: [...BACKENDS] },
    role: { type: "string", multiple: true },
    calls: { type: "string", default: "10000" },
    starts: { type: "string", default: "7" },
  },
});
const architecture = process.arch === "arm64" ? "arm64" : "x64";
const { key, record } = createApiKey("bench", "manage");
const runtimeClient = await installLambdaRuntime();

console.log(`| ${HEAD.join(" | ")} |\n|${"---|".repeat(HEAD.length)}`);
for (const backend of values.backend as BackendName[]) {
  const place = await prepare(backend);
  try {
    for (const bundle of listBundles({ backends: [backend], architectures: [architecture] })) {
      if (!(values.role ?? HTTP_ROLES).includes(bundle.role)) continue;
      console.log(row(bundle, await measure(bundle, place)));
    }
  } finally {
    await place.drop();
  }
}

async function prepare(backend: BackendName): Promise<Place> {
  const home = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
  const { address } = await startServer(backend, { user: process.pid });
  const backendOptions = { ...address };
  const ns = await open({ config: { home, similarityBackends: { [backend]: backendOptions } } });
  const dataset = await ns.loadZooDataset(DATASET, { maxSamples: SAMPLES });
  const index = await dataset.computeSimilarity({ brainKey: BRAIN_KEY, backend });
  const { id } = await dataset.first();
  const drop = async () => {
    await index.delete();
    await ns.close();
    rmSync(home, { recursive: true, force: true });
  };
  return { home, backendOptions, id, drop };
}

async function measure(bundle: Bundle, place: Place): Promise<Measured> {
  const { folder, bytes } = await pack(bundle);
  const initMs: number[] = [];
  const firstMs: number[] = [];
  for (let start = 0; start < Number(values.starts); start++) {
    const started = await begin(folder, place);
    initMs.push(await started.initMs);
    firstMs.push(await ask(started, bundle, place));
    await started.stop();
  }
  return { bytes, initMs, firstMs, ...(await warm(folder, bundle, place)) };
}

async function warm(folder: string, bundle: Bundle, place: Place) {
  const calls = Number(values.calls);
  const started = await begin(folder, place);
  await ask(started, bundle, place);
  const warmMs: number[] = [];
  let early = usage(started);
  for (let call = 1; call <= calls; call++) {
    warmMs.push(await ask(started, bundle, place));
    if (call === Math.ceil(calls / 10)) early = usage(started);
  }
  const late = usage(started);
  await started.stop();
  return { warmMs, early, late };
}

function begin(folder: string, { home, backendOptions }: Place): Promise<LambdaFunction> {
  const environment = {
    NEARSIGHT_HOME: home,
    NEARSIGHT_API_REQUESTS_PER_MINUTE: "1000000",
    NEARSIGHT_API_KEYS: JSON.stringify([record]),
    NEARSIGHT_BACKEND_OPTIONS: JSON.stringify(backendOptions),
    NEARSIGHT_BUILD_QUEUE_URL: "http://127.0.0.1:9/builds",
  };
  return startLambda({ folder, runtimeClient, environment });
}

/** Milliseconds of one call; throws where it is not answered well. */
async function ask(started: LambdaFunction, { role }: Bundle, { id }: Place): Promise<number> {
  const headers = { authorization: `Bearer ${key}` };
  const search = (query: object): HttpCall => ({
    method: "POST",
    path: `/datasets/${DATASET}/search`,
    headers,
    body: { query, k: 10 },
  });
  const requests: Readonly<Record<string, HttpCall>> = {
    manage: { path: `/datasets/${DATASET}`, headers },
    query: search({ prompt: "a cat" }),
    "query-vectors": search({ id }),
    compute: { method: "POST", path: `/datasets/${DATASET}/runs/${BRAIN_KEY}/cancel`, headers },
  };
  const { payload, milliseconds } = await started.invoke(urlEvent(requests[role] as HttpCall));
  if (JSON.parse(payload).statusCode !== 200) throw new Error(`Expected an answer but found ${payload}`);
  return milliseconds;
}

function usage({ pid }: LambdaFunction): Usage {
  const [, kilobytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return { bytes: Number(kilobytes) * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

function row(bundle: Bundle, { bytes, initMs, firstMs, warmMs, early, late }: Measured): string {
  const shown = (used: Usage) => `${(used.bytes / 1e6).toFixed(0)}, ${used.descriptors}`;
  return `| ${[
    folderOf(bundle),
    (bytes / 1e6).toFixed(2),
    `${Math.min(...initMs).toFixed(0)} / ${quantile(initMs, 0.5).toFixed(0)}`,
    quantile(firstMs, 0.5).toFixed(0),
    `${quantile(warmMs, 0.5).toFixed(1)} / ${quantile(warmMs, 0.99).toFixed(1)}`,
    shown(early),
    shown(late),
  ].join(" | ")} |`;
}

function quantile(measured: readonly number[], share: number): number {
  const sorted = measured.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

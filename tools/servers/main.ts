/** `npm run servers start|stop|status [name...]`: real servers for tests and development. */

import { rmSync } from "node:fs";
import { label, SERVER_NAMES, type ServerName, type Variant, variantsOf } from "./catalogue.ts";
import { stopServices } from "./compose.ts";
import { SERVERS_FOLDER } from "./install.ts";
import { needLambdaRuntime } from "./lambda-runtime.ts";
import { MissingTool } from "./needs.ts";
import { checkNeeds, serverStatus, startServer, stopInstance } from "./servers.ts";

const LABELS = SERVER_NAMES.flatMap((name) => variantsOf(name).map((variant) => label(name, variant)));

const USAGE = `npm run servers start NAME...    starts, and installs first what is not installed
npm run servers stop [NAME...]   stops those started from here; without a name all of them
npm run servers status           those started from here
npm run servers needs            system packages of Debian that are missing here
npm run servers remove           stops all and deletes what was installed and stored

Names: ${LABELS.join(", ")}
`;

/** Reads `milvus-mutual-tls` as a server and its variant. */
function parse(text: string): { name: ServerName; variant: Variant } {
  for (const name of SERVER_NAMES) {
    const variant = variantsOf(name).find((known) => label(name, known) === text);
    if (variant !== undefined) return { name, variant };
  }
  throw new Error(`Expected one of ${LABELS.join(", ")} but found ${text}`);
}

async function start(names: readonly string[]): Promise<void> {
  if (names.length === 0) throw new Error(`Expected a name of ${LABELS.join(", ")}`);
  for (const { name, variant } of names.map(parse)) {
    const begun = performance.now();
    const { address, how } = await startServer(name, { variant });
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    console.log(`${label(name, variant)}: ${how} in ${seconds} s`);
    console.log(JSON.stringify(address, null, 2));
  }
}

async function stop(names: readonly string[]): Promise<void> {
  const wanted = names.map(parse).map(({ name, variant }) => label(name, variant));
  for (const { name, variant, port, folder, pid } of await serverStatus()) {
    if (wanted.length > 0 && !wanted.includes(label(name, variant))) continue;
    await stopInstance(folder);
    if (pid !== null) console.log(`${label(name, variant)} on port ${port}: stopped`);
  }
  const services = SERVER_NAMES.filter((name) => wanted.includes(name));
  if (wanted.length > 0 && services.length === 0) return;
  for (const name of await stopServices(services)) console.log(`${name} of docker compose: stopped`);
}

async function status(): Promise<void> {
  const all = await serverStatus();
  if (all.length === 0) console.log("No server was started from here.");
  for (const { name, variant, port, pid, isReady, folder } of all) {
    const state =
      pid === null ? "stopped" : isReady ? `answers, process ${pid}` : `starts or hangs, process ${pid}`;
    console.log(`${label(name, variant)} on port ${port}: ${state}; ${folder}`);
  }
}

/** Prints one package a line, so that a script can install them; nothing where nothing is missing. */
async function needs(): Promise<void> {
  const packages = new Set<string>();
  for (const check of [...SERVER_NAMES.map((name) => () => checkNeeds(name)), needLambdaRuntime]) {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof MissingTool)) throw error;
      for (const word of error.packages) packages.add(word);
    }
  }
  for (const name of packages) console.log(name);
}

async function remove(): Promise<void> {
  await stop([]);
  rmSync(SERVERS_FOLDER, { recursive: true, force: true });
}

const [command = "", ...names] = process.argv.slice(2);
try {
  if (command === "start") await start(names);
  else if (command === "stop") await stop(names);
  else if (command === "status") await status();
  else if (command === "needs") await needs();
  else if (command === "remove") await remove();
  else {
    process.stdout.write(USAGE);
    process.exitCode = command === "" ? 0 : 2;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  if (error instanceof MissingTool) console.error(`  ${error.install}`);
  process.exitCode = 1;
}

/** Servers of `compose.yaml`, where docker and an engine are there. Never run against a real engine so far. */

import { resolve } from "node:path";
import { type Address, CATALOGUE, POSTGRES_ROOT, type ServerName } from "./catalogue.ts";
import { findCommand, run } from "./needs.ts";
import { choosePort } from "./ports.ts";

const FILE = resolve(import.meta.dirname, "../../compose.yaml");

/** Milvus Lite has no image. */
const SERVICES: Partial<Record<ServerName, { readonly inside: number; readonly variable: string }>> = {
  milvus: { inside: 19530, variable: "NEARSIGHT_MILVUS_PORT" },
  elasticsearch: { inside: 9200, variable: "NEARSIGHT_ELASTICSEARCH_PORT" },
  "elasticsearch-8": { inside: 9200, variable: "NEARSIGHT_ELASTICSEARCH_8_PORT" },
  postgres: { inside: 5432, variable: "NEARSIGHT_POSTGRES_PORT" },
};

/** Services that this process started, to be stopped when its run ends. */
const started = new Set<ServerName>();

/** Starts the service where it does not run; null where there is no engine, no image or no such service. */
export async function startComposed(name: ServerName): Promise<Address | null> {
  const service = SERVICES[name];
  if (service === undefined || !(await hasEngine())) return null;
  try {
    if (!(await isRunning(name))) {
      const port = await choosePort(CATALOGUE[name].ports.plain ?? service.inside, []);
      const env = { ...process.env, [service.variable]: String(port) };
      await compose(["up", "--detach", "--wait", name], env);
      started.add(name);
    }
    const where = (await compose(["port", name, String(service.inside)])).trim();
    return addressAt(name, where);
  } catch (error) {
    // The other way may still work: without the registry of images, say.
    console.error(
      `docker compose could not start ${name}: ${error instanceof Error ? error.message : error}`,
    );
    return null;
  }
}

function addressAt(name: ServerName, where: string): Address {
  if (name === "milvus") return { uri: `http://${where}` };
  if (name !== "postgres") return { hosts: [`http://${where}`] };
  return { url: `postgres://${POSTGRES_ROOT.user}:${POSTGRES_ROOT.password}@${where}/postgres` };
}

/** Stops the services that this process started. */
export async function stopComposed(): Promise<void> {
  if (started.size === 0) return;
  await compose(["stop", ...started]);
  started.clear();
}

/** Stops services whoever started them, and gives their names; all without a name. */
export async function stopServices(names: readonly ServerName[]): Promise<ServerName[]> {
  if (!(await hasEngine())) return [];
  const wanted = names.length > 0 ? names : (Object.keys(SERVICES) as ServerName[]);
  const stopped: ServerName[] = [];
  for (const name of wanted) {
    if (SERVICES[name] === undefined || !(await isRunning(name))) continue;
    await compose(["stop", name]);
    stopped.push(name);
  }
  return stopped;
}

async function isRunning(name: ServerName): Promise<boolean> {
  return (await compose(["ps", "--quiet", "--status", "running", name])).trim() !== "";
}

export async function hasEngine(): Promise<boolean> {
  if (findCommand("docker") === null) return false;
  try {
    await run("docker", ["info"]);
    await run("docker", ["compose", "version"]);
    return true;
  } catch {
    return false;
  }
}

function compose(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return run("docker", ["compose", "--file", FILE, ...args], { env });
}

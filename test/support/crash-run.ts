/** Homes to crash in, and children to kill in them. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { seededRandom } from "../../core/random.ts";
import { temporaryFolder } from "./temporary.ts";

const POINTS = fileURLToPath(new URL("crash-points.ts", import.meta.url));
const PROGRAMS = {
  task: new URL("crash-child.ts", import.meta.url),
  disk: new URL("crash-disk.ts", import.meta.url),
  traffic: new URL("crash-traffic.ts", import.meta.url),
};

export interface ChildEnd {
  readonly output: string;
  readonly errors: string;
  readonly code: number | null;
  readonly signal: string | null;
}

export interface ChildSettings {
  /** The write to be killed at, such as `index:7`. */
  readonly crash?: string;
  /** Where points and their counts are told. */
  readonly log?: string;
  /** What stands before the program, such as a command that limits it. */
  readonly prefix?: readonly string[];
  /** Sees each line of output; may kill the child. */
  readonly line?: (line: string, kill: () => void) => void;
}

/** Runs a program in a process of its own, where no rejection stays unhandled. */
export async function runProgram(
  program: keyof typeof PROGRAMS,
  values: readonly string[],
  { crash = "", log, prefix = [], line }: ChildSettings = {},
): Promise<ChildEnd> {
  const script = fileURLToPath(PROGRAMS[program]);
  const [command = "", ...rest] = [
    ...prefix,
    ...[process.execPath, "--unhandled-rejections=strict", script, ...values],
  ];
  const points = log === undefined ? {} : { NODE_OPTIONS: `--import=${POINTS}` };
  const child = spawn(command, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    // Another user, or a program without a home, reads no settings of this one.
    env: {
      ...process.env,
      HOME: tmpdir(),
      ...points,
      NEARSIGHT_CRASH: crash,
      NEARSIGHT_CRASH_LOG: log ?? "",
    },
  });
  let [output, errors, seen] = ["", "", 0];
  child.stdout.on("data", (text) => {
    output += text;
    for (let end = output.indexOf("\n", seen); end >= 0; end = output.indexOf("\n", seen)) {
      line?.(output.slice(seen, end), () => child.kill("SIGKILL"));
      seen = end + 1;
    }
  });
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const [code, signal] = await once(child, "close");
  return { output: output.trim(), errors, code, signal };
}

/** Runs a task of `crash-tasks.ts`. */
export function runTask(home: string, task: string, settings?: ChildSettings): Promise<ChildEnd> {
  return runProgram("task", [home, task], settings);
}

/** A copy of a home that is not open. */
export function copyHome(home: string): string {
  const copy = temporaryFolder();
  cpSync(home, copy, { recursive: true });
  return copy;
}

export function removeHome(home: string): void {
  rmSync(home, { recursive: true, force: true });
}

/** How many writes a task makes, by kind of file, when nothing stops it. */
export async function countWrites(home: string, task: string): Promise<Map<string, number>> {
  const copy = copyHome(home);
  const log = join(copy, "points.log");
  expect(await runTask(copy, task, { log })).toMatchObject({
    output: expect.stringMatching(/done$/),
    code: 0,
  });
  const kinds = ["store", "index"].filter((kind) => existsSync(`${log}.${kind}`));
  const counts = new Map(kinds.map((kind) => [kind, Number(readFileSync(`${log}.${kind}`, "utf8"))]));
  removeHome(copy);
  return counts;
}

/** Points of a task, at most `wanted`, spread over its files by a seed; all of them if they are fewer. */
export function choosePoints(counts: ReadonlyMap<string, number>, wanted: number, seed: number): string[] {
  const random = seededRandom(seed);
  const all = [...counts].flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, i) => ({ point: `${kind}:${i + 1}`, order: random() })),
  );
  return all
    .sort((a, b) => a.order - b.order)
    .slice(0, wanted)
    .map(({ point }) => point);
}

/** Rounds of a seeded test: a few by default, all with NEARSIGHT_ROUNDS=full. */
export function rounds(few: number, all: number): number {
  return process.env["NEARSIGHT_ROUNDS"] === "full" ? all : few;
}

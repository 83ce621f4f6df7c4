/**
 * Does the parts of a build as a queue and its workers would at their worst: in any order, some twice and side by side,
 * by processes that are killed in the middle of them.
 */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BatchRef } from "../../core/index.ts";
import { seededRandom } from "../../core/random.ts";

const CHILD = fileURLToPath(new URL("./batch-child.ts", import.meta.url));
/** A part is killed within this time of its start, in milliseconds. */
const LONGEST_LIFE_MS = 40;

export interface CrewOptions {
  readonly workers: number;
  readonly kills: number;
  /** Share of the parts that are handed out twice. */
  readonly doubled?: number;
  readonly seed?: number;
}

export interface CrewReport {
  readonly kills: number;
  readonly handedOut: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

interface Answer {
  readonly outcome?: string;
  readonly error?: string;
}

/** Ends when every part was answered; throws what a part threw. */
export async function doBatches(
  home: string,
  batches: readonly BatchRef[],
  { workers, kills, doubled = 0.2, seed = 1 }: CrewOptions,
): Promise<CrewReport> {
  const random = seededRandom(seed);
  const waiting = shuffled([...batches, ...batches.filter(() => random() < doubled)], random);
  const outcomes: Record<string, number> = {};
  let handedOut = 0;
  let killed = 0;

  async function work(): Promise<void> {
    let child = await startChild(home);
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
      handedOut += 1;
      const answer = once(child, "message") as Promise<[Answer]>;
      child.send(batch);
      // Spread over the whole build, so that its end is met too.
      if (killed < kills && random() < (kills - killed) / (waiting.length + 1)) {
        killed += 1;
        await pause(random() * LONGEST_LIFE_MS);
        await kill(child);
        // What was not answered for comes again, later.
        waiting.splice(Math.floor(random() * (waiting.length + 1)), 0, batch);
        child = await startChild(home);
        continue;
      }
      const [{ outcome, error }] = await answer;
      if (error !== undefined) throw new Error(error);
      outcomes[outcome ?? ""] = (outcomes[outcome ?? ""] ?? 0) + 1;
    }
    child.disconnect();
    await once(child, "exit");
  }

  await Promise.all(Array.from({ length: workers }, work));
  return { kills: killed, handedOut, outcomes };
}

async function startChild(home: string): Promise<ChildProcess> {
  const child = fork(CHILD, [home], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  await once(child, "message");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

function shuffled<Value>(values: Value[], random: () => number): Value[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [one, other] = [values[i] as Value, values[j] as Value];
    values[i] = other;
    values[j] = one;
  }
  return values;
}

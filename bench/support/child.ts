/** A child process that answers one line of JSON for each line it is sent. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface Child {
  /** What it said when it was ready. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Milliseconds from its start until then. */
  readonly startMs: number;
  ask<Answer>(command: Record<string, unknown>): Promise<Answer>;
  close(): Promise<void>;
}

/** Starts the program and waits until it says, in one line of JSON, that it is ready. */
export async function startChild(
  program: string,
  words: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Child> {
  const start = performance.now();
  const child = spawn(program, words, { ...options, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${program} ${words[0]} ended; its message is above`);
    return JSON.parse(value);
  };
  const ready = await read();
  return {
    ready,
    startMs: performance.now() - start,
    async ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return await read();
    },
    async close() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

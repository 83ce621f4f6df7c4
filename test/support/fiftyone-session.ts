/** A process of the real FiftyOne that takes commands one after another: importing it takes seconds. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const SCRIPT = resolve(import.meta.dirname, "../../tools/fiftyone-session.py");

/** Lines of the process's log that an error shows. */
const LOG_LINES = 20;

export interface FiftyOneSession {
  /** Runs a command of tools/fiftyone-session.py; throws what Python says. */
  ask<Answer>(command: string, options: Readonly<Record<string, unknown>>): Promise<Answer>;
  close(): Promise<void>;
}

/** Starts the process. */
export function openSession(python: string, environment: NodeJS.ProcessEnv): FiftyOneSession {
  const child = spawn(python, [SCRIPT], { env: environment, stdio: ["pipe", "pipe", "pipe"] });
  const log: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  // Of a process that has ended: the answer that does not come tells more.
  child.stdin.on("error", () => {});
  return {
    async ask<Answer>(command: string, options: Readonly<Record<string, unknown>>) {
      child.stdin.write(`${JSON.stringify([command, options])}\n`);
      const { value } = await answers.next();
      const said = log.slice(-LOG_LINES).join("\n");
      if (value === undefined)
        throw new Error(`Expected an answer to ${command} but FiftyOne ended:\n${said}`);
      const { answer, error } = JSON.parse(value) as { answer?: Answer; error?: string };
      if (error !== undefined) throw new Error(`FiftyOne: ${error}`);
      return answer as Answer;
    },
    async close() {
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.stdin.end();
      await ended;
    },
  };
}

/** Runs the `nearsight` command as users do: as a process of its own, with a home of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ENTRY = fileURLToPath(new URL("../../bin/nearsight.mjs", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What was printed on stderr but for progress, which a slow machine prints and a fast one does not. */
export function messagesOf({ stderr }: Outcome): string {
  return stderr.replace(/^[a-z ]+: [\d.]+\/[\d.]+.*\n/gm, "");
}

export interface CommandLine {
  run(...words: string[]): Promise<Outcome>;
  /** Runs with `--json` and gives the value printed; fails where the exit code is not `code`. */
  json<Value>(words: readonly string[], code?: number): Promise<Value>;
  /** Starts, and leaves `onOutput` to act on the process whenever something was printed on stdout. */
  start(words: readonly string[], onOutput: (child: ChildProcess, stdout: string) => void): Promise<Outcome>;
}

/** The command with `home` as its installation, and nothing read from this machine's settings. */
export function commandLine(home: string, environment: Readonly<Record<string, string>> = {}): CommandLine {
  const env = {
    PATH: process.env["PATH"],
    ...{ HOME: home, NEARSIGHT_HOME: home, NO_COLOR: "1", ...environment },
  };

  const start: CommandLine["start"] = (words, onOutput) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [ENTRY, ...words], { env, cwd: home });
      let stdout = "";
      let stderr = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        onOutput(child, stdout);
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      child.on("error", reject).on("close", (code) => resolve({ code, stdout, stderr }));
    });

  const run = (...words: string[]) => start(words, () => {});

  return {
    start,
    run,
    async json<Value>(words: readonly string[], code = 0) {
      const outcome = await run(...words, "--json");
      if (outcome.code !== code) {
        throw new Error(`Expected exit code ${code} but found ${outcome.code}: ${outcome.stderr}`);
      }
      return JSON.parse(outcome.stdout) as Value;
    },
  };
}

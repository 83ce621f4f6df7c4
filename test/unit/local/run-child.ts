/** Runs `child.ts` in a process of its own. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface ChildResult {
  readonly output: string;
  readonly signal: string | null;
}

/** The child's output and the signal that ended it; throws if it failed otherwise. */
export async function runChild(...values: string[]): Promise<ChildResult> {
  const script = fileURLToPath(new URL("child.ts", import.meta.url));
  const child = spawn(process.execPath, [script, ...values], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const [code, signal] = await once(child, "close");
  if (code !== 0 && signal === null) throw new Error(`The child ended with ${code}: ${errors}`);
  return { output: output.trim(), signal };
}

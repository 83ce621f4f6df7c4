/** Brain runs over the API: what they are, and the wait for one that is being built. */

import type { BrainRunInfo, ProgressOption } from "../core/dataset/brain-port.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../core/errors.ts";
import { ofProblem, type Problem } from "./answers.ts";
import type { WaitOptions } from "./embeddings.ts";
import type { Http } from "./http.ts";

/** A run as the API gives it. */
export interface RunJson extends BrainRunInfo {
  /** Why the last build failed. */
  readonly problem?: Problem;
}

export interface FollowOptions extends WaitOptions {
  /** What is being done, for the progress events. */
  readonly phase: string;
}

/** Between two looks at a build: short at first, for small ones, and longer the longer it takes. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** The run as users see it. */
export function runInfo({ problem: _, ...info }: RunJson): BrainRunInfo {
  return info;
}

/** Starts a build, which `path` then tells of, and waits for its end; the errors are those of `follow`. */
export async function build(
  http: Http,
  path: string,
  start: { readonly path: string; readonly body: object },
  options: FollowOptions,
): Promise<RunJson> {
  throwIfAborted(options.signal);
  // Without the signal: what was started, or not, could otherwise not be told, and not be stopped.
  const started = await http<RunJson>("post", start.path, { body: start.body });
  return follow(http, path, started, options);
}

/**
 * Waits for the end of a build, and tells how far it is meanwhile. Throws what the build failed with; ABORTED once
 * the signal fires, which stops it.
 */
async function follow(
  http: Http,
  path: string,
  started: RunJson,
  { progress, signal, phase }: FollowOptions,
): Promise<RunJson> {
  let run = started;
  const report = reporter(phase, progress);
  try {
    for (let length = FIRST_PAUSE_MS; isUnderWay(run); length = Math.min(LONGEST_PAUSE_MS, 1.5 * length)) {
      report(run);
      await pause(length, signal);
      run = await http<RunJson>("get", path, { signal });
    }
  } catch (error) {
    if (signal?.aborted) await http("post", `${path}/cancel`, { repeatable: true });
    throwIfAborted(signal);
    throw error;
  }
  if (run.problem !== undefined) throw ofProblem(run.problem);
  if (run.state === "failed" || run.state === "cancelled") throw stopped(run);
  report(run);
  return run;
}

function isUnderWay({ state, problem }: RunJson): boolean {
  return problem === undefined && (state === "planned" || state === "building");
}

/** Tells how far a run is, where it has come farther. */
function reporter(phase: string, progress: ProgressOption | undefined): (run: RunJson) => void {
  let told = -1;
  return ({ entries: { pending, indexed, failed } }) => {
    const done = indexed + failed;
    if (done > told) progress?.({ phase, done, total: pending + done, failed });
    told = done;
  };
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const stop = () => resolve();
  signal?.addEventListener("abort", stop);
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  });
}

/** Deletes a run with its collection; fine if it is gone. */
export async function removeRun(
  http: Http,
  path: string,
  query: { readonly cleanup: boolean; readonly force?: boolean },
): Promise<void> {
  try {
    await http("delete", path, { query });
  } catch (error) {
    if (!isNearsightError(error, "RUN_NOT_FOUND")) throw error;
  }
}

/** The process that built it is gone, and with it what exactly happened. */
function stopped({ key, state, reason }: RunJson): NearsightError {
  return new NearsightError({
    code: state === "cancelled" ? "ABORTED" : "WRITE_PARTIAL",
    message: `The build of brain run '${key}' ended as ${state}${reason === null ? "" : `: ${reason}`}`,
    hint: "Call it again to go on; what was already written is kept",
    details: { brainKey: key, state },
  });
}

/** Runs one command on the installation or a server, gives it an output and a stop signal, closes everything after. */

import type { Command } from "commander";
import { type Nearsight, open } from "../core/index.ts";
import { createOutput, type Output, paint } from "./output.ts";

/** Options every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
  /** Of a server to work on instead of this machine's installation. */
  readonly url?: string;
  readonly apiKey?: string;
}

/** What a command works with. */
export interface Session {
  readonly ns: Nearsight;
  readonly output: Output;
  /** Fires at Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Opens, runs and closes. `stoppable` commands end at the first Ctrl-C in order, others at once. */
export async function withSession(
  command: Command,
  work: (session: Session) => Promise<void>,
  { stoppable = false }: { stoppable?: boolean } = {},
): Promise<void> {
  const { json = false, ...where } = command.optsWithGlobals<GlobalOptions>();
  const stop = stoppable ? stopAtInterrupt() : null;
  try {
    const preparing = createOutput(json);
    await using ns = await openOrConnect(where);
    await work({ ns, output: await preparing, signal: stop?.signal ?? new AbortController().signal });
  } finally {
    stop?.release();
  }
}

async function openOrConnect({ url, apiKey }: Pick<GlobalOptions, "url" | "apiKey">): Promise<Nearsight> {
  if (url !== undefined) {
    // Commands on this machine start without it.
    const { connect } = await import("../client/index.ts");
    return connect(url, { apiKey });
  }
  const warn = (message: string) =>
    void process.stderr.write(`${paint("yellow", "warning:", process.stderr)} ${message}\n`);
  return open({ warn });
}

const INTERRUPTED = 130;
/** npx and our own starter pass on an interrupt that the terminal has sent here as well. */
const SAME_INTERRUPT_MS = 500;
const SHOW_CURSOR = "\u001b[?25h";

function endNow(): never {
  if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
  process.exit(INTERRUPTED);
}

/** The first signal asks to stop, the second one ends the process. */
function stopAtInterrupt() {
  const controller = new AbortController();
  let first = 0;
  const onSignal = () => {
    if (controller.signal.aborted) {
      if (performance.now() - first > SAME_INTERRUPT_MS) endNow();
      return;
    }
    first = performance.now();
    process.stderr.write("\nStopping after the current batch; press Ctrl-C again to end at once.\n");
    controller.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    release: () => process.off("SIGINT", onSignal).off("SIGTERM", onSignal),
  };
}

/** Progress of long commands on stderr: a bar on a terminal, now and then a line elsewhere. */

import { duration, paint } from "./output.ts";

export interface ProgressStep {
  readonly done: number;
  readonly total: number;
  readonly failed?: number;
}

export interface Progress {
  update(step: ProgressStep): void;
  /** Removes the bar. */
  stop(): void;
}

/** What is counted, in the plural, and how numbers are shown. */
export interface ProgressOptions {
  readonly label: string;
  readonly unit: string;
  /** Default: whole numbers. */
  readonly show?: (count: number) => string;
  /** Say nothing where stderr is no terminal. */
  readonly quiet: boolean;
}

const BAR_WIDTH = 26;
/** Between two lines where there is no terminal. */
const LINE_EVERY_MS = 5_000;

export async function createProgress(options: ProgressOptions): Promise<Progress> {
  if (process.stderr.isTTY) return barProgress(options);
  return options.quiet ? { update() {}, stop() {} } : lineProgress(options);
}

async function barProgress(options: ProgressOptions): Promise<Progress> {
  const { SingleBar } = await import("cli-progress");
  const describe = rateMeter(options);
  let text = "";
  const bar = new SingleBar({
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    fps: 10,
    format: (_, { progress }) => {
      const full = Math.round(Math.min(1, progress) * BAR_WIDTH);
      const done = paint("cyan", "━".repeat(full), process.stderr);
      return `  ${options.label} ${done}${paint("dim", "╌".repeat(BAR_WIDTH - full), process.stderr)} ${text}`;
    },
  });
  let started = false;
  return {
    update(step) {
      text = describe(step);
      if (!started) bar.start(Math.max(1, step.total), step.done);
      started = true;
      bar.setTotal(Math.max(1, step.total));
      bar.update(step.done);
    },
    stop() {
      if (started) bar.stop();
    },
  };
}

function lineProgress(options: ProgressOptions): Progress {
  const describe = rateMeter(options);
  let last = Date.now();
  return {
    update(step) {
      const text = describe(step);
      if (Date.now() - last < LINE_EVERY_MS) return;
      last = Date.now();
      process.stderr.write(`${options.label}: ${text}\n`);
    },
    stop() {},
  };
}

/** `124/200, 31 images/s, 3 s left`; what was done before the first step does not count for the rate. */
function rateMeter({ unit, show = String }: ProgressOptions): (step: ProgressStep) => string {
  let first: { readonly time: number; readonly done: number } | undefined;
  return ({ done, total, failed = 0 }) => {
    first ??= { time: Date.now(), done };
    const parts = [`${show(done)}/${show(total)}`];
    const elapsed = Date.now() - first.time;
    const rate = (done - first.done) / (elapsed / 1000);
    if (elapsed > 300 && rate > 0) {
      parts.push(
        `${rateText(rate, show)} ${unit}/s`.replace(/ +/g, " "),
        `${duration(((total - done) / rate) * 1000)} left`,
      );
    }
    if (failed > 0) parts.push(`${failed} failed`);
    return parts.join(", ");
  };
}

function rateText(rate: number, show: (count: number) => string): string {
  return show === String ? rate.toFixed(rate < 10 ? 1 : 0) : show(rate);
}

/** The contenders of bench/remote.ts: child processes, each with a collection of its own on the server. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startFiftyOne } from "../../../test/support/fiftyone-peer.ts";
import { type Child, startChild } from "../child.ts";
import { OURS } from "../report.ts";
import type { Answer, Command, Setting } from "./protocol.ts";

export const DRIVER = "its driver alone";
export const SDK = "SDK by hand";
export const FIFTYONE = "FiftyOne";
export const PYTHON = "Python client by hand";

/** Who answers a command, and which part of it. */
interface Contender {
  readonly child: Child;
  readonly layer?: string;
}

export type Contenders = Readonly<Record<string, Contender>>;

export interface StartOptions {
  readonly folder: string;
  /** Takes what ends the children, the last first. */
  readonly ends: (() => Promise<unknown>)[];
  readonly withFiftyOne: boolean;
}

/** Starts them with their samples, and without an index yet. */
export async function startContenders(
  common: Omit<Setting, "collection" | "ours" | "folder">,
  { folder, ends, withFiftyOne }: StartOptions,
): Promise<Contenders> {
  const start = async (who: string, [program, ...words]: [string, ...string[]], env = process.env) => {
    const own = join(folder, who);
    mkdirSync(own);
    const names = { collection: collectionOf(who), ours: collectionOf("nearsight") };
    const setting: Setting = { ...common, ...names, folder: own };
    const child = await startChild(program, [...words, JSON.stringify(setting)], { env });
    ends.push(() => child.close());
    return child;
  };
  const script = (file: string) => join(import.meta.dirname, file);
  const ours = await start("nearsight", [process.execPath, script("nearsight.ts")]);
  const sdk = await start("sdk", [process.execPath, script("sdk.ts")]);
  const node = { [OURS]: { child: ours }, [DRIVER]: { child: ours, layer: "driver" }, [SDK]: { child: sdk } };
  if (!withFiftyOne) return node;
  const peer = await startFiftyOne(folder);
  ends.push(() => peer.stop());
  // It warns of calls of its own.
  const words: [string, ...string[]] = [peer.python, "-B", "-W", "ignore", script("peer-fiftyone.py")];
  const fiftyone = await start("fiftyone", words, peer.environment);
  return { ...node, [FIFTYONE]: { child: fiftyone }, [PYTHON]: { child: fiftyone, layer: "client" } };
}

/** Has a contender do one thing. */
export async function ask(contenders: Contenders, who: string, command: Command): Promise<Answer> {
  const contender = contenders[who];
  if (contender === undefined) throw new Error(`Expected ${who} to take part but it does not`);
  const { child, layer } = contender;
  return child.ask<Answer>({ ...command, ...(layer === undefined ? {} : { layer }) });
}

/** The collection that a child fills. */
export function collectionOf(who: string): string {
  return `bench_${process.pid}_${who}`;
}

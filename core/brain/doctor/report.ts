/** What a check-up of an installation says. */

import type { ProgressOption } from "../../dataset/brain-port.ts";
import type { ErrorCode, NearsightError } from "../../errors.ts";

export interface DoctorOptions {
  /** Name of the only data set to look at. Default: all. */
  readonly dataset?: string;
  /** Key of the only brain run to look at, and of nothing else. Default: all, the store and the default model. */
  readonly brainKey?: string;
  /**
   * Compare every entry with its collection, also where their numbers agree, and measure the recall of large
   * indexes too. Default false.
   */
  readonly deep?: boolean;
  /** Look whether each indexed medium is still there and unchanged. Default false. */
  readonly media?: boolean;
  /**
   * Bring indexes back in step with the store: finish deletions, forget what a collection has lost so that
   * `addMissing()` makes it again, take over what another program has added to samples that are there, remove the
   * rest from our own collections, write filter fields that are out of date. Default false.
   */
  readonly repair?: boolean;
  readonly progress?: ProgressOption;
  readonly signal?: AbortSignal;
}

/** What was looked at: of the installation, of its servers, or of a brain run. */
export type CheckName =
  | ("store" | "model" | "server" | "unused")
  | ("state" | "collection" | "index" | "entries" | "fields" | "search" | "recall" | "media");

/** One thing that was looked at. */
export interface Check {
  /** What it is about: `installation`, a data set, or `DATASET/BRAIN_KEY`. */
  readonly subject: string;
  readonly name: CheckName;
  readonly status: "ok" | "warning" | "error" | "repaired";
  /** What was found. */
  readonly message: string;
  /** One thing to do about it. */
  readonly hint?: string;
  /** The error met, where there was one. */
  readonly code?: ErrorCode;
}

export interface DoctorReport {
  /** No check ended in a warning or an error. */
  readonly healthy: boolean;
  readonly checks: readonly Check[];
}

/** A check's outcome without what it is about. */
export type Outcome = Omit<Check, "subject" | "name">;

export function ok(message: string): Outcome {
  return { status: "ok", message };
}

export function warning(message: string, hint: string): Outcome {
  return { status: "warning", message, hint };
}

export function repaired(message: string): Outcome {
  return { status: "repaired", message };
}

/** An error met while looking, with its own hint. */
export function failure({ message, hint, code }: NearsightError): Outcome {
  return { status: "error", message, code, ...(hint === undefined ? {} : { hint }) };
}

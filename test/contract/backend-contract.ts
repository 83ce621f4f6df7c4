/** The contract of every backend: the list of cases, and running them as tests or as plain functions. */

import { afterAll, afterEach, beforeAll, describe, test } from "vitest";
import type { Backend, Capabilities, Collection } from "../../core/backends/backend.ts";
import type { ErrorCode } from "../../core/errors.ts";
import { CLOSE_CASES } from "./cases/close.ts";
import { CONCURRENCY_CASES } from "./cases/concurrency.ts";
import { ERROR_CASES } from "./cases/errors.ts";
import { FETCH_CASES } from "./cases/fetch.ts";
import { FIELD_CASES } from "./cases/fields.ts";
import { ID_CASES } from "./cases/ids.ts";
import { LIFECYCLE_CASES } from "./cases/lifecycle.ts";
import { LIMIT_CASES } from "./cases/limits.ts";
import { NEIGHBOR_CASES } from "./cases/neighbors.ts";
import { SCALE_CASES } from "./cases/scale.ts";
import { SEARCH_CASES } from "./cases/search.ts";
import { SELECTION_CASES } from "./cases/selection.ts";
import { WRITE_CASES } from "./cases/write.ts";
import { type Context, expectCode, type Limits, type Run, startContext } from "./context.ts";

/** One promise of the interface. */
export interface ContractCase {
  readonly name: string;
  /** Left out where the backend does not claim this; another case then checks that it refuses. */
  readonly needs?: (capabilities: Capabilities, limits: Limits) => boolean;
  run(context: Context): Promise<void>;
}

/** A case in which a backend does something else, for a reason, and what it does instead. */
export interface Difference {
  /** `group > name` of an existing case. */
  readonly case: string;
  readonly because: string;
  /** The code the case ends with, or another check in its place. */
  readonly expect: ErrorCode | ((context: Context) => Promise<void>);
}

export interface ContractOptions {
  /** Connects; each call gives a new client of the same place. */
  readonly open: () => Backend | Promise<Backend>;
  readonly differs?: readonly Difference[];
  /** Tests of what only this backend has, inside the same `describe`. */
  readonly extra?: (context: () => Context) => void;
  /** Largest error of a distance, relative to its size where that is above 1. @default 1e-5 */
  readonly tolerance?: number;
  /** Share of true hits an approximate search has to find. @default 0.98 */
  readonly recall?: number;
  /**
   * Largest error of a number read back from a collection that compares by cosine, relative to the largest number
   * of its vector: a server may keep vectors of length 1 beside their lengths. @default 0
   */
  readonly rounding?: number;
  /** What the server takes at most. */
  readonly limits?: Limits;
  /**
   * Fails unless the server has finished the index of a collection over that many entries: asked of the server
   * itself, once for each collection of the scale cases, after it was filled.
   */
  readonly indexed?: (collection: Collection, entries: number) => Promise<void>;
  /** Longest a case may take, in milliseconds, on a machine with much else to do. @default 300,000 */
  readonly timeout?: number;
}

const GROUPS: Readonly<Record<string, readonly ContractCase[]>> = {
  lifecycle: LIFECYCLE_CASES,
  write: WRITE_CASES,
  fetch: FETCH_CASES,
  ids: ID_CASES,
  search: SEARCH_CASES,
  selection: SELECTION_CASES,
  fields: FIELD_CASES,
  neighbors: NEIGHBOR_CASES,
  limits: LIMIT_CASES,
  scale: SCALE_CASES,
  errors: ERROR_CASES,
  concurrency: CONCURRENCY_CASES,
  close: CLOSE_CASES,
};

/** All cases, named `group > name`. */
const CONTRACT_CASES: readonly ContractCase[] = Object.entries(GROUPS).flatMap(([group, cases]) =>
  cases.map((one) => ({ ...one, name: `${group} > ${one.name}` })),
);

/** The cases a backend has to pass, its differences put in; throws for a difference naming no such case. */
export function casesFor(
  capabilities: Capabilities,
  { differs = [], limits = {} }: Pick<ContractOptions, "differs" | "limits"> = {},
): ContractCase[] {
  const cases = CONTRACT_CASES.filter((one) => one.needs?.(capabilities, limits) ?? true);
  for (const { case: name } of differs) {
    if (!cases.some((one) => one.name === name))
      throw new Error(`No contract case of this backend is named '${name}'`);
  }
  return cases.map((one) => {
    const difference = differs.find((entry) => entry.case === one.name);
    if (difference === undefined) return one;
    const { expect: outcome, because } = difference;
    const name = `${one.name} (differs: ${because})`;
    if (typeof outcome === "function") return { ...one, name, run: outcome };
    return { ...one, name, run: (context) => expectCode(() => one.run(context), outcome) };
  });
}

/** Declares the contract as tests of a backend. */
export function testBackend(name: string, options: ContractOptions): void {
  const { timeout = 300_000 } = options;
  describe(name, async () => {
    const probe = await options.open();
    const { capabilities } = probe;
    await probe.close();
    let run: Run | undefined;
    const context = (): Context => {
      if (run === undefined) throw new Error("The contract has not started");
      return run.context;
    };
    beforeAll(async () => {
      run = await start(options);
    }, timeout);
    afterEach(() => run?.endCase(), timeout);
    afterAll(() => run?.end(), timeout);
    for (const one of casesFor(capabilities, options)) test(one.name, () => one.run(context()), timeout);
    options.extra?.(context);
  });
}

/** Runs cases one after the other and gives those that failed, with their errors; all cases unless some are named. */
export async function failedCases(
  options: ContractOptions,
  among?: readonly string[],
): Promise<{ name: string; error: unknown }[]> {
  const { context, endCase, end } = await start(options);
  const failed: { name: string; error: unknown }[] = [];
  for (const one of casesFor(context.capabilities, options)) {
    if (among?.includes(one.name) === false) continue;
    try {
      await one.run(context);
    } catch (error) {
      failed.push({ name: one.name, error });
    }
    await endCase().catch(() => undefined);
  }
  await end().catch(() => undefined);
  return failed;
}

function start({
  open,
  tolerance = 1e-5,
  recall = 0.98,
  rounding = 0,
  limits = {},
  indexed,
}: ContractOptions): Promise<Run> {
  return startContext(async () => open(), { tolerance, recall, rounding, limits, indexed });
}

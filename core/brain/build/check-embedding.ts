/** Checks how media are to be embedded, before anything is written. */

import type { EmbeddingOptions } from "../../dataset/brain-port.ts";
import { NearsightError } from "../../errors.ts";

type Check = readonly [expected: string, fits: (value: unknown) => boolean];

const isCount = (value: unknown) => Number.isInteger(value) && Number(value) >= 1;
const isFlag = (value: unknown) => typeof value === "boolean";

const CHECKS: Readonly<Record<keyof EmbeddingOptions, Check>> = {
  batchSize: ["a whole number from 1 on", isCount],
  numWorkers: ["a whole number from 1 on", isCount],
  skipFailures: ["true or false", isFlag],
  forceSquare: ["true or false", isFlag],
  alpha: ["a finite number", Number.isFinite],
  progress: ["a function", (value) => typeof value === "function"],
  signal: ["an AbortSignal", (value) => value instanceof AbortSignal],
};

/** Throws INVALID_ARGUMENT for the first option of another kind than it takes. */
export function checkEmbeddingOptions(options: EmbeddingOptions): void {
  for (const [name, [expected, fits]] of Object.entries(CHECKS)) {
    const value: unknown = options[name as keyof EmbeddingOptions];
    if (value === undefined || fits(value)) continue;
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected ${name} to be ${expected} but found ${typeof value === "object" ? "an object" : String(value)}`,
      hint: `Leave ${name} out for its default`,
      details: { option: name },
    });
  }
}

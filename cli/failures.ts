/** Prints what a command could not do: the first of it as a table, and how much more there is. */

import type { IoFailure } from "../core/index.ts";
import { type Output, paint, plural } from "./output.ts";

const SHOWN_FAILURES = 20;

/** One thing that failed, under the name of the first column. */
export type FailureRow = readonly [where: string, reason: string];

/** Prints nothing where nothing failed. */
export function printFailures(
  output: Output,
  title: string,
  column: string,
  rows: readonly FailureRow[],
): void {
  if (rows.length === 0) return;
  output.line(paint("yellow", title));
  output.table([{ name: column, flexible: true }, { name: "reason" }], rows.slice(0, SHOWN_FAILURES));
  const more = rows.length - SHOWN_FAILURES;
  if (more > 0) output.line(`  and ${more} more; --json lists all`);
}

/** What could not be read or written. */
export function printIoFailures(output: Output, failed: readonly IoFailure[], verb: string): void {
  const title = `${plural(failed.length, "thing")} could not be ${verb}:`;
  printFailures(
    output,
    title,
    "where",
    failed.map(({ path, reason }) => [path, reason]),
  );
}

/** What all benchmarks print: the machine, the commit, medians and ratios, and the same as JSON for plots. */

import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import Table from "cli-table3";
import { CACHE } from "./data.ts";

/** Milliseconds of each contender in one case, round by round. */
export interface Case {
  readonly name: string;
  readonly times: Readonly<Record<string, number[]>>;
  /** What else is known of each contender's answer. */
  readonly notes?: Readonly<Record<string, string>>;
}

export interface Report {
  readonly title: string;
  readonly facts: Readonly<Record<string, string | number>>;
  readonly cases: readonly Case[];
  /** Most memory of contenders with a process of their own. */
  readonly peakMb?: Readonly<Record<string, number>>;
}

/** The one all ratios are against. */
export const OURS = "nearsight";

/** Where and of what the figures were taken. */
export function machineFacts(): Record<string, string | number> {
  return {
    commit: commit(),
    node: process.version,
    machine: `${process.platform} ${process.arch}, ${availableParallelism()} x ${cpus()[0]?.model.trim() ?? "?"}`,
    "memory GiB": Math.round(totalmem() / 2 ** 30),
    "load at the start": loadavg()[0]?.toFixed(1) ?? "",
  };
}

/** OpenBLAS keeps its threads busy for some 30 ms after a call, at the cost of whoever runs next. */
const REST_MS = 100;

/**
 * Runs each contender once a round, in turns, so that a slow moment of the machine meets all of them, and each
 * after a rest in which the threads of the one before it go to sleep.
 */
export async function inTurns(
  rounds: number,
  contenders: Readonly<Record<string, (round: number) => Promise<number>>>,
  { warm = true } = {},
): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  const names = Object.keys(contenders);
  if (warm) for (const name of names) await contenders[name]?.(0); // not counted: caches and compilers warm up
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      await setTimeout(REST_MS);
      const ms = await contenders[name]?.(round);
      times[name] = [...(times[name] ?? []), ms ?? Number.NaN];
    }
  }
  return times;
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** Prints a report and keeps it as JSON under the given name. */
export async function publish(name: string, report: Report): Promise<void> {
  const facts = { ...report.facts, "load at the end": loadavg()[0]?.toFixed(1) ?? "" };
  console.log(`\n${report.title}`);
  for (const [what, value] of Object.entries(facts)) console.log(`  ${what}: ${value}`);
  const rows = tableOf(report);
  const table = new Table({ head: [...(rows[0] ?? [])] });
  for (const [name = "", ...cells] of rows.slice(1)) {
    table.push([name, ...cells.map((text) => text.replace(", ", "\n"))]);
  }
  console.log(table.toString());
  console.log("In brackets: how many times as long as ours, the median of the ratios round by round.");
  await mkdir(CACHE, { recursive: true });
  const path = join(CACHE, `${name}.json`);
  await writeFile(path, `${JSON.stringify({ ...report, facts }, null, 1)}\n`);
  // As RESULTS.md has it.
  const ruled = rows.flatMap((row, i) => (i === 0 ? [row, row.map(() => "---")] : [row]));
  await writeFile(
    path.replace(/json$/, "md"),
    ruled.map((row) => `| ${row.join(" | ")} |\n`),
  );
  console.log(`Kept in ${path}, and as a table in Markdown beside it`);
}

/** A row for each case, after one of heads: the medians, ratios and notes of each contender. */
function tableOf({ cases }: Report): string[][] {
  const contenders = [
    ...new Set(cases.flatMap(({ times, notes = {} }) => [...Object.keys(times), ...Object.keys(notes)])),
  ];
  const rows = cases.map(({ name, times, notes = {} }) => [
    name,
    ...contenders.map((one) => [cell(times, one), notes[one] ?? ""].filter(Boolean).join(", ")),
  ]);
  return [["median ms", ...contenders], ...rows];
}

function cell(times: Case["times"], contender: string): string {
  const values = times[contender];
  if (values === undefined) return "";
  const shown = median(values).toPrecision(3);
  const ours = times[OURS];
  if (contender === OURS || ours === undefined) return Number(shown).toString();
  const ratio = median(values.map((value, i) => value / (ours[i] ?? Number.NaN)));
  return `${Number(shown)} (${ratio.toFixed(1)}x)`;
}

function commit(): string {
  try {
    const hash = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
    const changes = execFileSync("git", ["status", "--porcelain", "--", "core"], { encoding: "utf8" });
    return changes === "" ? hash : `${hash} with changes`;
  } catch {
    return "unknown";
  }
}

/** What commands print: lines and tables for people, or one JSON value. */

import { homedir } from "node:os";
import { relative, sep } from "node:path";
import { stripVTControlCharacters, styleText } from "node:util";
import type Table from "cli-table3";

type Style = Parameters<typeof styleText>[0];

/** A column of a table. */
export interface Column {
  readonly name: string;
  readonly align?: "left" | "right";
  /** Gives way where the terminal is narrow; its start is cut off, since ends of paths tell more. */
  readonly flexible?: boolean;
}

/** Where a command prints to. Results go to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean;
  /** A line for people; nothing in JSON mode. */
  line(text?: string): void;
  /** A heading for people; nothing in JSON mode. */
  heading(text: string): void;
  /** A table for people; nothing in JSON mode. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void;
  /** A remark on stderr, in both modes. */
  note(text: string): void;
  /** The answer in JSON mode; nothing otherwise. */
  result(value: unknown): void;
}

/** Colours a text where the stream is a terminal and NO_COLOR is not set. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(style, text, { stream });
}

export async function createOutput(json: boolean): Promise<Output> {
  const { default: TextTable } = await import("cli-table3");
  const print = (text: string) => {
    if (!json) process.stdout.write(`${text}\n`);
  };
  return {
    json,
    line: (text = "") => print(text),
    heading: (text) => print(paint("bold", text)),
    table: (columns, rows) => print(tableText(TextTable, columns, rows, process.stdout.columns)),
    note: (text) => void process.stderr.write(`${text}\n`),
    result(value) {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
  };
}

const NO_BORDERS = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
    ...["left", "left-mid", "mid", "mid-mid", "right", "right-mid"],
  ].map((name) => [name, ""]),
);

/** Columns side by side without lines, no wider than `width` where that is known. */
function tableText(
  TextTable: typeof Table,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): string {
  const fitted = fitFlexible(columns, rows, width);
  const table = new TextTable({
    ...(columns.every((column) => column.name === "")
      ? {}
      : { head: columns.map((column) => paint("dim", column.name)) }),
    chars: { ...NO_BORDERS, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: columns.map((column) => column.align ?? "left"),
  });
  table.push(...fitted.map((row) => row.map(printable)));
  return table
    .toString()
    .split("\n")
    .map((line) => `  ${line}`.trimEnd())
    .join("\n");
}

function fitFlexible(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): readonly (readonly string[])[] {
  const flexible = columns.findIndex((column) => column.flexible);
  if (width === undefined || flexible < 0) return rows;
  const widths = columns.map((column, i) =>
    Math.max(...[column.name, ...rows.map((row) => row[i] ?? "")].map(visibleLength)),
  );
  const excess = widths.reduce((sum, one) => sum + one + 2, 2) - width;
  if (excess <= 0) return rows;
  const room = Math.max(16, (widths[flexible] ?? 0) - excess);
  return rows.map((row) => row.map((cell, i) => (i === flexible ? cutStart(cell, room) : cell)));
}

/** Names of files and labels come from anywhere: what they hold must not steer the terminal. */
function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}/gu, "\u{fffd}");
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}

function cutStart(text: string, room: number): string {
  return text.length <= room ? text : `…${text.slice(text.length - room + 1)}`;
}

/** A path as short as it can be said: below the current folder, below `~`, or whole. */
export function shortPath(path: string): string {
  const below = relative(process.cwd(), path);
  if (below !== "" && !below.startsWith("..") && !below.includes(`..${sep}`)) return below;
  const home = homedir();
  return path.startsWith(`${home}${sep}`) ? `~${path.slice(home.length)}` : path;
}

/** `1 image`, `12 images`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

/** Milliseconds as `0.4 s`, `12 s` or `3 min 5 s`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Bytes as `10 MB`. */
export function bytes(count: number): string {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))} kB`;
  return count < 1e9 ? `${Math.round(count / 1e6)} MB` : `${(count / 1e9).toFixed(1)} GB`;
}

/** A word as it is typed in a shell: in single quotes where it has other than plain characters. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

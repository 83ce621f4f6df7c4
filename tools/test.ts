/**
 * Runs groups of tests one after another, at most one big server at a time: `node tools/test.ts --groups=short,milvus`
 * and vitest's arguments. Where this machine cannot run a server its group is left out and named at the end; with
 * REQUIRE_SERVERS=1 that is a failure, and those of `interop` fail in any case. A report gets its group's name:
 * `out.json` becomes `out.milvus.json`.
 */

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join, parse, resolve } from "node:path";
import { parseCLI } from "vitest/node";
import { addressVariable, givenAddress, isServerName, type ServerName } from "./servers/catalogue.ts";
import { hasEngine } from "./servers/compose.ts";
import { MissingTool } from "./servers/needs.ts";
import { installServer } from "./servers/servers.ts";
import { SERVER_GROUPS } from "./test-groups.ts";

const ROOT = resolve(import.meta.dirname, "..");
const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");

interface Request {
  readonly groups: readonly string[];
  readonly vitestArguments: readonly string[];
}

/** A group that did not run. */
interface LeftOut {
  readonly group: string;
  readonly why: string;
  readonly help: string;
}

function readArguments(args: readonly string[]): Request {
  const option = "--groups=";
  const groups = args
    .find((word) => word.startsWith(option))
    ?.slice(option.length)
    .split(",");
  if (groups === undefined) throw new Error(`Expected ${option}NAME,NAME but found ${args.join(" ")}`);
  return { groups, vitestArguments: args.filter((word) => !word.startsWith(option)) };
}

/** Test files of a server's group that the filters on the command line leave. */
function filesOf(group: string, filters: readonly string[]): string[] {
  const { include = [], exclude = [] } = SERVER_GROUPS.get(group) ?? {};
  const files = globSync([...include], { cwd: ROOT, exclude: [...exclude] });
  return filters.length === 0
    ? files
    : files.filter((file) => filters.some((filter) => isMeant(file, filter)));
}

/** As vitest filters: a part of the path, with a line's number or without. */
function isMeant(file: string, filter: string): boolean {
  return join(ROOT, file).includes(filter.replace(/:\d+$/, ""));
}

/** Says why a server cannot run here; null where it can, and then it is installed. */
async function whyNot(name: ServerName): Promise<LeftOut | null> {
  if (givenAddress(name) !== null || (name !== "milvus-lite" && (await hasEngine()))) return null;
  try {
    await installServer(name);
    return null;
  } catch (error) {
    const [why = ""] = String(error instanceof Error ? error.message : error).split("\n");
    const help = error instanceof MissingTool ? error.install : `npm run servers start ${name}`;
    return { group: name, why, help: `${help}, or set ${addressVariable(name)}` };
  }
}

/** `--outputFile.json=out.json` as `--outputFile.json=out.milvus.json`, so that no group overwrites another's report. */
function reportOf(group: string, word: string, previous: string | undefined): string {
  const option = /^(--outputFile(?:\.\w+)?=)(.+)$/.exec(word);
  const path = option?.[2] ?? (/^--outputFile(\.\w+)?$/.test(previous ?? "") ? word : undefined);
  if (path === undefined) return word;
  const { dir, name, ext } = parse(path);
  return `${option?.[1] ?? ""}${join(dir, `${name}.${group}${ext}`)}`;
}

function runVitest(group: string, args: readonly string[], filters: readonly string[]): boolean {
  const named = args.map((word, at) => reportOf(group, word, args[at - 1]));
  // A filter may leave no file of this group; without one a group without files is a mistake.
  const empty = filters.length > 0 ? ["--passWithNoTests"] : [];
  const words = [VITEST, "run", "--project", group, ...empty, ...named];
  return spawnSync(process.execPath, words, { cwd: ROOT, stdio: "inherit" }).status === 0;
}

async function main(): Promise<number> {
  const { groups, vitestArguments } = readArguments(process.argv.slice(2));
  const { filter } = parseCLI(["vitest", "run", ...vitestArguments], { allowUnknownOptions: true });
  const leftOut: LeftOut[] = [];
  const failed: string[] = [];
  for (const group of groups) {
    if (isServerName(group)) {
      if (filter.length > 0 && filesOf(group, filter).length === 0) continue;
      const reason = await whyNot(group);
      if (reason !== null) {
        leftOut.push(reason);
        continue;
      }
    }
    if (!runVitest(group, vitestArguments, filter)) failed.push(group);
  }
  for (const { group, why, help } of leftOut) {
    console.error(`\nNot run: ${group}. ${why}\n  To run it: ${help}`);
  }
  if (failed.length > 0) console.error(`\nFailed: ${failed.join(", ")}`);
  const isComplete = leftOut.length === 0 || process.env["REQUIRE_SERVERS"] !== "1";
  return failed.length === 0 && isComplete ? 0 : 1;
}

process.exitCode = await main();

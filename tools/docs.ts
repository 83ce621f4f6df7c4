/** Writes the tables of the documentation that follow from the code. With --check it only says which are out of date. */

import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { BACKEND_SETTINGS, type SettingSpec, snakeCase } from "../core/backend-settings.ts";
import type { Backend } from "../core/backends/backend.ts";
import { elasticsearchBackend } from "../core/backends/elasticsearch/elasticsearch.ts";
import { localBackend } from "../core/backends/local/local.ts";
import { milvusBackend } from "../core/backends/milvus/milvus.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** Neither reads a file nor connects before its first call. */
const BACKENDS: readonly Backend[] = [localBackend({ folder: "." }), milvusBackend(), elasticsearchBackend()];

interface Table {
  readonly page: string;
  /** The comment before the table; the table ends at the next `<!-- end -->`. */
  readonly mark: string;
  readonly text: string;
}

/** Every table that is made. */
export function tables(): Table[] {
  const options = Object.entries(BACKEND_SETTINGS).map(([name, settings]) => ({
    page: `docs/backends/${name}.md`,
    mark: `options ${name}`,
    text: optionTable(name, settings),
  }));
  return [...options, { page: "README.md", mark: "capabilities", text: capabilityTable() }];
}

/** A page with its table put in. */
export function withTable(page: string, { mark, text }: Table): string {
  const start = `<!-- ${mark} -->\n`;
  const from = page.indexOf(start) + start.length;
  const to = page.indexOf("<!-- end -->", from);
  if (from < start.length || to < 0)
    throw new Error(`Expected a comment ${start.trim()} and an end after it`);
  return `${page.slice(0, from)}\n${text}\n\n${page.slice(to)}`;
}

function optionTable(backend: string, settings: Readonly<Record<string, SettingSpec>>): string {
  const prefix = `FIFTYONE_BRAIN_SIMILARITY_${backend.toUpperCase()}_`;
  const rows = Object.entries(settings).map(([name, { type, about, secret, default: value }]) => [
    `\`${name}\``,
    type,
    `${about}${secret ? "; masked wherever settings are printed" : ""}`,
    defaultText(value),
    `\`…${snakeCase(name).toUpperCase()}\``,
  ]);
  const table = markdownTable(["option", "type", "meaning", "default", "variable"], rows);
  return `${table}\n\nVariables begin with \`${prefix}\`; in the configuration file the options are in snake_case. An option of the call wins over the environment, and the environment over the file.`;
}

/** Values as code, descriptions as they are. */
function defaultText(value = ""): string {
  return value === "" || value.includes(" ") ? value : `\`${value}\``;
}

function capabilityTable(): string {
  const columns = BACKENDS.map((backend) => [backend.name, capabilitiesOf(backend)] as const);
  const [, first] = columns[0] ?? [];
  const rows = Object.keys(first ?? {}).map((label) => [
    label,
    ...columns.map(([, cells]) => cells[label] ?? ""),
  ]);
  const names = columns.map(([name]) => `[${name}](docs/backends/${name}.md)`);
  return markdownTable(["", ...names], rows);
}

function capabilitiesOf({ capabilities }: Backend): Readonly<Record<string, string>> {
  const {
    metrics,
    defaultMetric,
    vectorTypes,
    exact,
    reverse,
    radius,
    maxK,
    filterFields = false,
  } = capabilities;
  const yes = (claim: boolean) => (claim ? "yes" : "no");
  return {
    metrics: metrics.map((metric) => (metric === defaultMetric ? `**${metric}**` : metric)).join(", "),
    vectors: vectorTypes.join(", "),
    "exact search": exact ? "always" : "where the index is; small views and whole rankings always",
    "least similar first": yes(reverse),
    "within a distance": yes(radius),
    "views by their condition": filterFields ? "with `filterFields`" : yes(false),
    "largest `k`": maxK === null ? "any" : `any; ${maxK.toLocaleString("en")} in one call`,
  };
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

if (import.meta.main) {
  const isCheck = process.argv.includes("--check");
  for (const table of tables()) {
    const path = join(ROOT, table.page);
    const before = readFileSync(path, "utf8");
    const after = withTable(before, table);
    if (after === before) continue;
    console.log(`${table.page}: ${table.mark}${isCheck ? " is out of date" : ""}`);
    if (isCheck) process.exitCode = 1;
    else writeFileSync(path, after);
  }
}

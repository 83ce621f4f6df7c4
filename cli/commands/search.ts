/** `nearsight search`: what is most (or least) similar to an image, a sample, a text or a vector. */

import { basename } from "node:path";
import type { Command } from "commander";
import { type Dataset, NearsightError, parseFilter, type SimilarityQuery } from "../../core/index.ts";
import { finiteNumber, positiveInteger } from "../arguments.ts";
import { paint, plural, shortPath } from "../output.ts";
import { describeRow, type FoundSearch, searchDataset, searchJson } from "../searching.ts";
import { type Session, withSession } from "../session.ts";
import { readVector } from "../vector-file.ts";
import { type ShownQuery, writeSheet } from "../write-sheet.ts";

interface SearchOptions {
  readonly image?: string;
  readonly id?: string;
  readonly prompt?: string;
  readonly vector?: string;
  readonly k: number;
  readonly reverse?: boolean;
  readonly maxDistance?: number;
  readonly where?: string;
  readonly brainKey?: string;
  readonly html?: string;
}

export function addSearchCommand(program: Command): void {
  program
    .command("search")
    .description("find similar images or objects")
    .argument("<dataset>", "data set to search in")
    .option("--image <file>", "search with a picture")
    .option("--id <id>", "search with a sample of the data set, or an object where objects are indexed")
    .option("--prompt <text>", "search with a description")
    .option("--vector <file>", "search with a vector: JSON array, .npy, or float32 numbers")
    .option("-k <number>", "number of results", positiveInteger, 10)
    .option("--reverse", "least similar first")
    .option("--max-distance <distance>", "leave out what is farther", finiteNumber)
    .option("--where <filter>", "search only samples (or objects) the filter holds for")
    .option("--brain-key <key>", "index to search; default: the only one that fits")
    .option("--html <file>", "write the results as a page, pictures included")
    .addHelpText(
      "after",
      [
        "",
        "Examples:",
        '  nearsight search quickstart --prompt "a photo of a dog"',
        "  nearsight search photos --image cat.jpg -k 20 --html cats.html",
        `  nearsight search photos --id 64f1c0a5b2e9d83f7a6c1b20 --where 'tags contains "train"' --json`,
      ].join("\n"),
    )
    .action((dataset: string, options: SearchOptions, command: Command) =>
      withSession(command, (session) => search(session, dataset, options)),
    );
}

async function search({ ns, output }: Session, name: string, options: SearchOptions): Promise<void> {
  const query = await queryOf(options);
  const filter = options.where === undefined ? undefined : parseFilter(options.where);
  const dataset = await ns.loadDataset(name);
  const { k, reverse = false, maxDistance, brainKey } = options;
  const found = await searchDataset(dataset, { query, k, reverse, maxDistance, filter, brainKey });
  const { pending, failed } = found.run.entries;
  if (pending + failed > 0) {
    output.note(
      `${plural(pending + failed, "entry", "entries")} not indexed; the same \`nearsight index\` again adds them`,
    );
  }
  output.line(`${paint("bold", titleOf(options))}  ${paint("dim", factsOf(found))}`);
  printHits(output, found);
  if (options.html !== undefined) {
    const shown = await shownQuery(dataset, found, options);
    const path = await writeSheet(options.html, `${titleOf(options)} – ${name}`, [{ query: shown, found }]);
    output.note(`Page: ${path}`);
  }
  output.result(searchJson(found));
}

/** The table of a search. */
export function printHits(output: Session["output"], { run, hits }: FoundSearch): void {
  if (hits.length === 0) {
    output.line("  Nothing found.");
    return;
  }
  const isPatches = run.config.patchesField !== null;
  output.table(
    [
      { name: "rank", align: "right" },
      { name: "distance", align: "right" },
      { name: "score", align: "right" },
      { name: "id" },
      { name: isPatches ? "object" : "labels" },
      { name: "file", flexible: true },
    ],
    hits.map((hit) => [
      String(hit.rank),
      hit.distance.toFixed(4),
      hit.score.toFixed(4),
      hit.id,
      someOf(hit.labels),
      shortPath(hit.filepath),
    ]),
  );
}

function someOf(labels: readonly string[]): string {
  return labels.length <= 3 ? labels.join(", ") : `${labels.slice(0, 3).join(", ")} +${labels.length - 3}`;
}

function factsOf({ dataset, run }: FoundSearch): string {
  const { method, metric, model } = run.config;
  return [`${dataset}/${run.key}`, method, metric, ...(model === null ? [] : [model])].join(" · ");
}

function titleOf({ image, id, prompt, vector }: SearchOptions): string {
  if (prompt !== undefined) return `“${prompt}”`;
  return `Similar to ${id ?? basename(image ?? vector ?? "")}`;
}

const QUERY_OPTIONS = ["image", "id", "prompt", "vector"] as const;

async function queryOf(options: SearchOptions): Promise<SimilarityQuery> {
  const given = QUERY_OPTIONS.filter((name) => options[name] !== undefined);
  if (given.length !== 1) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected one of --image, --id, --prompt and --vector but found ${given.length === 0 ? "none" : given.map((name) => `--${name}`).join(" and ")}`,
      hint: 'For example: nearsight search quickstart --prompt "a photo of a dog"',
    });
  }
  const { image, id, prompt, vector } = options;
  if (image !== undefined) return { image };
  if (id !== undefined) return { id };
  return prompt === undefined ? { vector: await readVector(vector ?? "") } : { prompt };
}

/** The query as the page shows it, with its picture where it has one. */
async function shownQuery(
  dataset: Dataset,
  { run }: FoundSearch,
  options: SearchOptions,
): Promise<ShownQuery> {
  const { image, id, prompt, vector } = options;
  if (prompt !== undefined) return { kind: "prompt", label: prompt };
  if (image !== undefined) return { kind: "image", label: basename(image), filepath: image };
  if (id === undefined) return { kind: "vector", label: basename(vector ?? "") };
  return shownId(dataset, run.config.patchesField, id);
}

/** A sample or object of the data set as a query. */
export async function shownId(
  dataset: Dataset,
  patchesField: string | null,
  id: string,
): Promise<ShownQuery> {
  const rows = patchesField === null ? dataset.select([id]) : dataset.toPatches(patchesField).select([id]);
  const [row] = await rows.head(1);
  if (row === undefined) return { kind: "id", label: id };
  const { filepath, labels, box } = describeRow(row);
  const name = basename(filepath);
  return { kind: "id", label: box === null ? name : `${labels.join(", ")} in ${name}`, filepath, box };
}

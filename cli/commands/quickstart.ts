/** `nearsight quickstart`: a data set, two indexes and three searches, to see that everything works. */

import { basename, join } from "node:path";
import type { Command } from "commander";
import { type Dataset, DEFAULT_MODEL } from "../../core/index.ts";
import { duration, paint, shortPath } from "../output.ts";
import { type FoundSearch, type SearchRequest, searchDataset, searchJson } from "../searching.ts";
import { type Session, withSession } from "../session.ts";
import { type ShownQuery, writeSheet } from "../write-sheet.ts";
import { indexWithProgress, printReport, reportJson } from "./index.ts";
import { printHits, shownId } from "./search.ts";

const NAME = "quickstart";
const PATCHES_FIELD = "ground_truth";
const PROMPT = "a photo of a dog";
const SHOWN_K = 5;
const SHEET_K = 10;

export function addQuickstartCommand(program: Command): void {
  program
    .command("quickstart")
    .description("index 200 example images and search them: by image, by text, by object")
    .addHelpText("after", "\nNeeds no network, no server and no account. The second time it only searches.")
    .action((_, command: Command) => withSession(command, quickstart, { stoppable: true }));
}

async function quickstart(session: Session): Promise<void> {
  const { ns, output } = session;
  // Before anything is made: a server has no folder here that the page could be put in.
  const page = join(ns.config.home, `${NAME}.html`);
  const dataset = await prepare(session);
  for (const key of ["images", "patches"]) await dropOutdated(session, dataset, key);
  const images = await indexWithProgress(session, dataset, { brainKey: "images" });
  printReport(output, images, "images");
  const patches = await indexWithProgress(session, dataset, {
    brainKey: "patches",
    patchesField: PATCHES_FIELD,
  });
  printReport(output, patches, "objects");

  const searches = await runSearches(dataset);
  for (const { heading, found } of searches) {
    output.line();
    output.heading(heading);
    printHits(output, { ...found, hits: found.hits.slice(0, SHOWN_K) });
  }
  const sheet = await writeSheet(page, "nearsight quickstart", searches);
  printEnd(session, sheet, searches);
  output.result({
    dataset: dataset.name,
    samples: await dataset.count(),
    indexes: [reportJson(dataset, images, 0), reportJson(dataset, patches, 0)],
    searches: searches.map(({ found }) => searchJson(found)),
    sheet,
  });
}

async function prepare({ ns, output }: Session): Promise<Dataset> {
  const start = performance.now();
  const isNew = !(await ns.datasetExists(NAME));
  const dataset = await ns.loadZooDataset(NAME);
  const size = await dataset.count();
  const how = isNew ? `drawn on this machine in ${duration(performance.now() - start)}` : "here already";
  output.line(`Data set ${paint("bold", NAME)}: ${size} images, ${how}`);
  return dataset;
}

/** An index made by an earlier version's model cannot be searched with the present one: it is made anew. */
async function dropOutdated({ ns, output }: Session, dataset: Dataset, key: string): Promise<void> {
  if (!(await dataset.hasBrainRun(key))) return;
  const { config } = await dataset.getBrainInfo(key);
  if (config.model !== DEFAULT_MODEL || config.modelFingerprint === null) return;
  const { fingerprint } = await ns.loadZooModel(DEFAULT_MODEL);
  if (config.modelFingerprint === fingerprint) return;
  await (await dataset.loadBrainResults(key)).delete();
  output.line(
    `Index ${paint("bold", key)} was made with another version of ${DEFAULT_MODEL}: making it anew`,
  );
}

interface ShownSearch {
  readonly heading: string;
  readonly query: ShownQuery;
  readonly found: FoundSearch;
}

async function runSearches(dataset: Dataset): Promise<ShownSearch[]> {
  const sample = await dataset.first();
  const object = await dataset.toPatches(PATCHES_FIELD).first();
  const run = async (heading: string, query: ShownQuery, request: Omit<SearchRequest, "k">) => ({
    heading,
    query,
    found: await searchDataset(dataset, { k: SHEET_K, ...request }),
  });
  // What is searched with would be its own best match.
  return [
    await run(
      `Images most similar to ${basename(sample.filepath)}`,
      await shownId(dataset, null, sample.id),
      {
        query: { id: sample.id },
        brainKey: "images",
        exclude: [sample.id],
      },
    ),
    await run(
      `Images for “${PROMPT}”`,
      { kind: "prompt", label: PROMPT },
      {
        query: { prompt: PROMPT },
        brainKey: "images",
      },
    ),
    await run(
      `Objects most similar to the ${object.label} in ${basename(object.filepath)}`,
      await shownId(dataset, PATCHES_FIELD, object.id),
      { query: { id: object.id }, brainKey: "patches", exclude: [object.id] },
    ),
  ];
}

function printEnd({ output }: Session, sheet: string, searches: readonly ShownSearch[]): void {
  const [bySample, , byObject] = searches;
  const sampleId = bySample?.found.hits[0]?.id ?? "ID";
  const objectId = byObject?.found.hits[0]?.id ?? "ID";
  output.line();
  output.line(`${paint("bold", "All results as a page:")} ${shortPath(sheet)}`);
  output.line();
  output.heading("Try next");
  const commands = [
    [`search ${NAME} --prompt "a red car" --html cars.html`, "by text, as a page"],
    [`search ${NAME} --id ${sampleId} -k 5`, "by image"],
    [`search ${NAME} --brain-key patches --id ${objectId}`, "by object"],
    ["index ~/Pictures --name photos", "your own images"],
    ["models list", "models for photos: the default one is small"],
  ];
  const width = Math.max(...commands.map(([command = ""]) => command.length));
  for (const [command = "", why = ""] of commands) {
    output.line(`  npx nearsight ${command.padEnd(width)}  ${paint("dim", why)}`);
  }
}

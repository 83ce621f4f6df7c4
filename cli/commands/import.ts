/** `nearsight import`: reads a folder, file or archive of any known format into a data set. */

import { basename, extname, resolve } from "node:path";
import type { Command } from "commander";
import type { ImportReport } from "../../core/index.ts";
import { positiveInteger } from "../arguments.ts";
import { EXIT } from "../errors.ts";
import { printIoFailures } from "../failures.ts";
import { type Output, paint, plural, shellWord } from "../output.ts";
import { createProgress } from "../progress.ts";
import { type Session, withSession } from "../session.ts";

interface ImportOptions {
  readonly name?: string;
  readonly format?: string;
  readonly labelField?: string;
  readonly dataPath?: string;
  readonly labelsPath?: string;
  readonly tag?: string[];
  readonly maxSamples?: number;
}

export function addImportCommand(program: Command): void {
  program
    .command("import")
    .description("read a data set in FiftyOne's, COCO's, YOLO's or another format")
    .argument("<path>", "folder, file or archive")
    .option("--name <name>", "data set to make, or to add to; default: the name of the path")
    .option("--format <format>", "default: found by what is there")
    .option("--label-field <field>", "field for the labels; default: ground_truth")
    .option("--data-path <path>", "folder of the media, where it is not where the format has it")
    .option("--labels-path <path>", "labels, where they are not where the format has them")
    .option("--tag <tag...>", "tags for every sample")
    .option("--max-samples <number>", "stop after so many", positiveInteger)
    .addHelpText(
      "after",
      "\nFormats: directory, tree, coco, yolo, voc, fiftyone, jsonl, csv, parquet, npy; each of them in a zip too.\nMedia stay where they are. What cannot be read is listed, and the exit code is 4.",
    )
    .action((path: string, options: ImportOptions, command: Command) =>
      withSession(command, (session) => importPath(session, path, options), { stoppable: true }),
    );
}

async function importPath(
  { ns, output, signal }: Session,
  path: string,
  { name = nameOf(path), tag, ...options }: ImportOptions,
): Promise<void> {
  const isNew = !(await ns.datasetExists(name));
  const dataset = isNew ? await ns.createDataset(name) : await ns.loadDataset(name);
  const progress = await createProgress({ label: "reading", unit: "samples", quiet: output.json });
  let report: ImportReport;
  try {
    const tags = tag === undefined ? {} : { tags: tag };
    report = await dataset.addDir(path, { ...options, ...tags, signal, progress: progress.update });
  } catch (error) {
    // A data set that came to nothing is no use to anybody.
    if (isNew && (await dataset.count()) === 0) await dataset.delete();
    throw error;
  } finally {
    progress.stop();
  }
  printImport(output, name, report);
  output.result({ dataset: name, ...report });
  if (report.failed.length > 0) process.exitCode = EXIT.partial;
}

/** The last part of the path without its ending. */
function nameOf(path: string): string {
  const last = basename(resolve(path));
  return last.slice(0, last.length - extname(last).length) || last;
}

function printImport(output: Output, name: string, report: ImportReport): void {
  const { format, added, savedViews, brainRuns } = report;
  output.line(`Data set ${paint("bold", name)}: ${plural(added, "sample")} added  ${paint("dim", format)}`);
  if (savedViews.length > 0) output.line(`Saved views: ${savedViews.join(", ")}`);
  if (brainRuns.length > 0) output.line(`Indexes: ${brainRuns.join(", ")}`);
  printIoFailures(output, report.failed, "read");
  if (added > 0) output.line(`\n${paint("dim", "Index it:")} npx nearsight index ${shellWord(name)}`);
}

/** `nearsight export`: writes a data set, or the part of it a filter holds for, in any known format. */

import { type Command, Option } from "commander";
import { parseFilter } from "../../core/index.ts";
import { EXIT } from "../errors.ts";
import { printIoFailures } from "../failures.ts";
import { paint, plural, shortPath } from "../output.ts";
import { createProgress } from "../progress.ts";
import { type Session, withSession } from "../session.ts";

interface ExportOptions {
  readonly format?: string;
  readonly labelField?: string;
  readonly embeddingsField?: string;
  readonly media: "copy" | "symlink" | "none";
  readonly where?: string;
  readonly overwrite?: boolean;
}

export function addExportCommand(program: Command): void {
  program
    .command("export")
    .description("write a data set in FiftyOne's, COCO's, YOLO's or another format")
    .argument("<dataset>")
    .argument("<path>", "folder, file or .zip to make")
    .option("--format <format>", "default: by the path's ending, else fiftyone")
    .option("--label-field <field>", "field whose labels are written; default: the only one that fits")
    .option("--embeddings-field <field>", "vector field that is written, where the format takes one")
    .addOption(
      new Option("--media <how>", "what happens to the media: none writes paths to where they are")
        .choices(["copy", "symlink", "none"])
        .default("copy"),
    )
    .option("--where <filter>", "write only samples the filter holds for")
    .option("--overwrite", "replace what is at the path")
    .action((dataset: string, path: string, options: ExportOptions, command: Command) =>
      withSession(command, (session) => exportDataset(session, dataset, path, options), { stoppable: true }),
    );
}

async function exportDataset(
  { ns, output, signal }: Session,
  name: string,
  path: string,
  { media, where, ...options }: ExportOptions,
): Promise<void> {
  const dataset = await ns.loadDataset(name);
  const samples = where === undefined ? dataset : dataset.match(parseFilter(where));
  const progress = await createProgress({ label: "writing", unit: "samples", quiet: output.json });
  const exportMedia = media === "none" ? false : media;
  const report = await samples
    .export(path, { ...options, exportMedia, signal, progress: progress.update })
    .finally(() => progress.stop());
  output.line(
    `Wrote ${plural(report.exported, "sample")} of ${paint("bold", name)} to ${shortPath(path)}  ${paint("dim", report.format)}`,
  );
  printIoFailures(output, report.failed, "written");
  output.result({ dataset: name, path, ...report });
  if (report.failed.length > 0) process.exitCode = EXIT.partial;
}
